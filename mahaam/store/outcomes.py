"""Outcomes of attempts that did not complete: failed, retrying, cancelled, expired, queued again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mahaam.jobs import derive_follow_ups
from mahaam.jobs.claim import Claim
from mahaam.jobs.derive_follow_ups import FinalState
from mahaam.jobs.follow_ups import FollowUps
from mahaam.jobs.notice import Notice
from mahaam.jobs.outcome import Ended, Fence, Outcome
from mahaam.jobs.states import State
from mahaam.postgres.database import Cursor
from mahaam.store import follow_ups
from mahaam.store.bury import buried
from mahaam.store.first_exception import FIRST_EXCEPTION

BURIED = buried(f"""SELECT moved.id, moved.attempt, task, queue, moved.error_class, message, moved.traceback,
           coalesce(first.error_class, moved.error_class), coalesce(first.error_message, message),
           coalesce(first.traceback, moved.traceback), fingerprint, retry_count
    FROM moved {FIRST_EXCEPTION}
    WHERE state = 'failed'""")

# Writes every outcome that is not a completion. A job that was asked to stop does not run again.
# The first exception of a dead letter is that of the earliest failed attempt since the job's
# previous dead letter.
END = f"""
WITH ended AS (
  SELECT * FROM unnest(
    %(ids)s::uuid[], %(attempts)s::int[], %(workers)s::uuid[], %(states)s::text[], %(words)s::text[],
    %(retry_counts)s::int[], %(delays)s::float8[], %(error_classes)s::text[], %(messages)s::text[],
    %(tracebacks)s::text[], %(fingerprints)s::text[], %(metadata)s::jsonb[], %(times)s::timestamptz[])
    AS ended(id, attempt, worker_id, state, word, retry_count, delay_s, error_class, message, traceback,
             fingerprint, error_metadata, run_at)
), locked AS (
  SELECT job.id, job.queued_at, job.started_at, job.cancel_requested_at FROM job JOIN ended USING (id)
  WHERE job.attempt = ended.attempt AND job.worker_id = ended.worker_id AND job.state = 'running'
  ORDER BY job.id FOR UPDATE OF job
), judged AS (
  SELECT ended.*, locked.queued_at, locked.started_at,
         CASE WHEN is_stopped THEN 'cancelled' ELSE state END AS final,
         CASE WHEN is_stopped THEN 'cancelled' ELSE word END AS final_word
  FROM ended JOIN locked USING (id),
       LATERAL (SELECT cancel_requested_at IS NOT NULL AND state IN ('queued', 'retrying') AS is_stopped)
         AS stop
), moved AS (
  UPDATE job
  SET state = final, retry_count = judged.retry_count,
      finished_at = CASE WHEN final IN ('failed', 'cancelled', 'expired') THEN now() END,
      run_at = CASE WHEN final = 'retrying'
                    THEN coalesce(judged.run_at, now() + judged.delay_s * interval '1 second')
                    ELSE job.run_at END,
      queued_at = CASE WHEN final = 'queued' THEN now() ELSE job.queued_at END,
      started_at = CASE WHEN final IN ('queued', 'retrying') THEN NULL ELSE job.started_at END,
      worker_id = CASE WHEN final IN ('queued', 'retrying') THEN NULL ELSE job.worker_id END,
      error = coalesce(left(judged.error_class || ': ' || judged.message, 500), job.error)
  FROM judged
  WHERE job.id = judged.id
  RETURNING job.id, job.queue, job.task, job.state, job.queued_at AS queued_again_at,
            judged.attempt, judged.worker_id, final_word AS word, judged.retry_count,
            judged.error_class, judged.message, judged.traceback, judged.fingerprint,
            judged.error_metadata, judged.queued_at, judged.started_at
), noted AS (
  INSERT INTO attempt (job_id, number, worker_id, queued_at, started_at, finished_at, outcome, error_class,
                       error_message, error_metadata, traceback)
  SELECT id, attempt, worker_id, queued_at, started_at, now(), word, error_class, message, error_metadata,
         traceback
  FROM moved
), {BURIED}, counted AS (
  INSERT INTO job_minute AS minute (minute, queue, task, worker_id, failed, retried, cancelled, expired)
  SELECT date_trunc('minute', now()), queue, task, worker_id,
         count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'retrying'),
         count(*) FILTER (WHERE state = 'cancelled'), count(*) FILTER (WHERE state = 'expired')
  FROM moved WHERE word <> 'released' GROUP BY queue, task, worker_id
  ON CONFLICT (minute, queue, task, worker_id) DO UPDATE
  SET failed = minute.failed + excluded.failed, retried = minute.retried + excluded.retried,
      cancelled = minute.cancelled + excluded.cancelled, expired = minute.expired + excluded.expired
)
SELECT id::text, attempt, state, queued_again_at FROM moved
"""

# Was an outcome written although its answer was lost? Then either the attempt is recorded as ended by
# the same worker, or the job is completed under the same fence.
WRITTEN = """
SELECT held.id::text, held.attempt
FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(workers)s::uuid[]) AS held(id, attempt, worker_id)
WHERE EXISTS (SELECT FROM attempt
              WHERE job_id = held.id AND number = held.attempt AND attempt.worker_id = held.worker_id
                AND outcome <> 'crashed')
   OR EXISTS (SELECT FROM job
              WHERE job.id = held.id AND job.attempt = held.attempt AND job.worker_id = held.worker_id
                AND job.state = 'completed')
