"""The recipients of the mail of a channel."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.config import get_settings


def recipients(own: Sequence[str]) -> list[str]:
    """Return a channel's own recipients, else ADMIN_EMAILS."""
    return list(own) or list(get_settings().admin_emails)
