"""Previews of a schedule's next times: in its own zone, with changes of the clocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mahaam.schedules.rules.spec import Spec, next_runs


class Preview(NamedTuple):
    """A time to come; `is_changed`: the clocks of the zone were changed since the time before."""

    at: datetime
    local: datetime
    is_changed: bool


def previews(spec: Spec, after: datetime, count: int) -> list[Preview]:
    """Return the next `count` times after `after`."""
    zone = ZoneInfo(spec.timezone)
    found: list[Preview] = []
    offset: timedelta | None = after.astimezone(zone).utcoffset()
    for at in next_runs(spec, after, count):
        local = at.astimezone(zone)
        found.append(Preview(at, local, local.utcoffset() != offset))
        offset = local.utcoffset()
    return found
