"""Changes to waiting jobs: their time, queue and priority."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from mahaam.jobs.notice import Member, Notice
from mahaam.jobs.states import Event, State, sources
from mahaam.postgres.by_key import recheck
from mahaam.postgres.database import Cursor
from mahaam.store.actions.pauses import IS_PAUSED


class ChangedJob(NamedTuple):
    """A job that was changed, with its queue before and after the change."""

    id: str
    state: str
    queue_before: str
    queue: str
    priority: int
    queued_at: datetime | None

    @property
    def notice_before(self) -> Member:
        """Return the notice to remove from Redis."""
        return Member(self.queue_before, self.id)

    @property
    def notice(self) -> Notice | None:
        """Return the notice to ring; None for a job that is not queued now."""
        if self.state != State.QUEUED or self.queued_at is None:
            return None
        return Notice(self.queue, self.priority, self.id, self.queued_at)


def _change(fields: str, only: str = "true") -> str:
    """Return the statement that sets `fields` of waiting jobs for which `only` holds.

    The statement locks the rows in the order of their ids, so that two operators wait for each
    other instead of deadlocking. Index: job_pkey.
    """
    return f"""
    WITH locked AS (
      SELECT id, queue, created_at FROM job
      WHERE id = ANY(%(ids)s::uuid[]) AND {recheck("state = ANY(%(sources)s)")} AND {only}
      ORDER BY id FOR UPDATE
    ), changed AS (
      UPDATE job SET {fields}
      WHERE id = ANY(ARRAY(SELECT id FROM locked)) AND {recheck("state = ANY(%(sources)s)")}
      RETURNING id::text, state, queue, priority, queued_at
    )
    SELECT id, state, before.queues->>id, queue, priority, queued_at
    FROM changed, (SELECT jsonb_object_agg(id, queue) AS queues FROM locked) AS before
    """


PROMOTE = _change(
    """state = 'queued', run_at = NULL,
       queued_at = now() + array_position(ARRAY(SELECT id FROM locked ORDER BY created_at, id), id)
                   * interval '1 microsecond'""",
    only=f"NOT {IS_PAUSED}",
)
RESCHEDULE = _change(
    """state = CASE WHEN state = 'retrying' THEN 'retrying' ELSE 'scheduled' END,
       run_at = coalesce(%(run_at)s::timestamptz, now() + %(delay_s)s * interval '1 second'),
       queued_at = NULL"""
)
SET_PRIORITY = _change("priority = %(priority)s")
MOVE = _change("queue = %(queue)s")


def promote(cursor: Cursor, ids: Sequence[str]) -> list[ChangedJob]:
    """Queue scheduled and retrying jobs now, except jobs of a paused task."""
    return _changed(cursor, PROMOTE, ids, Event.PROMOTED)


def reschedule(
    cursor: Cursor, ids: Sequence[str], *, run_at: datetime | None, delay_s: float | None
) -> list[ChangedJob]:
    """Schedule jobs for `run_at` or in `delay_s` seconds; a retrying job stays retrying."""
    return _changed(cursor, RESCHEDULE, ids, Event.RESCHEDULED, run_at=run_at, delay_s=delay_s)


def set_priority(cursor: Cursor, ids: Sequence[str], *, priority: int) -> list[ChangedJob]:
    """Give scheduled, queued, retrying jobs another priority."""
    return _changed(cursor, SET_PRIORITY, ids, Event.CHANGED, priority=priority)


def move(cursor: Cursor, ids: Sequence[str], *, queue: str) -> list[ChangedJob]:
    """Put scheduled, queued, retrying jobs into another queue."""
    return _changed(cursor, MOVE, ids, Event.CHANGED, queue=queue)


def _changed(
    cursor: Cursor, statement: str, ids: Sequence[str], event: Event, **values: Any
) -> list[ChangedJob]:
    cursor.execute(statement, {"ids": list(ids), "sources": list(sources(event)), **values})
    return [ChangedJob._make(row) for row in cursor.fetchall()]
