"""Search of the ids of jobs that match a filter; its work is bounded, whatever the filter.

State, queue and task are answered by `job_stream`, always wholly. Conditions on the content of rows
(tags, errors, arguments) are answered in steps, each taken when the ones before have not filled the page:

1. a thousand rows are scanned, which tells how common each content is; some thousand more when they
   promise a page: so what is common is found;
2. what is rare is fetched by the index of the rarest content, all of it;
3. what is neither is fetched from the next part of the table, by that index and the primary key
   together. There the search ends and returns how far it went; a caller that wants more continues there.

An index of content returns its rows in no order, and takes a quarter of a microsecond for each: a
hundred thousand are the most that it is good for, and more than that are found by a scan.
"""

from __future__ import annotations

import math
import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from mahaam.jobs.states import State
from mahaam.postgres.ask import Ask, Values
from mahaam.search import job_stream
from mahaam.search.job_content import Content, contents_of
from mahaam.search.job_filter import JobFilter
from mahaam.search.job_stream import StreamWindow
from mahaam.search.searchable_rows import masked_from

SCAN = 1000  # rows that are scanned one by one
LONG_SCAN = 6000  # when the first thousand show that this is worth while
WORTH_SCANNING = 8  # matches among the first thousand
COMMON = 10  # likewise: with this many, a content is too common for its index
FEW = 4000  # rows that are fetched to be sorted
NEAR = 2  # hundredths of the table that are searched at most, unless few rows can match
WORK_MEM = "64MB"  # a bitmap of a million rows; a smaller one forgets which rows of a page they are

COLUMNS = {"state": "state = %(state)s", "queue": "queue = %(queue)s", "task": "task = %(task)s"}
IN_WINDOW = "id >= %(oldest)s AND id < %(limit)s"

# The scan in one row: how many rows, the first, the last, those that match, how many had each
# content.
LOOKED = """
SELECT count(*), (array_agg(id))[1], (array_agg(id))[count(*)], array_agg(id) FILTER (WHERE {fits}), {counts}
FROM (SELECT * FROM ({rows}) AS met ORDER BY id {order}) AS looked
"""
# The row at which the scan ends is there, too, whether it matches or not.
WALKED = """
SELECT id, fits, number FROM (
  SELECT id, {conditions} AS fits, row_number() OVER (ORDER BY id {order}) AS number
  FROM ({rows}) AS looked
) AS seen
WHERE fits OR number = %(size)s ORDER BY id {order} LIMIT %(wanted)s
"""
LISTED_ROWS = "SELECT job.* FROM ({stream}) AS listed JOIN job ON job.id = listed.id"
# Where only times narrow the filter, the primary key leads to the rows themselves.
EVERY_ROW = "SELECT * FROM job WHERE {window} ORDER BY id {order} LIMIT %(size)s"
# The few rows with an error have an index of their own: `job_failing`.
FAILING = """
SELECT found.id FROM unnest(%(states)s) AS wanted(state), LATERAL (
  SELECT id FROM job WHERE error IS NOT NULL AND state = wanted.state AND {window}
  ORDER BY id {order} LIMIT %(size)s) AS found
ORDER BY found.id {order} LIMIT %(size)s
"""
# Sorted outside, so that no plan follows the primary key row by row.
INDEXED = """
WITH found AS MATERIALIZED (
  SELECT id FROM job WHERE state <> 'running' AND {by_index} AND {conditions} AND {window}
), running AS MATERIALIZED (
  SELECT id FROM job WHERE state = 'running' AND {conditions} AND {window}
)
SELECT id FROM (SELECT id FROM found UNION ALL SELECT id FROM running) AS together
ORDER BY id {order} LIMIT %(size)s
"""
# PostgreSQL returns a random part of what the index holds when that is more than the limit. Masked
# content does not count: nobody shall learn from the limit how common a secret is.
SAMPLED = "SELECT count(*) FROM job WHERE state <> 'running' AND {by_index} AND {in_row}"
SAMPLE_LIMIT = "SET LOCAL gin_fuzzy_search_limit = {size};"
# A row that an index of content leads to is a page of its own, so the planner must not rate it as
# cheap: it shall ask the primary key first which of the rows are in the window.
BITMAPS_ONLY = (
    f"SET LOCAL work_mem = '{WORK_MEM}'; SET LOCAL random_page_cost = 8;"
    " SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off;"
)
ANY_PLAN = """
SET LOCAL gin_fuzzy_search_limit = 0; SET LOCAL work_mem TO DEFAULT; SET LOCAL random_page_cost TO DEFAULT;
SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_indexscan TO DEFAULT; SELECT NULL
"""
# A hundred ids with as many jobs between each and the next, as of the last ANALYZE.
HUNDREDTHS = """
SELECT unnest(histogram_bounds::text::uuid[]) FROM pg_stats
WHERE schemaname = current_schema AND tablename = 'job' AND attname = 'id'
"""


