"""Errors of deliveries."""

from __future__ import annotations

from mahaam.core.errors import MahaamError


class NotDelivered(MahaamError):
    """The message could not be delivered. It is tried again."""


class NobodyToTell(MahaamError):
    """The channel has nobody to tell. Set ADMIN_EMAILS and MAIL_SERVER, or name recipients."""
