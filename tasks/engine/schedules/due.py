"""Which due times of a schedule are fired and which are skipped, after a wait of any length."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tasks.engine.schedules.spec import Spec, next_run

LATE = timedelta(seconds=60)  # what is older than that was missed
MOST = 1000  # due times that are looked at one by one
SHOWN = 20  # of what was missed, rows of their own; the rest is one row
MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Skip:
    """Due times that are not fired: `count` of them, the first at `at`."""

    at: datetime
    count: int = 1


@dataclass(slots=True)
class Due:
    """What becomes of the due times until now, and when the schedule is due again (None: never)."""

    fires: list[datetime] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    next_at: datetime | None = None


def due(spec: Spec, since: datetime, now: datetime, *, missed: str, limit: int) -> Due:
    """Judge the due times from `since`, which is one, to `now` by the policy `missed`.

    skip fires the newest unless it is late; once fires the newest; all fires the newest `limit`.
    """
    times, left_out, next_at = _times(spec, since, now)
    wanted = limit if missed == "all" else 1
    fires = times[-wanted:]
    if missed == "skip":
        fires = [at for at in fires if now - at <= LATE]
    skipped = times[: len(times) - len(fires)]
    return Due(fires, _skips(since, skipped, left_out), next_at)


def _times(
    spec: Spec, since: datetime, now: datetime
) -> tuple[list[datetime], int, datetime | None]:
    """The newest due times, how many older ones were not looked at, and the first after now."""
    times, at = _walk(spec, since, now)
    if at is None or at > now:
        return times, 0, at
    # Dense, and long ago: only the last ones matter. The density is that of the first ones.
    step = (times[-1] - times[0]) / (len(times) - 1)
    begin = next_run(spec, now - step * MOST / 2)
    assert begin is not None
    newest, at = _walk(spec, begin, now)
    left_out = max(1, round((newest[0] - since) / step))
    return newest, left_out, at if at is not None and at > now else next_run(spec, now)


def _walk(spec: Spec, since: datetime, now: datetime) -> tuple[list[datetime], datetime | None]:
    times: list[datetime] = []
    at: datetime | None = since
    while at is not None and at <= now and len(times) < MOST:
        times.append(at)
        at = next_run(spec, at)
    return times, at


def _skips(since: datetime, skipped: list[datetime], left_out: int) -> list[Skip]:
    """The newest of what was skipped one by one, everything older together."""
    older = len(skipped) - SHOWN
    if left_out or older > 0:
        older = max(older, 0)
        return [Skip(since, left_out + older), *(Skip(at) for at in skipped[older:])]
    return [Skip(at) for at in skipped]
