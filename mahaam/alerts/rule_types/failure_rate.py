"""Too many of the jobs of a task or a queue fail."""

from __future__ import annotations

from mahaam.alerts.rule_types.rule_type import (
    MOST_FINDINGS,
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

# Key of job_minute; a few rows per task, queue and minute.
LOOK = """
SELECT {of}, round(100.0 * sum(failed) / sum(failed + completed))::int, sum(failed)::int
FROM job_minute WHERE minute > now() - %(minutes)s * interval '1 minute'
  AND (%(name)s::text IS NULL OR {of} = %(name)s)
GROUP BY 1
HAVING sum(failed + completed) >= %(at_least)s
   AND 100.0 * sum(failed) >= %(percent)s * sum(failed + completed) AND sum(failed) > 0
ORDER BY 3 DESC LIMIT %(limit)s
"""
# Key of job_period, in steps of ten minutes.
PAST = """
SELECT name, starts_at FROM (
  SELECT {of} AS name, starts_at, sum(failed) OVER recent AS failed,
         sum(failed + completed) OVER recent AS ended
  FROM job_period
  WHERE length_s = 600 AND starts_at > now() - interval '7 days' AND {of} <> '' AND {other} = ''
    AND (%(name)s::text IS NULL OR {of} = %(name)s)
  WINDOW recent AS (PARTITION BY {of} ORDER BY starts_at
    RANGE BETWEEN greatest(%(minutes)s - 10, 0) * interval '1 minute' PRECEDING AND CURRENT ROW)) AS sums
WHERE ended >= %(at_least)s AND 100.0 * failed >= %(percent)s * ended AND failed > 0
"""
OTHER = {"task": "queue", "queue": "task"}
WHAT = {
    "task": Translatable("%(percent)s %% of the jobs of task %(name)s fail (%(count)s failed)."),
    "queue": Translatable("%(percent)s %% of the jobs of queue %(name)s fail (%(count)s failed)."),
}
PATH = {"task": "/admin/job/?state=failed&task=", "queue": "/admin/job/?state=failed&queue="}


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    of = look.parameters["of"]
    cursor.execute(LOOK.format(of=of), {"name": None, **look.parameters, "limit": MOST_FINDINGS})
    return [
        Cause(
            f"{of}:{name}",
            WHAT[of].about(percent=percent, name=name, count=count),
            f"{PATH[of]}{name}",
        )
        for name, percent, count in cursor.fetchall()
    ]


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    of = parameters["of"]
    cursor.execute(PAST.format(of=of, other=OTHER[of]), {"name": None, **parameters})
    return list(cursor.fetchall())


FAILURE_RATE = RuleType(
    "failure_rate",
    Translatable("Too many jobs fail"),
    Translatable("The share of jobs that failed for good among those that ended."),
    _look,
    _past,
    (
        RuleParameter("of", Translatable("Of each"), "choice", "task", choices=("task", "queue")),
        RuleParameter("name", Translatable("Its name; empty: all"), "name"),
        RuleParameter("percent", Translatable("From so many percent on"), default=20, high=100),
        minutes(15, Translatable("In so many minutes"), high=180),
        RuleParameter("at_least", Translatable("When at least so many have ended"), default=10),
    ),
)
