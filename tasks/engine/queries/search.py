"""Finds the ids of jobs that match a filter; the work is bounded, whatever is asked for.

State, queue and task are answered by `job_stream`, always wholly. Who looks into rows (tags, errors,
arguments) is answered in three steps, each taken when the ones before have not filled the page:

1. the next few hundred rows are looked at: what is common is found here;
2. the next hundredth or two of the table, by the index of the content and the primary key together;
3. all the rest by the index of the content, if few rows can match; if many do, the search ends here and
   says how far it has come. Whoever wants more goes on from there.
"""

from __future__ import annotations

import uuid
from bisect import bisect_left, bisect_right
from dataclasses import replace
from typing import NamedTuple

from tasks.engine.queries import job_stream
from tasks.engine.queries.asking import Ask
from tasks.engine.queries.job_filter import JobFilter
from tasks.engine.queries.job_stream import Window

WALK = 500  # rows that are looked at one by one
NEAR = 2  # hundredths of the table that are looked at by two indexes together
FEW = 4000  # rows that are fetched to be sorted

CONTENT = {
    "tag": "tags IS NOT NULL AND tags @> ARRAY[%(tag)s::text]",
    "error": "error IS NOT NULL AND error_grams(error) @> error_grams(%(error)s)"
    " AND left(error, 300) ILIKE %(error_like)s",
    "args": "args @> %(argument)s::jsonb",
    "kwargs": "kwargs @> %(argument)s::jsonb",
}
COLUMNS = {"state": "state = %(state)s", "queue": "queue = %(queue)s", "task": "task = %(task)s"}
IN_WINDOW = "id >= %(oldest)s AND id < %(limit)s"

WALKED = """
SELECT id, fits, number FROM (
  SELECT job.id, {conditions} AS fits, row_number() OVER (ORDER BY job.id {order}) AS number
  FROM ({stream}) AS looked JOIN job ON job.id = looked.id
) AS seen
ORDER BY id {order}
"""
# Sorted outside, so that no plan follows the primary key row by row.
INDEXED = """
WITH found AS MATERIALIZED (
  SELECT id FROM job WHERE state <> 'running' AND {conditions} AND {window}
), running AS MATERIALIZED (
  SELECT id FROM job WHERE state = 'running' AND {conditions} AND {window}
)
SELECT id FROM (SELECT id FROM found UNION ALL SELECT id FROM running) AS both_
ORDER BY id {order} LIMIT %(size)s
"""
# PostgreSQL gives back a random part of what the index holds when that is more than the limit.
SAMPLED = "SELECT count(*) FROM job WHERE state <> 'running' AND {condition}"
SAMPLE = FEW * 4
BITMAPS_ONLY = "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off;"
ANY_PLAN = "SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_indexscan TO DEFAULT; SELECT NULL"
# A hundred ids with as many jobs between each and the next, as of the last ANALYZE.
HUNDREDTHS = """
SELECT unnest(histogram_bounds::text::uuid[]) FROM pg_stats
WHERE schemaname = current_schema AND tablename = 'job' AND attname = 'id'
"""


class Found(NamedTuple):
    """Ids in the order of the window. `reached`: how far it was looked; None: to its end."""

    ids: list[uuid.UUID]
    reached: uuid.UUID | None


def search(ask: Ask, wanted: JobFilter, window: Window) -> Found:
    """The first ids in `window` that match, at most its size; fewer than that with `reached` set
    when the work had to end. `ask` is in a transaction."""
    window = within(window, wanted)
    if not wanted.is_about_content:
        stream, values = job_stream.statement(ask, wanted, window)
        return Found([row[0] for row in ask(stream, values)], None)
    found = _walk(ask, wanted, window)
    if _is_enough(found, window):
        return found
    return _by_indexes(ask, wanted, window, found)


