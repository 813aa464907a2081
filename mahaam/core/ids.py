"""Ids of jobs and workers: UUIDv7, which increase with time."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

import uuid_utils


def new_id() -> str:
    """Return a new job id: UUIDv7, which increases with time, and within a process with every call."""
    return str(uuid_utils.uuid7())


def id_at(moment: datetime) -> str:
    """Return a new job id with the time `moment`, not this machine's: UUIDv7 (RFC 9562, method 3)."""
    milliseconds, fraction = divmod(int(moment.timestamp() * 1_000_000), 1000)
    head = milliseconds << 16 | 7 << 12 | fraction * 4096 // 1000
    return str(UUID(int=head << 64 | 2 << 62 | secrets.randbits(62)))