class SearchResult(NamedTuple):
    """Ids in the order of the window. `reached`: how far the search went; None: to its end."""

    ids: list[uuid.UUID]
    reached: uuid.UUID | None


class SearchScan(NamedTuple):
    """A scan of the first rows.

    Its fields: the ids of those that match, how many had each of the contents, where the scan
    began, and how far it went (None: to the end).
    """

    ids: list[uuid.UUID]
    counts: list[int]
    began: uuid.UUID | None
    reached: uuid.UUID | None


def search(ask: Ask, wanted: JobFilter, window: StreamWindow) -> SearchResult:
    """Return the first ids in `window` that match, at most its size.

    There are fewer than that, with `reached` set, when the search had to end. `ask` is in a
    transaction.
    """
    window = within(window, wanted)
    if not wanted.is_about_content:
        stream, values = job_stream.statement(ask, wanted, window)
        return SearchResult([row[0] for row in ask(stream, values)], None)
    if wanted.may_meet_secrets:
        window = replace(window, oldest=max(window.oldest, masked_from(ask)))
    scan = _look(ask, wanted, window)
    found = SearchResult(scan.ids[: window.size], scan.reached)
    is_common = min(scan.counts) > COMMON
    if is_common or len(scan.ids) >= WORTH_SCANNING:
        found = _further(found, window, lambda rest: _scan_on(ask, wanted, rest))
    if not is_common:
        found = _further(found, window, lambda rest: _by_index(ask, wanted, rest, scan))
    return found


def _further(
    found: SearchResult, window: StreamWindow, look: Callable[[StreamWindow], SearchResult]
) -> SearchResult:
    """Return `found` with what `look` finds behind it, unless it is enough."""
    if found.reached is None or len(found.ids) >= window.size:
        return found
    more = look(window.behind(found.reached))
    return SearchResult([*found.ids, *more.ids][: window.size], more.reached)


def within(window: StreamWindow, wanted: JobFilter) -> StreamWindow:
    """Return `window` without what was created at other times than wanted."""
    return replace(
        window,
        oldest=max(window.oldest, wanted.oldest_id),
        limit=min(window.limit, wanted.id_limit),
    )


def _look(ask: Ask, wanted: JobFilter, window: StreamWindow) -> SearchScan:
    """Scan the next rows one by one."""
    rows, values = _rows(ask, wanted, replace(window, size=SCAN))
    contents = [content.in_row for content in contents_of(wanted)]
    sql = LOOKED.format(
        fits=_all_of([*contents, *_columns(wanted)]),
        counts=", ".join(f"count(*) FILTER (WHERE {content})" for content in contents),
        rows=rows,
        order=window.order,
    )
    ((size, first, last, ids, *counts),) = ask(sql, {**_values(wanted), **values})
    return SearchScan(ids or [], counts, began=first, reached=last if size == SCAN else None)


def _scan_on(ask: Ask, wanted: JobFilter, window: StreamWindow) -> SearchResult:
    """Scan many more rows, until there are enough that match."""
    rows, values = _rows(ask, wanted, replace(window, size=LONG_SCAN))
    conditions = _all_of([*_in_row(wanted), *_columns(wanted)])
    sql = WALKED.format(conditions=conditions, rows=rows, order=window.order)
    seen = ask(sql, {**_values(wanted), **values, "wanted": window.size})
    ids = [id_ for id_, fits, _ in seen if fits]
    # With a full page the scan has ended early.
    is_over = len(ids) < window.size and (not seen or seen[-1][2] < LONG_SCAN)
    return SearchResult(ids, None if is_over else seen[-1][0])


def _rows(ask: Ask, wanted: JobFilter, window: StreamWindow) -> tuple[str, Values]:
    """Return SQL, and its values, for the rows to scan."""
    if wanted.error is not None and not _is_narrow(wanted):
        states = [wanted.state] if wanted.state else [state.value for state in State]
        stream = FAILING.format(window=IN_WINDOW, order=window.order)
        return LISTED_ROWS.format(stream=stream), window.values | {"states": states}
    if not wanted.has_columns:
        return EVERY_ROW.format(window=IN_WINDOW, order=window.order), window.values
    stream, values = job_stream.statement(ask, wanted, window)
    return LISTED_ROWS.format(stream=stream), values


