"""Accept jobs: the INSERT after whose commit a job cannot be lost."""

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
# One statement for one job and for five thousand: what they share comes as values, the rest as
# arrays. A repeated call inserts nothing new, so it may be sent again after a broken connection.
# Queued is a job when its statement comes, not when the transaction around it began: in a long one it
# would go before all that was queued meanwhile. A delayed one keeps the time at which it came: for Huey's API
# it stands in the queue until somebody looks (queries/waiting.py).
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

# For many whose ids are new: nobody needs to be told each.
ACCEPT_ALL = f"""
WITH made AS ({ACCEPT.replace("RETURNING id::text, state, queued_at", "RETURNING state, queued_at")})
SELECT count(*), min(state), min(queued_at) FROM made
"""

# The common case, one job to run now: planned once per connection. What such a job never has, and so
# need not be sent, is looked for by `is_plain`.
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

# Who holds the dedupe key, or whether our own row is there already (a repeated call).
HOLDER = """
SELECT id::text, state, queued_at FROM mahaam.job WHERE id = ANY(%(ids)s::uuid[])
UNION ALL
SELECT id::text, state, queued_at FROM mahaam.job
WHERE dedupe_key = %(dedupe_key)s AND state IN ('scheduled', 'queued', 'running', 'retrying')
LIMIT 1
"""


class Accepted(NamedTuple):
    """A job that stands in the table and the state in which it was found there."""

    id: str
    state: str
    queued_at: datetime | None

    def ring(self, job: NewJob) -> Notice | None:
        """What Redis must know of it; None while it is not queued."""
        if self.state != State.QUEUED or self.queued_at is None:
            return None
        return Notice(job.queue, job.priority, self.id, self.queued_at)


class AcceptedMany(NamedTuple):
    """How many rows were made, and the state and the time of queueing that they share."""

    jobs: int
    state: str
    queued_at: datetime | None

    @property
    def is_queued(self) -> bool:
        """Return True if Redis must know of them."""
        return self.state == State.QUEUED


def accept(cursor: Cursor, job: NewJob, calls: Sequence[tuple[str, str, str]]) -> list[Accepted]:
    """Insert one row per call; a call is (id, args as JSON, kwargs as JSON).

    Returns the rows made by this call: none for an id that is there already or a dedupe key that
    a live job holds.
    """
    cursor.execute(ACCEPT, _shared(job) | _lists(cursor, job, calls))
    return [Accepted._make(row) for row in cursor.fetchall()]


def accept_all(cursor: Cursor, job: NewJob, calls: Sequence[tuple[str, str, str]]) -> AcceptedMany:
    """As `accept`, for calls with new ids and a job without a dedupe key: what all have in common."""
    cursor.execute(ACCEPT_ALL, _shared(job) | _lists(cursor, job, calls))
    row = cursor.fetchone()
    assert row is not None, "an aggregate has one row"
    return AcceptedMany._make(row)


def _lists(cursor: Cursor, job: NewJob, calls: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """What differs from call to call, as arrays that PostgreSQL reads in one go."""
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

    The cursor's connection is one of ours. Returns None when the row is there already.
    """
    assert isinstance(cursor.connection, Connection)
    cursor.connection.prepare("accept_one_now", PREPARE)
    id_, args, kwargs = call
    (shown,) = _shown(cursor, job, [call])
    cursor.execute(ACCEPT_ONE_NOW, (id_, args, kwargs, shown, *_of_plain_job(job)))
    row = cursor.fetchone()
    return Accepted(id_, State.QUEUED, row[0]) if row else None


def is_plain(job: NewJob) -> bool:
    """Whether `accept_one_now` says all that there is to say about `job`."""
    return (
        job.delay_s is None
        and job.eta is None
        and job.expires_in_s is None
        and job.expires_at is None
        and job.dedupe_key is None
        and job.tags is None
    )


def holder(cursor: Cursor, ids: list[str], dedupe_key: str | None) -> Accepted | None:
    """The row with one of `ids`, or the live job that holds `dedupe_key`; None when it just ended."""
    cursor.execute(HOLDER, {"ids": ids, "dedupe_key": dedupe_key})
    row = cursor.fetchone()
    return Accepted(*row) if row else None


_FIELDS = NewJob.__slots__
_of_plain_job: Callable[[NewJob], tuple[Any, ...]] = attrgetter(*OF_PLAIN_JOB)


def _shown(cursor: Cursor, job: NewJob, calls: Sequence[tuple[str, str, str]]) -> list[str | None]:
    """What searches may see of each call, None where that is all of it."""
    if isinstance(cursor.connection, Connection):
        current.refresh(cursor)
    return [shown_call(args, kwargs, job.task) for _, args, kwargs in calls]


def _shared(job: NewJob) -> dict[str, Any]:
    values = {name: getattr(job, name) for name in _FIELDS}
    if job.tags is not None:
        values["tags"] = list(job.tags)
    return values
