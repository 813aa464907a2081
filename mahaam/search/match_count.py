"""The number of jobs that match a filter: estimated, or counted up to a limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mahaam.postgres.ask import Ask, by_session
from mahaam.postgres.query_limits import COUNT_LIMIT, Reader, time_limit
from mahaam.search import job_stream
from mahaam.search.job_filter import JobFilter
from mahaam.search.job_stream import StreamWindow
from mahaam.search.search import search, within

ESTIMATE = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'job'::regclass"
EVERY = """
SELECT count(*) FROM (SELECT FROM job WHERE id >= %(oldest)s AND id < %(limit)s LIMIT %(size)s) AS found
"""
# Unsorted, so that it ends as soon as there are enough.
OF_KEYS = """
SELECT count(*) FROM (
  SELECT FROM unnest(%(states)s::text[], %(queues)s::text[], %(tasks)s::text[]) AS key(state, queue, task),
       LATERAL (SELECT FROM job
                WHERE job.state <> 'running' AND job.state = key.state AND job.queue = key.queue
                  AND job.task = key.task AND id >= %(oldest)s AND id < %(limit)s
                LIMIT %(size)s) AS one
  UNION ALL
  SELECT FROM job
  WHERE %(with_running)s AND state = 'running' AND (%(queue)s IS NULL OR queue = %(queue)s)
    AND (%(task)s IS NULL OR task = %(task)s) AND id >= %(oldest)s AND id < %(limit)s
  LIMIT %(size)s
) AS found
"""


@dataclass(frozen=True)
class MatchCount:
    """A match count. `is_estimate`: about as many; `is_least`: that many were seen, there may be more."""

    jobs: int
    is_estimate: bool = False
    is_least: bool = False


def match_count(session: Reader, wanted: JobFilter) -> MatchCount:
    """Return how many jobs match. Raises QueryTooSlow."""
    with time_limit(session):
        ask = by_session(session)
        if wanted.asks_for_nothing:
            return _all(ask)
        if wanted.is_about_content:
            return _found(ask, wanted)
        return _counted(ask, wanted)


def _all(ask: Ask) -> MatchCount:
    ((estimate,),) = ask(ESTIMATE, {})
    if estimate > COUNT_LIMIT:
        return MatchCount(round(estimate, 2 - len(str(estimate)) + 1), is_estimate=True)
    return _counted(ask, JobFilter())


def _counted(ask: Ask, wanted: JobFilter) -> MatchCount:
    window = within(StreamWindow(size=COUNT_LIMIT + 1), wanted)
    if wanted.has_columns:
        ((count,),) = ask(OF_KEYS, window.values | job_stream.keys(ask, wanted))
    else:
        ((count,),) = ask(EVERY, window.values)
    return _limited(count)


def _found(ask: Ask, wanted: JobFilter) -> MatchCount:
    found = search(ask, wanted, StreamWindow(size=COUNT_LIMIT + 1))
    seen = _limited(len(found.ids))
    return seen if found.reached is None else replace(seen, is_least=True)


def _limited(count: int) -> MatchCount:
    return MatchCount(min(count, COUNT_LIMIT), is_least=count > COUNT_LIMIT)
