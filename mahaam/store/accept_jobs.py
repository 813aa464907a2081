"""The INSERT that accepts jobs; after its commit a job cannot be lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from mahaam.jobs.job_columns import OF_CALL, OF_JOB, each, insert
from mahaam.jobs.new_job import NewJob
from mahaam.jobs.notice import Notice
from mahaam.jobs.states import State
from mahaam.live_settings import current
from mahaam.postgres.arrays import array, text_array
from mahaam.postgres.database import Connection, Cursor
from mahaam.redaction.redact import shown_call

# The table is named with its schema: the connection may be the application's own.
#
# One statement for one job and for five thousand: shared columns are sent as values, the others as
# arrays. A repeated call inserts nothing new, so it may be sent again after a broken connection.
# `queued_at` is the time of the statement, not of the begin of its transaction: in a long transaction
# the job would go before all jobs that were queued meanwhile. A delayed job has a `queued_at`, too: for
# Huey's API it stands in the queue until somebody reads it (queries/waiting.py).
VALUES = (
    each(OF_CALL, "new.{}")
    | each(OF_JOB, "%({})s")
    | {
        "state": "CASE WHEN due.run_at > now() THEN 'scheduled' ELSE 'queued' END",
        "run_at": "due.run_at",
        "queued_at": "statement_timestamp()",
        "expires_at": "coalesce(%(expires_at)s::timestamptz, now() + %(expires_in_s)s * interval '1 second')",
    }
)
ACCEPT = f"""
{insert(VALUES, into="mahaam.job")}
FROM unnest(%(ids)s::uuid[], %(args)s::jsonb[], %(kwargs)s::jsonb[], %(shown)s::jsonb[])
       AS new(id, args, kwargs, shown),
     (SELECT coalesce(%(eta)s::timestamptz, now() + %(delay_s)s * interval '1 second') AS run_at) AS due
ON CONFLICT DO NOTHING
RETURNING id::text, state, queued_at
"""

# For many jobs with new ids: their rows need not be returned one by one.
ACCEPT_ALL = f"""
WITH made AS ({ACCEPT.replace("RETURNING id::text, state, queued_at", "RETURNING state, queued_at")})
SELECT count(*), min(state), min(queued_at) FROM made
"""

# The common case, one job to run now: planned once per connection. `is_plain` checks for the columns
# that such a job never has and that are not sent.
RARE = ("tags", "dedupe_key")
OF_PLAIN_JOB = tuple(name for name in OF_JOB if name not in RARE)
SENT = (*OF_CALL, *OF_PLAIN_JOB)
PREPARE = f"""
PREPARE accept_one_now AS
INSERT INTO mahaam.job ({", ".join(SENT)}, state, queued_at)
VALUES ({", ".join(f"${place}" for place, _ in enumerate(SENT, 1))}, 'queued', statement_timestamp())
ON CONFLICT DO NOTHING
RETURNING queued_at
"""

ACCEPT_ONE_NOW = f"EXECUTE accept_one_now ({', '.join(['%s'] * len(SENT))})"

# Finds the holder of the dedupe key, or our own row if it is there already (a repeated call).
HOLDER = """
SELECT id::text, state, queued_at FROM mahaam.job WHERE id = ANY(%(ids)s::uuid[])
UNION ALL
SELECT id::text, state, queued_at FROM mahaam.job
WHERE dedupe_key = %(dedupe_key)s AND state IN ('scheduled', 'queued', 'running', 'retrying')
LIMIT 1
"""


class Accepted(NamedTuple):
    """A job in the table and the state in which it was found."""

    id: str
    state: str
    queued_at: datetime | None

    def ring(self, job: NewJob) -> Notice | None:
        """Return the notice for Redis; None while the job is not queued."""
        if self.state != State.QUEUED or self.queued_at is None:
            return None
        return Notice(job.queue, job.priority, self.id, self.queued_at)


class AcceptedMany(NamedTuple):
    """The number of rows that were inserted, and the state and the queueing time that they share."""

    jobs: int
    state: str
    queued_at: datetime | None

    @property
    def is_queued(self) -> bool:
        """Return True if the jobs are queued, so that Redis needs their notices."""
        return self.state == State.QUEUED


def accept(cursor: Cursor, job: NewJob, calls: Sequence[tuple[str, str, str]]) -> list[Accepted]:
    """Insert one row per call; a call is (id, args as JSON, kwargs as JSON).

    Return the rows inserted by this call: none for an id that exists already or a dedupe key that
    a live job holds.
    """
    cursor.execute(ACCEPT, _shared(job) | _lists(cursor, job, calls))
    return [Accepted._make(row) for row in cursor.fetchall()]


def accept_all(cursor: Cursor, job: NewJob, calls: Sequence[tuple[str, str, str]]) -> AcceptedMany:
    """Do as `accept` does, for new ids and no dedupe key. Return what the rows have in common."""
    cursor.execute(ACCEPT_ALL, _shared(job) | _lists(cursor, job, calls))
    row = cursor.fetchone()
    assert row is not None, "an aggregate has one row"
    return AcceptedMany._make(row)


def _lists(cursor: Cursor, job: NewJob, calls: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """Return the columns that differ from call to call, as array literals for PostgreSQL."""
    ids, args, kwargs = zip(*calls, strict=True)
    shown = _shown(cursor, job, calls)
    return {
        "ids": array(ids),
        "args": text_array(args),
        "kwargs": text_array(kwargs),
        "shown": text_array(shown),
    }


def accept_one_now(cursor: Cursor, job: NewJob, call: tuple[str, str, str]) -> Accepted | None:
    """Insert one job that has no time, no expiry, no tags and no dedupe key.

    The cursor's connection is one of ours. Return None if the row exists already.
    """
    assert isinstance(cursor.connection, Connection)
    cursor.connection.prepare("accept_one_now", PREPARE)
    id_, args, kwargs = call
    (shown,) = _shown(cursor, job, [call])
    cursor.execute(ACCEPT_ONE_NOW, (id_, args, kwargs, shown, *_of_plain_job(job)))
    row = cursor.fetchone()
    return Accepted(id_, State.QUEUED, row[0]) if row else None


def is_plain(job: NewJob) -> bool:
    """Return True if `accept_one_now` can insert `job`: it sends every column that the job sets."""
    return (
        job.delay_s is None
        and job.eta is None
        and job.expires_in_s is None
        and job.expires_at is None
        and job.dedupe_key is None
        and job.tags is None
    )


def holder(cursor: Cursor, ids: list[str], dedupe_key: str | None) -> Accepted | None:
    """Return the job with one of `ids`, or the live holder of `dedupe_key`; None if it just ended."""
    cursor.execute(HOLDER, {"ids": ids, "dedupe_key": dedupe_key})
    row = cursor.fetchone()
    return Accepted(*row) if row else None


_FIELDS = NewJob.__slots__
_of_plain_job: Callable[[NewJob], tuple[Any, ...]] = attrgetter(*OF_PLAIN_JOB)


def _shown(cursor: Cursor, job: NewJob, calls: Sequence[tuple[str, str, str]]) -> list[str | None]:
    """Return what searches may see of each call; None where that is all of it."""
    if isinstance(cursor.connection, Connection):
        current.refresh(cursor)
    return [shown_call(args, kwargs, job.task) for _, args, kwargs in calls]


def _shared(job: NewJob) -> dict[str, Any]:
    values = {name: getattr(job, name) for name in _FIELDS}
    if job.tags is not None:
        values["tags"] = list(job.tags)
    return values
