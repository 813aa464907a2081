"""SQL that inserts jobs of an old primary."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.jobs.notice import Notice
from mahaam.postgres.database import Cursor

# By the columns of our table: the old primary may have had others. What ran there is queued here,
# because nobody can say how far it came.
COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = 'mahaam.job'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
BRING = """
INSERT INTO job ({columns})
SELECT {columns} FROM unnest(%(records)s::jsonb[]) AS record,
  jsonb_populate_record(NULL::job, record || CASE WHEN record ->> 'state' = 'running'
    THEN jsonb_build_object('state', 'queued', 'worker_id', NULL, 'queued_at', now())
    ELSE '{{}}' END)
ON CONFLICT DO NOTHING
RETURNING id::text, queue, priority, queued_at, state
"""


def bring(cursor: Cursor, records: Sequence[str]) -> tuple[list[str], list[Notice]]:
    """Insert rows that are given as JSON. Return the ids of those that did not exist, and their notices.

    A row whose dedupe key a live job holds is left out.
    """
    cursor.execute(COLUMNS)
    row = cursor.fetchone()
    assert row is not None
    cursor.execute(BRING.format(columns=row[0]), {"records": list(records)})
    found = cursor.fetchall()
    notices = [
        Notice(queue, priority, id_, queued_at)
        for id_, queue, priority, queued_at, state in found
        if state == "queued"
    ]
    return [id_ for id_, *_ in found], notices
