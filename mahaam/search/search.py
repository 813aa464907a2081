"""Finds the ids of jobs that match a filter; the work is bounded, whatever is asked for.

State, queue and task are answered by `job_stream`, always wholly. Who looks into rows (tags, errors,
arguments) is answered in steps, each taken when the ones before have not filled the page:

1. a thousand rows are looked at, which tells how common each content is; some thousand more when they
   promise a page: so what is common is found;
2. what is rare is fetched by the index of the rarest content, all of it;
3. what is neither is fetched from the next part of the table, by that index and the primary key
   together. There the search ends and says how far it has come; whoever wants more goes on from there.

An index of content gives its rows in no order, and takes a quarter of a microsecond for each: a hundred
thousand are the most that it is good for, and more than that are met by walking.
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

WALK = 1000  # rows that are looked at one by one
LONG_WALK = 6000  # when the first thousand say that this is worth while
WORTH_WALKING = 8  # hits among the first thousand
COMMON = 10  # likewise: so many make a content too common for its index
FEW = 4000  # rows that are fetched to be sorted
NEAR = 2  # hundredths of the table that are searched at most, unless few rows can match
WORK_MEM = "64MB"  # a bitmap of a million rows; a smaller one forgets which rows of a page they are

COLUMNS = {"state": "state = %(state)s", "queue": "queue = %(queue)s", "task": "task = %(task)s"}
IN_WINDOW = "id >= %(oldest)s AND id < %(limit)s"

# What was looked at, in one row: how many, the first, the last, those that match, how many had each content.
LOOKED = """
SELECT count(*), (array_agg(id))[1], (array_agg(id))[count(*)], array_agg(id) FILTER (WHERE {fits}), {counts}
FROM (SELECT * FROM ({rows}) AS met ORDER BY id {order}) AS looked
"""
# The row at which the walk ends is there, too, whether it fits or not.
WALKED = """
SELECT id, fits, number FROM (
  SELECT id, {conditions} AS fits, row_number() OVER (ORDER BY id {order}) AS number
  FROM ({rows}) AS looked
) AS seen
WHERE fits OR number = %(size)s ORDER BY id {order} LIMIT %(wanted)s
"""
LISTED_ROWS = "SELECT job.* FROM ({stream}) AS listed JOIN job ON job.id = listed.id"
# Where nothing but times narrows them, the primary key leads to the rows themselves.
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
# PostgreSQL gives back a random part of what the index holds when that is more than the limit.
# What is hidden does not count: nobody shall learn from it how common a secret is.
SAMPLED = "SELECT count(*) FROM job WHERE state <> 'running' AND {by_index} AND {in_row}"
SAMPLE_LIMIT = "SET LOCAL gin_fuzzy_search_limit = {size};"
# A row that an index of content leads to is a page of its own, so the planner must not take it for
# cheap: it shall ask the primary key first which of them are in the window.
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
    """Ids in the order of the window. `reached`: how far it was looked; None: to its end."""

    ids: list[uuid.UUID]
    reached: uuid.UUID | None


class SearchScan(NamedTuple):
    """The first rows that were looked at: the ids of those that match, how many had each of the
    contents, where it began, and how far it came (None: to the end)."""

    ids: list[uuid.UUID]
    counts: list[int]
    began: uuid.UUID | None
    reached: uuid.UUID | None


def search(ask: Ask, wanted: JobFilter, window: StreamWindow) -> SearchResult:
    """The first ids in `window` that match, at most its size; fewer than that with `reached` set
    when the work had to end. `ask` is in a transaction."""
    window = within(window, wanted)
    if not wanted.is_about_content:
        stream, values = job_stream.statement(ask, wanted, window)
        return SearchResult([row[0] for row in ask(stream, values)], None)
    if wanted.may_meet_secrets:
        window = replace(window, oldest=max(window.oldest, masked_from(ask)))
    walk = _look(ask, wanted, window)
    found = SearchResult(walk.ids[: window.size], walk.reached)
    is_common = min(walk.counts) > COMMON
    if is_common or len(walk.ids) >= WORTH_WALKING:
        found = _further(found, window, lambda rest: _walk_on(ask, wanted, rest))
    if not is_common:
        found = _further(found, window, lambda rest: _by_index(ask, wanted, rest, walk))
    return found


def _further(
    found: SearchResult, window: StreamWindow, look: Callable[[StreamWindow], SearchResult]
) -> SearchResult:
    """`found` with what `look` finds behind it, unless it is enough."""
    if found.reached is None or len(found.ids) >= window.size:
        return found
    more = look(window.behind(found.reached))
    return SearchResult([*found.ids, *more.ids][: window.size], more.reached)


def within(window: StreamWindow, wanted: JobFilter) -> StreamWindow:
    """`window` without what was created at other times than wanted."""
    return replace(
        window,
        oldest=max(window.oldest, wanted.oldest_id),
        limit=min(window.limit, wanted.id_limit),
    )


def _look(ask: Ask, wanted: JobFilter, window: StreamWindow) -> SearchScan:
    """Look at the next rows one by one."""
    rows, values = _rows(ask, wanted, replace(window, size=WALK))
    contents = [content.in_row for content in contents_of(wanted)]
    sql = LOOKED.format(
        fits=_all_of([*contents, *_columns(wanted)]),
        counts=", ".join(f"count(*) FILTER (WHERE {content})" for content in contents),
        rows=rows,
        order=window.order,
    )
    ((size, first, last, ids, *counts),) = ask(sql, {**_values(wanted), **values})
    return SearchScan(ids or [], counts, began=first, reached=last if size == WALK else None)


def _walk_on(ask: Ask, wanted: JobFilter, window: StreamWindow) -> SearchResult:
    """Look at many more rows, until there are enough that match."""
    rows, values = _rows(ask, wanted, replace(window, size=LONG_WALK))
    conditions = _all_of([*_in_row(wanted), *_columns(wanted)])
    sql = WALKED.format(conditions=conditions, rows=rows, order=window.order)
    seen = ask(sql, {**_values(wanted), **values, "wanted": window.size})
    ids = [id_ for id_, fits, _ in seen if fits]
    # With a full page it has ended early.
    is_over = len(ids) < window.size and (not seen or seen[-1][2] < LONG_WALK)
    return SearchResult(ids, None if is_over else seen[-1][0])


def _rows(ask: Ask, wanted: JobFilter, window: StreamWindow) -> tuple[str, Values]:
    """SQL, and its values, for the rows that are looked at."""
    if wanted.error is not None and not _is_narrow(wanted):
        states = [wanted.state] if wanted.state else [state.value for state in State]
        stream = FAILING.format(window=IN_WINDOW, order=window.order)
        return LISTED_ROWS.format(stream=stream), window.values | {"states": states}
    if not wanted.has_columns:
        return EVERY_ROW.format(window=IN_WINDOW, order=window.order), window.values
    stream, values = job_stream.statement(ask, wanted, window)
    return LISTED_ROWS.format(stream=stream), values


def _is_narrow(wanted: JobFilter) -> bool:
    """Whether all rows of its columns have an error, and these are fewer than all that have one."""
    is_part = wanted.queue is not None or wanted.task is not None
    return wanted.state == State.FAILED and is_part


def _by_index(ask: Ask, wanted: JobFilter, window: StreamWindow, walk: SearchScan) -> SearchResult:
    """What matches in `window`, or in its next part, by the index of the rarest content."""
    count, place = min((count, place) for place, count in enumerate(walk.counts))
    rarest = contents_of(wanted)[place]
    by_index = rarest.by_index
    # Rows with an error are few: two in a thousand of them are few, too.
    may_be_rare = count <= (0 if wanted.error is None else 2)
    if may_be_rare and _is_rare(ask, wanted, rarest):
        return SearchResult(_indexed(ask, wanted, window, by_index), None)
    border = _border(ask, window, walk)
    return SearchResult(_indexed(ask, wanted, _up_to(window, border), by_index), border)


def _indexed(ask: Ask, wanted: JobFilter, window: StreamWindow, by_index: str) -> list[uuid.UUID]:
    conditions = _all_of([*_in_row(wanted), *_columns(wanted)])
    parts = {"by_index": by_index, "conditions": conditions, "window": IN_WINDOW}
    sql = INDEXED.format(**parts, order=window.order)
    rows = ask(BITMAPS_ONLY + sql, {**_values(wanted), **window.values})
    ask(ANY_PLAN, {})
    return [row[0] for row in rows]


def _is_rare(ask: Ask, wanted: JobFilter, content: Content) -> bool:
    """Whether the index leads to few rows."""
    sampled = SAMPLED.format(by_index=content.by_index, in_row=content.in_row)
    limit = SAMPLE_LIMIT.format(size=FEW * 4)
    ((count,),) = ask(BITMAPS_ONLY + limit + sampled, _values(wanted))
    ask(ANY_PLAN, {})
    return bool(count <= FEW)


def _border(ask: Ask, window: StreamWindow, walk: SearchScan) -> uuid.UUID | None:
    """The id up to which to search for a page, judged by what the walk has met on its way.

    None: the window ends before. It is an id of the statistics, because of a window that ends between
    two of them the planner thinks that it is empty, and asks the primary key alone.
    """
    marks: list[uuid.UUID] = [row[0] for row in ask(HUNDREDTHS, {})]
    ahead = marks[bisect_right(marks, window.oldest) : bisect_left(marks, window.limit)]
    ahead = ahead if window.upwards else ahead[::-1]
    if len(ahead) < NEAR:
        return None
    start = window.oldest if window.upwards else window.limit
    way = _way(walk, window)
    far_enough = (mark for mark in ahead[:NEAR] if abs(mark.int - start.int) >= way)
    return next(far_enough, ahead[NEAR - 1])


def _way(walk: SearchScan, window: StreamWindow) -> float:
    """How far, in ids, a page lies behind the walk; cautiously, as few hits tell little."""
    if not walk.ids or walk.began is None or walk.reached is None:
        return float("inf")
    hits = len(walk.ids)
    density = max(hits - math.sqrt(hits), 0.5) / abs(walk.reached.int - walk.began.int)
    return window.size / density


def _up_to(window: StreamWindow, border: uuid.UUID | None) -> StreamWindow:
    """The part of `window` before `border`, and the border itself."""
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