"""

LATE = """
UPDATE attempt SET late_at = now(), late_outcome = late.word
FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(workers)s::uuid[], %(words)s::text[])
  AS late(id, attempt, worker_id, word)
WHERE job_id = late.id AND number = late.attempt AND attempt.worker_id = late.worker_id
  AND outcome = 'crashed'
"""

# Locks jobs in the order in which the log writer locks the jobs whose lines it writes.
REMOVE = """
WITH locked AS (SELECT id FROM job WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE)
DELETE FROM job USING locked WHERE job.id = locked.id
"""


def end(cursor: Cursor, ended: Sequence[Ended]) -> set[Fence]:
    """Write outcomes that are not completions and whose fence holds.

    Outcomes of jobs that were asked to stop become cancelled instead of queued or retrying; those
    that are queued again get their `queued_at`. Return the fences written.
    """
    cursor.execute(END, {**_fences(ended), **_columns(ended)})
    written = {(id_, attempt): (state, at) for id_, attempt, state, at in cursor.fetchall()}
    for claim, outcome in ended:
        state, queued_at = written.get(claim.fence, (outcome.state, None))
        if state != outcome.state:
            _become_cancelled(claim, outcome)
        elif state == State.QUEUED:
            outcome.queued_at = queued_at
    return set(written)


def follow(cursor: Cursor, ended: Sequence[Ended], written: set[Fence]) -> list[Notice]:
    """Write the follow-ups of written outcomes, and remove the jobs that are not to be kept.

    Return the notices to ring.
    """
    follows = FollowUps()
    removed = []
    for claim, outcome in ended:
        if claim.fence not in written:
            continue
        follows.add(outcome.follows)
        if outcome.remove:
            removed.append(claim.id)
    notices = follow_ups.write(cursor, follows) if follows else []
    if removed:
        cursor.execute(REMOVE, {"ids": removed})
    return notices


def already_written(cursor: Cursor, ended: Sequence[Ended]) -> set[Fence]:
    """Return the fences among `ended` that an earlier cycle wrote although its answer was lost."""
    cursor.execute(WRITTEN, _fences(ended))
    return set(cursor.fetchall())


def note_late(cursor: Cursor, ended: Sequence[Ended]) -> None:
    """Record late outcomes on the attempts that were recorded as crashed."""
    cursor.execute(LATE, {**_fences(ended), "words": [outcome.word for _, outcome in ended]})


def _become_cancelled(claim: Claim, outcome: Outcome) -> None:
    outcome.state = State.CANCELLED
    outcome.follows = derive_follow_ups.of_end(FinalState(claim.id, claim.options, State.CANCELLED))


def _fences(ended: Sequence[Ended]) -> dict[str, Any]:
    return {
        "ids": [claim.id for claim, _ in ended],
        "attempts": [claim.attempt for claim, _ in ended],
        "workers": [claim.worker_id for claim, _ in ended],
    }


def _columns(ended: Sequence[Ended]) -> dict[str, Any]:
    outcomes = [outcome for _, outcome in ended]
    failures = [outcome.failure for outcome in outcomes]
    return {
        "states": [str(outcome.state) for outcome in outcomes],
        "words": [outcome.word for outcome in outcomes],
        "retry_counts": [outcome.retry_count for outcome in outcomes],
        "delays": [outcome.delay_s for outcome in outcomes],
        "times": [outcome.run_at for outcome in outcomes],
        "error_classes": [failure and failure.error_class for failure in failures],
        "messages": [failure and failure.message for failure in failures],
        "tracebacks": [failure and failure.traceback for failure in failures],
        "fingerprints": [failure and failure.fingerprint for failure in failures],
        "metadata": [failure and failure.metadata for failure in failures],
    }
