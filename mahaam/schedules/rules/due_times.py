"""Which due times of a schedule are fired and which are skipped, after a wait of any length."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mahaam.schedules.rules.spec import Spec, next_run

LATE = timedelta(seconds=60)  # a due time that is older was missed
SHOWN = 20  # of the missed ones, rows of their own; the rest is one row
MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Skip:
    """Due times that are not fired: `count` of them, the first at `at`."""

    at: datetime
    count: int = 1


@dataclass(slots=True)
class Due:
    """The fired and skipped due times until now, and when the schedule is due again (None: never)."""

    fires: list[datetime] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    next_at: datetime | None = None


def due(spec: Spec, since: datetime, now: datetime, *, missed: str, limit: int) -> Due:
    """Apply the policy `missed` to the due times from `since`, which is one, to `now`.

    skip fires the newest unless it is late; once fires the newest; all fires the newest `limit`.
    """
    wanted = limit if missed == "all" else 1
    times, left_out, next_at = _times(spec, since, now, wanted + SHOWN)
    fires = times[-wanted:]
    if missed == "skip":
        fires = [at for at in fires if now - at <= LATE]
    skipped = times[: len(times) - len(fires)]
    return Due(fires, _skips(since, skipped, left_out), next_at)


def _times(
    spec: Spec, since: datetime, now: datetime, enough: int
) -> tuple[list[datetime], int, datetime | None]:
    """Return the newest due times, `enough` or more.

    Return also how many older ones were not computed, and the first after now.
    """
    times, at = _next_times(spec, since, now, 2 * enough)
    if at is None or at > now:
        return times, 0, at
    newest = _newest(spec, since, now, enough)
    step = (times[-1] - since) / (len(times) - 1)  # the first ones tell how dense the others are
    return newest, max(1, round((newest[0] - since) / step)), next_run(spec, now)


def _newest(spec: Spec, since: datetime, now: datetime, enough: int) -> list[datetime]:
    """Return the last due times of a long wait, of which `since` is one: as many as can be computed."""
    low, high = since, now
    found, at = _next_times(spec, since, now, 2 * enough)
    while at is not None and at <= now:  # too many since `low`: halve the time
        middle = low + (high - low) / 2
        times, next_at = _next_times(spec, next_run(spec, middle), now, 2 * enough)
        is_dense = next_at is not None and next_at <= now
        if is_dense or len(times) >= enough:
            low, found, at = middle, times, next_at
        else:
            high = middle
    return found


def _next_times(
    spec: Spec, since: datetime | None, now: datetime, most: int
) -> tuple[list[datetime], datetime | None]:
    """Return due times from `since`, which is one, at most `most`, and the one after them."""
    times: list[datetime] = []
    at = since
    while at is not None and at <= now and len(times) < most:
        times.append(at)
        at = next_run(spec, at)
    return times, at


def _skips(since: datetime, skipped: list[datetime], left_out: int) -> list[Skip]:
    """Return the newest of the skipped due times one by one, and all older ones together."""
    older = len(skipped) - SHOWN
    if left_out or older > 0:
        older = max(older, 0)
        return [Skip(since, left_out + older), *(Skip(at) for at in skipped[older:])]
    return [Skip(at) for at in skipped]
