"""Alerts: rules that are evaluated every 15 seconds, and the notifications about what they find."""
