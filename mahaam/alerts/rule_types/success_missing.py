"""Dead man's switch: a task that should complete now and then has not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.queries import causes
from mahaam.alerts.rule_types.rule_type import (
    Cause,
    Evaluation,
    Moments,
    Parameters,
    RuleParameter,
    RuleType,
    minutes,
)
from mahaam.core.translatable import Translatable
from mahaam.postgres.database import Cursor
from mahaam.queries.rejection_text import ago

STEP = timedelta(minutes=10)
WHAT = Translatable("Task %(task)s has not completed for %(span)s.")


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    task = look.parameters["task"]
    cursor.execute(causes.SUCCESS_MISSING_LAST, {"task": task})
    row = cursor.fetchone()
    assert row is not None
    last_at, now = row
    since = max(last_at or look.since, look.since)
    if now - since <= timedelta(minutes=look.parameters["minutes"]):
        return []
    silence_s = (now - (last_at or since)).total_seconds()
    what = WHAT.about(task=task, span=ago(silence_s))
    return [Cause(f"task:{task}", what, address_of(LinkedPage.TASK, task))]


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    cursor.execute(causes.SUCCESS_MISSING_PAST, {"task": parameters["task"]})
    begin = datetime.now(UTC) - timedelta(days=7)
    seen = [begin, *(at + STEP for (at,) in cursor.fetchall()), begin + timedelta(days=7)]
    longest = timedelta(minutes=parameters["minutes"])
    return [("", after) for before, after in pairwise(seen) if after - before > longest]


SUCCESS_MISSING = RuleType(
    "success_missing",
    Translatable("A success is missing"),
    Translatable("A task that should complete now and then has not, for whatever reason."),
    _look,
    _past,
    (
        RuleParameter("task", Translatable("Task"), "name", is_needed=True),
        minutes(1440, Translatable("For more than so many minutes")),
    ),
    gap=timedelta(0),
)
