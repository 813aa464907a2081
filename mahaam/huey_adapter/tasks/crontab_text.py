"""Conversion of Huey's `crontab(...)`, which is a function, to the same cron expression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from huey.api import crontab

PLACES = ("month", "day", "weekday", "hour", "minute")  # as crontab keeps them
WHOLE = {
    "month": range(1, 13), "day": range(1, 32), "weekday": range(7), "hour": range(24),
    "minute": range(60),
}  # fmt: skip
ORDER = ("minute", "hour", "day", "month", "weekday")
MADE = crontab().__code__


def crontab_text(validate: Callable[[datetime], bool]) -> str | None:
    """Return five fields.

    Return None for a function of somebody's own, and where cron would mean something else. Huey
    wants the day of the month and of the week both to fit, cron one of them: where both are
    restricted there is no expression.
    """
    if getattr(validate, "__code__", None) is not MADE:
        return None
    (cell,) = validate.__closure__ or (None,)
    if cell is None:
        return None
    chosen = dict(zip(PLACES, cell.cell_contents, strict=True))
    parts = {name: _text(chosen[name], WHOLE[name]) for name in ORDER}
    if parts["day"] != "*" and parts["weekday"] != "*":
        return None
    return " ".join(parts[name] for name in ORDER)


def _text(chosen: Sequence[int], whole: range) -> str:
    wanted = sorted(set(chosen) & set(whole))
    if wanted == list(whole):
        return "*"
    step = wanted[1] - wanted[0] if len(wanted) > 2 else 0
    if step > 1 and wanted == list(whole[::step]):
        return f"*/{step}"
    if step == 1 and wanted == list(range(wanted[0], wanted[-1] + 1)):
        return f"{wanted[0]}-{wanted[-1]}"
    return ",".join(map(str, wanted))
