"""Questions about live settings, and about pruning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from mahaam.models import Pruned, Pruning, Setting
from mahaam.postgres.query_limits import Reader


@dataclass(frozen=True)
class SettingChange:
    """A value that somebody set, who it was and when."""

    value: Any
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True)
class PruningEntry:
    """How many jobs were deleted today and in the last 30 days, by state, and the end of the last pass."""

    today: dict[str, int]
    month: dict[str, int]
    pass_ended_at: datetime | None


def changes(session: Reader) -> dict[str, SettingChange]:
    """Return every setting that was changed."""
    rows = session.execute(
        select(Setting.name, Setting.value, Setting.changed_at, Setting.changed_by)
    )
    return {name: SettingChange(*values) for name, *values in rows}


def pruning(session: Reader) -> PruningEntry:
    """Return what pruning has deleted."""
    today = session.scalar(select(func.current_date())) or date.today()  # noqa: DTZ011
    rows = session.execute(
        select(Pruned.day, Pruned.state, Pruned.count).where(Pruned.day > today - timedelta(30))
    ).all()
    return PruningEntry(
        today={state: count for day, state, count in rows if day == today},
        month=_sums((state, count) for _, state, count in rows),
        pass_ended_at=session.scalar(select(Pruning.pass_ended_at)),
    )


def _sums(pairs: Any) -> dict[str, int]:
    sums: dict[str, int] = {}
    for state, count in pairs:
        sums[state] = sums.get(state, 0) + count
    return sums
