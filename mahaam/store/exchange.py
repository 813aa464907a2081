"""The main statement of a busy consumer: it writes completions and returns claims.

It completes the jobs that have ended and starts those that were popped, in one round trip and one
commit. So a slot passes from one row to the next at one instant, and there are never more running
rows than the consumer has slots.
"""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.jobs.claim import Claim
from mahaam.jobs.derive_follow_ups import FinalState
from mahaam.jobs.job_columns import claimed
from mahaam.jobs.notice import Notice
from mahaam.jobs.outcome import Ended, Fence
from mahaam.jobs.states import State
from mahaam.postgres.arrays import array, text_array
from mahaam.postgres.database import Cursor
from mahaam.store import follow_ups

# Index: job_pkey. The states come as parameters ($5 running, $8 queued) so that the generic plan
# finds rows by id and never scans a partial index full of dead entries. Setting up an UPDATE of
# this table, with all its indexes, takes longer than updating four rows: so one UPDATE does both,
# and everything that can be counted or done elsewhere is.
#
# Ends: running to completed. The fence is (id, attempt, worker_id) on a running row: a late result
# from a worker that was given up changes nothing.
#
# Starts: queued to running. $7 holds ids of a call whose answer was lost: if the call was executed,
# the rows are running under this worker already. $10 holds paused tasks. A worker that was given up
# as lost starts nothing, even if it has not noticed yet. The sub-selects are executed once.
#
# MATERIALIZED: a row that another transaction has changed meanwhile is checked again. PostgreSQL finds
# the entry that belongs to it in a materialized list, but not in both halves of a union that it inlined.
STARTED = claimed(
    id="job.id::text",
    worker_id="job.worker_id::text",
    task="CASE WHEN starts THEN task END",
    may_be_revoked="(SELECT EXISTS (SELECT FROM kept_value WHERE key >= 'r' AND key < 's'))",
    wait_s="date_part('epoch', now() - queued_at)",
)
PREPARE = f"""
PREPARE exchange (uuid[], int[], uuid[], jsonb[], text, uuid[], uuid[], text, uuid, text[]) AS
WITH next AS MATERIALIZED (
  SELECT id, attempt, worker_id, result, false AS starts
  FROM unnest($1, $2, $3, $4) AS ended(id, attempt, worker_id, result)
  UNION ALL
  SELECT id, NULL, $9, NULL, true FROM unnest($6) AS popped(id)
)
UPDATE job
SET state = CASE WHEN starts THEN $5 ELSE 'completed' END,
    started_at = CASE WHEN starts THEN now() ELSE job.started_at END,
    finished_at = CASE WHEN NOT starts THEN now() END,
    result = CASE WHEN starts THEN job.result ELSE next.result END,
    error = CASE WHEN starts THEN job.error END,
    worker_id = next.worker_id,
    attempt = job.attempt + (state = $8)::int
FROM next
WHERE job.id = next.id
  AND CASE WHEN starts THEN
        (state = $8 AND (expires_at IS NULL OR expires_at > now()) AND task <> ALL ($10)
         OR state = $5 AND job.worker_id = $9 AND job.id = ANY($7))
        AND EXISTS (SELECT FROM worker
                    WHERE worker.id = $9 AND worker.state IN ('running', 'quiet', 'stopping'))
      ELSE state = $5 AND job.attempt = next.attempt AND job.worker_id = next.worker_id END
RETURNING {STARTED}
"""

# Popped jobs that are past their expiry: queued to expired.
EXPIRE = """
WITH moved AS (
  UPDATE job SET state = 'expired', finished_at = now()
  WHERE id = ANY(%(ids)s::uuid[]) AND state = 'queued' AND expires_at <= now()
  RETURNING id, queue, task, options
), counted AS (
  INSERT INTO job_minute AS minute (minute, queue, task, worker_id, expired)
  SELECT date_trunc('minute', now()), queue, task, %(worker_id)s::uuid, count(*)
  FROM moved GROUP BY queue, task
  ON CONFLICT (minute, queue, task, worker_id) DO UPDATE
  SET expired = minute.expired + excluded.expired
)
SELECT id::text, options::text FROM moved
"""

EXCHANGE = "EXECUTE exchange (%s, %s, %s, %s, 'running', %s, %s, 'queued', %s, %s)"
ON_DISK = "SET LOCAL synchronous_commit = on;"  # in one message with the statement, one transaction


def exchange(
    cursor: Cursor,
    completed: Sequence[Ended],
    popped: list[str],
    *,
    worker_id: str,
    unsure: list[str],
    durable: bool,
    paused: Sequence[str] = (),
) -> tuple[set[Fence], list[Claim]]:
    """Complete `completed` and start the jobs of `popped` that are queued and not of a paused task.

    Return the fences of the rows that were completed, and the started jobs. A job of `popped` that
    is not returned is not for this worker, expired, or of a paused task. When a `durable` exchange
    returns, it and all earlier ones of this connection are on disk. The connection must have
    executed PREPARE and have synchronous_commit off.
    """
    ending = {claim.id for claim, _ in completed} if unsure else set()
    cursor.execute(
        f"{ON_DISK}{EXCHANGE}" if durable else EXCHANGE,
        (
            array(claim.id for claim, _ in completed),
            array(claim.attempt for claim, _ in completed),
            array(claim.worker_id for claim, _ in completed),
            text_array(outcome.result for _, outcome in completed),
            array(popped),
            array(id_ for id_ in unsure if id_ not in ending),
            worker_id,
            text_array(paused),
        ),
    )
    written: set[Fence] = set()
    claims = []
    for claim in map(Claim._make, cursor.fetchall()):
        if claim.task is None:
            written.add(claim.fence)
        else:
            claims.append(claim)
    return written, claims


def expire(cursor: Cursor, popped: list[str], *, worker_id: str) -> list[Notice]:
    """Expire the jobs of `popped` that are still queued and past their expiry, in a transaction.

    Return the notices of their follow-ups.
    """
    cursor.execute(EXPIRE, {"ids": popped, "worker_id": worker_id})
    return follow_ups.of_ends(
        cursor, [FinalState(id_, options, State.EXPIRED) for id_, options in cursor.fetchall()]
    )


# PostgreSQL may lose the last exchanges in a crash (they are committed without waiting for the
# disk): then a row is queued again while its job runs, or has ended, in this worker.
TAKE_BACK = """
UPDATE job
SET state = 'running', attempt = held.attempt, started_at = now(), worker_id = held.worker_id
FROM unnest(%s::uuid[], %s::int[], %s::uuid[]) AS held(id, attempt, worker_id)
WHERE job.id = held.id AND job.state = 'queued' AND job.attempt = held.attempt - 1
  AND EXISTS (SELECT FROM worker
              WHERE worker.id = held.worker_id AND worker.state IN ('running', 'quiet', 'stopping'))
RETURNING job.id::text
"""


def take_back(cursor: Cursor, held: Sequence[Claim]) -> list[str]:
    """Mark rows as running again whose start PostgreSQL lost while the job runs. Return their ids."""
    columns = ([c.id for c in held], [c.attempt for c in held], [c.worker_id for c in held])
    cursor.execute(TAKE_BACK, columns)
    return [row[0] for row in cursor.fetchall()]
