"""The messages of an alert: their texts, recipients and deliveries."""
