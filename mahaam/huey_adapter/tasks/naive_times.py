"""Huey's naive times: in UTC, or in the local zone of a Huey with `utc=False`."""

from __future__ import annotations

from datetime import UTC, datetime


def aware(time: datetime, *, utc: bool) -> datetime:
    """Return the instant that Huey means by `time`."""
    if time.tzinfo is not None:
        return time
    return time.replace(tzinfo=UTC) if utc else time.astimezone()


def naive(instant: datetime | None, *, utc: bool) -> datetime | None:
    """Return an instant as Huey writes it. None stays None."""
    if instant is None:
        return None
    return instant.astimezone(UTC if utc else None).replace(tzinfo=None)