def _is_narrow(wanted: JobFilter) -> bool:
    """Return True if all rows of its columns have an error, and these are fewer than all that have one."""
    is_part = wanted.queue is not None or wanted.task is not None
    return wanted.state == State.FAILED and is_part


def _by_index(ask: Ask, wanted: JobFilter, window: StreamWindow, scan: SearchScan) -> SearchResult:
    """Return what matches in `window`, or in its next part, by the index of the rarest content."""
    count, place = min((count, place) for place, count in enumerate(scan.counts))
    rarest = contents_of(wanted)[place]
    by_index = rarest.by_index
    # Rows with an error are few: two in a thousand of them are few, too.
    may_be_rare = count <= (0 if wanted.error is None else 2)
    if may_be_rare and _is_rare(ask, wanted, rarest):
        return SearchResult(_indexed(ask, wanted, window, by_index), None)
    border = _border(ask, window, scan)
    return SearchResult(_indexed(ask, wanted, _up_to(window, border), by_index), border)


def _indexed(ask: Ask, wanted: JobFilter, window: StreamWindow, by_index: str) -> list[uuid.UUID]:
    conditions = _all_of([*_in_row(wanted), *_columns(wanted)])
    parts = {"by_index": by_index, "conditions": conditions, "window": IN_WINDOW}
    sql = INDEXED.format(**parts, order=window.order)
    rows = ask(BITMAPS_ONLY + sql, {**_values(wanted), **window.values})
    ask(ANY_PLAN, {})
    return [row[0] for row in rows]


def _is_rare(ask: Ask, wanted: JobFilter, content: Content) -> bool:
    """Return True if the index leads to few rows."""
    sampled = SAMPLED.format(by_index=content.by_index, in_row=content.in_row)
    limit = SAMPLE_LIMIT.format(size=FEW * 4)
    ((count,),) = ask(BITMAPS_ONLY + limit + sampled, _values(wanted))
    ask(ANY_PLAN, {})
    return bool(count <= FEW)


def _border(ask: Ask, window: StreamWindow, scan: SearchScan) -> uuid.UUID | None:
    """Return the id up to which to search for a page, judged by what the scan has found.

    None: the window ends before. The id is one of the statistics, because for a window that ends
    between two of them the planner expects no rows, and asks the primary key alone.
    """
    marks: list[uuid.UUID] = [row[0] for row in ask(HUNDREDTHS, {})]
    ahead = marks[bisect_right(marks, window.oldest) : bisect_left(marks, window.limit)]
    ahead = ahead if window.upwards else ahead[::-1]
    if len(ahead) < NEAR:
        return None
    start = window.oldest if window.upwards else window.limit
    way = _way(scan, window)
    far_enough = (mark for mark in ahead[:NEAR] if abs(mark.int - start.int) >= way)
    return next(far_enough, ahead[NEAR - 1])


def _way(scan: SearchScan, window: StreamWindow) -> float:
    """Return how far, in ids, a page lies behind the scan.

    The estimate is cautious, as few matches tell little.
    """
    if not scan.ids or scan.began is None or scan.reached is None:
        return float("inf")
    hits = len(scan.ids)
    density = max(hits - math.sqrt(hits), 0.5) / abs(scan.reached.int - scan.began.int)
    return window.size / density


def _up_to(window: StreamWindow, border: uuid.UUID | None) -> StreamWindow:
    """Return the part of `window` before `border`, and the border itself."""
    if border is None:
        return window
    if window.upwards:
        return replace(window, limit=uuid.UUID(int=border.int + 1))
    return replace(window, oldest=border)


def _in_row(wanted: JobFilter) -> list[str]:
    return [content.in_row for content in contents_of(wanted)]


def _columns(wanted: JobFilter) -> list[str]:
    return [sql for name, sql in COLUMNS.items() if getattr(wanted, name) is not None]


def _all_of(conditions: list[str]) -> str:
    return " AND ".join(conditions) or "true"


def _values(wanted: JobFilter) -> dict[str, object]:
    values: dict[str, object] = {**wanted.to_dict()}
    for content in contents_of(wanted):
        values |= content.values
    return values
