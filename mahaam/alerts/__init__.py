"""Alerts: rules that look at the product every 15 seconds, and who is told of what they find."""
