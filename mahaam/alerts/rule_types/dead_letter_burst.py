"""Many jobs fail for good in a short time, whatever the causes."""

from __future__ import annotations

from mahaam.alerts.rule_types.rule_type import (
    QUEUE,
    TASK,
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

# Key of job_minute.
LOOK = """
SELECT coalesce(sum(failed), 0)::int FROM job_minute
WHERE minute > now() - %(minutes)s * interval '1 minute'
  AND (%(task)s::text IS NULL OR task = %(task)s) AND (%(queue)s::text IS NULL OR queue = %(queue)s)
"""
# Key of job_period, in steps of ten minutes.
PAST = """
SELECT '', starts_at FROM (
  SELECT starts_at, sum(failed) OVER (ORDER BY starts_at RANGE BETWEEN
    greatest(%(minutes)s - 10, 0) * interval '1 minute' PRECEDING AND CURRENT ROW) AS failed
  FROM job_period
  WHERE length_s = 600 AND starts_at > now() - interval '7 days'
    AND task = coalesce(%(task)s, '') AND queue = coalesce(%(queue)s, '')) AS sums
WHERE failed >= %(count)s
"""
WHAT = Translatable("%(count)s jobs failed for good in %(minutes)s minutes.")


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    parameters = {"task": None, "queue": None, **look.parameters}
    cursor.execute(LOOK, parameters)
    row = cursor.fetchone()
    count = int(row[0]) if row else 0
    if count < parameters["count"]:
        return []
    what = WHAT.about(count=count, minutes=parameters["minutes"])
    path = "/admin/deadletterqueue/?reprocessed=no&resolved=no"
    return [Cause("dead letters", what, path)]


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    cursor.execute(PAST, {"task": None, "queue": None, **parameters})
    return list(cursor.fetchall())


DEAD_LETTERS = RuleType(
    "dead_letters",
    Translatable("Many dead letters arrive"),
    Translatable("So many jobs failed for good in some minutes, whatever the causes."),
    _look,
    _past,
    (
        RuleParameter("count", Translatable("At least so many"), default=100),
        minutes(10, Translatable("In so many minutes"), high=180),
        TASK,
        QUEUE,
    ),
)