def _by_indexes(ask: Ask, wanted: JobFilter, window: Window, found: Found) -> Found:
    """Go on behind `found`."""
    assert found.reached is not None
    rest = window.behind(found.reached)
    border = _border(ask, rest)
    near = _up_to(rest, border)
    found = _joined(found, _indexed(ask, wanted, near), window, reached=border)
    if _is_enough(found, window):
        return found
    assert border is not None
    if not _is_rare(ask, wanted):
        return found
    return _joined(found, _indexed(ask, wanted, rest.behind(border)), window, reached=None)


def _walk(ask: Ask, wanted: JobFilter, window: Window) -> Found:
    """What of the next rows by state, queue and task matches in the rest, too."""
    stream, values = job_stream.statement(ask, wanted, replace(window, size=WALK))
    sql = WALKED.format(conditions=_conditions(wanted), stream=stream, order=window.order)
    rows = ask(sql, {**_values(wanted), **values})
    ids = [row[0] for row in rows if row[1]][: window.size]
    return Found(ids, rows[-1][0] if len(rows) == WALK else None)


def _indexed(ask: Ask, wanted: JobFilter, window: Window) -> list[uuid.UUID]:
    """All that matches in `window`, by the indexes of the content."""
    conditions = " AND ".join([_conditions(wanted), *_columns(wanted)])
    sql = INDEXED.format(conditions=conditions, window=IN_WINDOW, order=window.order)
    rows = ask(BITMAPS_ONLY + sql, {**_values(wanted), **window.values})
    ask(ANY_PLAN, {})
    return [row[0] for row in rows]


def _is_rare(ask: Ask, wanted: JobFilter) -> bool:
    """Whether the index of one of the contents leads to few rows."""
    for condition in _contents(wanted):
        limit = f"SET LOCAL gin_fuzzy_search_limit = {SAMPLE};"
        sql = BITMAPS_ONLY + limit + SAMPLED.format(condition=condition)
        ((count,),) = ask(sql, _values(wanted))
        ask(f"SET LOCAL gin_fuzzy_search_limit = 0; {ANY_PLAN}", {})
        if count <= FEW:
            return True
    return False


def within(window: Window, wanted: JobFilter) -> Window:
    """`window` without what was created at other times than wanted."""
    return replace(
        window,
        oldest=max(window.oldest, wanted.oldest_id),
        limit=min(window.limit, wanted.id_limit),
    )


def _border(ask: Ask, window: Window) -> uuid.UUID | None:
    """The id at which some hundredths of the table are over; None when the window ends before."""
    marks: list[uuid.UUID] = [row[0] for row in ask(HUNDREDTHS, {})]
    inside = marks[bisect_right(marks, window.oldest) : bisect_left(marks, window.limit)]
    if len(inside) < NEAR:
        return None
    return inside[NEAR - 1 if window.upwards else -NEAR]


def _up_to(window: Window, border: uuid.UUID | None) -> Window:
    """The part of `window` before `border`, and the border itself."""
    if border is None:
        return window
    if window.upwards:
        return replace(window, limit=uuid.UUID(int=border.int + 1))
    return replace(window, oldest=border)


def _joined(
    found: Found, more: list[uuid.UUID], window: Window, *, reached: uuid.UUID | None
) -> Found:
    return Found([*found.ids, *more][: window.size], reached)


def _is_enough(found: Found, window: Window) -> bool:
    return found.reached is None or len(found.ids) >= window.size


def _conditions(wanted: JobFilter) -> str:
    return " AND ".join(_contents(wanted))


def _contents(wanted: JobFilter) -> list[str]:
    names = [name for name in ("tag", "error") if getattr(wanted, name) is not None]
    if wanted.argument is not None:
        names.append(wanted.argument_column)
    return [CONTENT[name] for name in names]


def _columns(wanted: JobFilter) -> list[str]:
    return [sql for name, sql in COLUMNS.items() if getattr(wanted, name) is not None]


def _values(wanted: JobFilter) -> dict[str, object]:
    literal = (wanted.error or "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {**wanted.to_dict(), "error_like": f"%{literal}%"}
