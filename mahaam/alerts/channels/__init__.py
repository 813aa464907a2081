"""The ways in which people are notified: e-mail, webhook, Slack."""
