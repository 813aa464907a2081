"""The oldest job of a queue waits too long."""

from __future__ import annotations

from mahaam.alerts.rule_types.rule_type import (
    QUEUE,
    Cause,
    Evaluation,
    Moments,
    Parameters,
    RuleParameter,
    RuleType,
)
from mahaam.core.translatable import Translatable
from mahaam.postgres.database import Cursor
from mahaam.queries.rejection_text import ago

# Index: job_waiting. The oldest of the next in line, as far as a thousand of them. A paused queue
# waits because somebody wants it to.
LOOK = """
SELECT name, extract(epoch FROM now() - oldest_at)::float8 FROM queue
CROSS JOIN LATERAL (
  SELECT min(queued_at) AS oldest_at FROM (
    SELECT queued_at FROM job WHERE state = 'queued' AND job.queue = queue.name
    ORDER BY priority DESC, queued_at, id LIMIT 1000) AS head) AS waiting
WHERE oldest_at < now() - %(seconds)s * interval '1 second'
  AND (paused_at IS NULL OR resume_at <= now())
  AND (%(queue)s::text IS NULL OR name = %(queue)s)
"""
PAST = """
SELECT queue, starts_at FROM job_period
WHERE length_s = 600 AND starts_at > now() - interval '7 days' AND task = '' AND queue <> ''
  AND oldest_s >= %(seconds)s AND (%(queue)s::text IS NULL OR queue = %(queue)s)
"""
WHAT = Translatable("The oldest job of queue %(queue)s has waited for %(span)s.")


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    cursor.execute(LOOK, {"queue": None, **look.parameters})
    return [
        Cause(f"queue:{name}", WHAT.about(queue=name, span=ago(age_s)), f"/admin/queues/{name}/")
        for name, age_s in cursor.fetchall()
    ]


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    cursor.execute(PAST, {"queue": None, **parameters})
    return list(cursor.fetchall())


QUEUE_LATENCY = RuleType(
    "queue_latency",
    Translatable("Jobs wait too long"),
    Translatable("The oldest job of a queue that is not paused."),
    _look,
    _past,
    (RuleParameter("seconds", Translatable("Longer than so many seconds"), default=300), QUEUE),
)
