"""A webhook: the message as JSON, signed, so that the receiver knows who sent it and when."""

from __future__ import annotations

import hashlib
import hmac
import time

from mahaam.alerts.channels.post import body_of, deliver_to
from mahaam.alerts.messages.deliveries import NewDelivery
from mahaam.alerts.messages.effects import Effects

# A receiver makes the same HMAC of "<timestamp>.<body>" with the secret, compares it in constant
# time, and rejects what is older than five minutes.
SIGNATURE, TIMESTAMP, DELIVERY = "X-Mahaam-Signature", "X-Mahaam-Timestamp", "X-Mahaam-Delivery"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return HMAC-SHA256 of the timestamp and the body."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def deliver(delivery: NewDelivery, effects: Effects) -> None:
    """Send to a webhook. Raises AddressRefused, NotDelivered."""
    message, secret = delivery.told, delivery.secret or ""
    body, timestamp = body_of(message.plain()), str(int(time.time()))
    headers = {
        TIMESTAMP: timestamp,
        SIGNATURE: signature(secret, timestamp, body),
        DELIVERY: str(message.id),
    }
    deliver_to(delivery.url or "", body, headers, effects)
