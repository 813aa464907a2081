"""Writes the lines that jobs said."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tasks.engine.database import Cursor
from tasks.engine.said import SaidLine
from tasks.engine.store.arrays import array, text_array

# Index: job_pkey. A job that was removed in the meantime must not cost the others their lines:
# the lock keeps those that are there until the foreign key has been checked. Their age and not
# their time is sent, because PostgreSQL's clock counts.
LINES = """
WITH said AS (
  SELECT * FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(numbers)s::int[], %(ages)s::float8[],
                       %(levels)s::int2[], %(loggers)s::text[], %(messages)s::text[])
    AS said(job_id, attempt, number, age_s, level, logger, message)
), present AS (
  SELECT id FROM job WHERE id = ANY(%(jobs)s::uuid[]) ORDER BY id FOR KEY SHARE
)
INSERT INTO job_log (job_id, attempt, number, said_at, level, logger, message)
SELECT job_id, attempt, number, now() - age_s * interval '1 second', level, logger, message
FROM said JOIN present ON present.id = job_id
"""
AGAIN = f"{LINES} ON CONFLICT DO NOTHING"  # a fifth dearer


def write(cursor: Cursor, lines: Sequence[SaidLine], *, again: bool) -> None:
    """Store lines of jobs that still exist; `again` says that some may have been written already.

    Raises psycopg2.errors.UniqueViolation when some were and `again` did not say so.
    """
    now = time.monotonic()
    cursor.execute(
        AGAIN if again else LINES,
        {
            "ids": array(line.job_id for line in lines),
            "attempts": array(line.attempt for line in lines),
            "numbers": array(line.number for line in lines),
            "ages": array(now - line.said_at for line in lines),
            "levels": array(line.level for line in lines),
            "loggers": text_array(line.logger for line in lines),
            "messages": text_array(line.message for line in lines),
            "jobs": array({line.job_id for line in lines}),
        },
    )
