"""Writes of the log lines of jobs."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mahaam.jobs.log_line import LogLine
from mahaam.jobs.outcome import Fence
from mahaam.postgres.arrays import array, text_array
from mahaam.postgres.database import Cursor

# Index: job_pkey. A job that was removed in the meantime must not make the lines of others fail:
# the lock keeps the existing jobs until the foreign key has been checked. The age of a line is sent,
# not its time, because PostgreSQL's clock counts. `place`, an index into the attempts, says whose line
# it is: reading an id for every line would cost as much as writing the line.
LINES = """
WITH line AS (
  SELECT * FROM unnest(%(places)s::int[], %(numbers)s::int[], %(ages)s::float4[], %(levels)s::int2[],
                       %(loggers)s::text[], %(messages)s::text[])
    AS line(place, number, age_s, level, logger, message)
), speaker AS (
  SELECT job.id, said.attempt, said.place
  FROM unnest(%(ids)s::uuid[], %(attempts)s::int[]) WITH ORDINALITY AS said(id, attempt, place)
  JOIN job USING (id) ORDER BY job.id FOR KEY SHARE OF job
)
INSERT INTO job_log (job_id, attempt, number, said_at, level, logger, message)
SELECT speaker.id, attempt, number, now() - age_s * interval '1 second', level, logger, message
FROM line JOIN speaker USING (place)
"""
AGAIN = f"{LINES} ON CONFLICT DO NOTHING"  # costs a fifth more


def write(cursor: Cursor, lines: Sequence[LogLine], *, again: bool) -> None:
    """Store log lines of jobs that still exist. With `again` some may have been written already.

    Raises psycopg2.errors.UniqueViolation when some were written already and `again` is False.
    """
    now = time.monotonic()
    slots: dict[Fence, int] = {}
    spoken = [slots.setdefault(line[:2], len(slots) + 1) for line in lines]
    cursor.execute(
        AGAIN if again else LINES,
        {
            "ids": array(job_id for job_id, _ in slots),
            "attempts": array(attempt for _, attempt in slots),
            "places": array(spoken),
            "numbers": array(line.number for line in lines),
            "ages": array(round(now - line.said_at, 3) for line in lines),
            "levels": array(line.level for line in lines),
            "loggers": text_array(line.logger for line in lines),
            "messages": text_array(line.message for line in lines),
        },
    )
