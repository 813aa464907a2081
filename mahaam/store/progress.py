"""Writes of the progress that jobs report."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.jobs.log_line import ProgressUpdate
from mahaam.jobs.outcome import Fence
from mahaam.postgres.arrays import array, text_array
from mahaam.postgres.database import Cursor

# Index: job_pkey. The last progress of an attempt may be written after its end, but not after the
# job's next start, nor after an operator has queued it again. A row that is locked is part of an
# exchange at this moment, with others, in an order of its own: waiting for it could deadlock.
PROGRESS = """
WITH said AS (
  SELECT * FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(percents)s::int[], %(words)s::text[])
    AS said(id, attempt, percent, words)
), free AS (
  SELECT job.id, percent, words FROM job JOIN said USING (id)
  WHERE job.attempt = said.attempt AND job.state NOT IN ('scheduled', 'queued')
  FOR NO KEY UPDATE OF job SKIP LOCKED
)
UPDATE job SET progress = free.percent, progress_text = free.words
FROM free WHERE job.id = free.id
RETURNING job.id::text, job.attempt
"""


def write(cursor: Cursor, said: Sequence[ProgressUpdate]) -> set[Fence]:
    """Store percent and text of attempts that run or have just ended. Return the fences written.

    A row that another transaction is changing at this moment is skipped.
    """
    cursor.execute(
        PROGRESS,
        {
            "ids": array(word.claim.id for word in said),
            "attempts": array(word.claim.attempt for word in said),
            "percents": array(word.percent for word in said),
            "words": text_array(word.words for word in said),
        },
    )
    return set(cursor.fetchall())
