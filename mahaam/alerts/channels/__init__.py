"""The ways in which people are told: e-mail, webhook, Slack."""
