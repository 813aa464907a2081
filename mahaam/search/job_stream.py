"""The ids of jobs by state, queue and task, in the order of their ids, from one index.

The index `job_listed` is (state, queue, task, id). Any filter selects a handful of its (state,
queue, task), each of them sorted by id already: a page is the first few of each, merged. So a
combination that no job has costs as little as a common one. Running rows are in `job_running`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from mahaam.jobs.states import State
from mahaam.postgres.ask import Ask, Values
from mahaam.search.job_filter import FIRST_ID, LAST_ID, JobFilter

RESTING = tuple(state.value for state in State if state is not State.RUNNING)

# Hops from one (queue, task) of a state to the next.
KEYS = """
SELECT key.state, key.queue, key.task
FROM unnest(%(states)s) AS wanted(state), LATERAL (
  WITH RECURSIVE key AS (
    (SELECT state, queue, task FROM job
     WHERE state <> 'running' AND state = wanted.state AND (%(queue)s IS NULL OR queue >= %(queue)s)
     ORDER BY queue, task LIMIT 1)
    UNION ALL
    SELECT following.* FROM key, LATERAL (
      SELECT state, queue, task FROM job
      WHERE state <> 'running' AND state = wanted.state AND (queue, task) > (key.queue, key.task)
      ORDER BY queue, task LIMIT 1) AS following
    WHERE %(queue)s IS NULL OR key.queue = %(queue)s
  ) SELECT * FROM key
) AS key
WHERE (%(queue)s IS NULL OR key.queue = %(queue)s) AND (%(task)s IS NULL OR key.task = %(task)s)
"""
EVERY = """
SELECT id FROM job WHERE id >= %(oldest)s AND id < %(limit)s ORDER BY id {order} LIMIT %(size)s
"""
# Bounds and order name all columns of the index: the primary key would do for the ids alone, and be
# scanned through whatever lies between, when no statistics tell how much that is.
OF_KEYS = """
SELECT id FROM (
  SELECT found.id
  FROM unnest(%(states)s::text[], %(queues)s::text[], %(tasks)s::text[]) AS key(state, queue, task),
       LATERAL (SELECT id FROM job
                WHERE job.state <> 'running'
                  AND (job.state, job.queue, job.task, id) >= (key.state, key.queue, key.task, %(oldest)s)
                  AND (job.state, job.queue, job.task, id) < (key.state, key.queue, key.task, %(limit)s)
                ORDER BY job.state {order}, job.queue {order}, job.task {order}, id {order}
                LIMIT %(size)s) AS found
  UNION ALL
  SELECT id FROM job
  WHERE %(with_running)s AND state = 'running' AND (%(queue)s IS NULL OR queue = %(queue)s)
    AND (%(task)s IS NULL OR task = %(task)s) AND (id >= %(oldest)s AND id < %(limit)s) IS TRUE
) AS merged
ORDER BY id {order} LIMIT %(size)s
"""


@dataclass(frozen=True)
class StreamWindow:
    """Which ids are scanned, `oldest` among them and `limit` not, from which end, and how many."""

    oldest: uuid.UUID = FIRST_ID
    limit: uuid.UUID = LAST_ID
    size: int = 50
    upwards: bool = False  # the oldest first

    @property
    def order(self) -> str:
        """Return the order as SQL."""
        return "ASC" if self.upwards else "DESC"

    @property
    def values(self) -> dict[str, object]:
        """Return the values of the statements."""
        return {"oldest": str(self.oldest), "limit": str(self.limit), "size": self.size}

    def behind(self, job_id: uuid.UUID) -> StreamWindow:
        """Return the rest of the window behind `job_id`, with all before it left out."""
        if self.upwards:
            return replace(self, oldest=max(self.oldest, uuid.UUID(int=job_id.int + 1)))
        return replace(self, limit=min(self.limit, job_id))


def statement(ask: Ask, wanted: JobFilter, window: StreamWindow) -> tuple[str, Values]:
    """Return SQL, and its values, for the first ids in `window` by state, queue and task alone."""
    if not wanted.has_columns:
        return EVERY.format(order=window.order), window.values
    return OF_KEYS.format(order=window.order), window.values | keys(ask, wanted)


def keys(ask: Ask, wanted: JobFilter) -> dict[str, object]:
    """Return the matching (state, queue, task) that exist, as values of OF_KEYS."""
    states = RESTING if wanted.state is None else (wanted.state,)
    given: dict[str, object] = {"queue": wanted.queue, "task": wanted.task}
    found = ask(KEYS, given | {"states": list(states)}) if states != (State.RUNNING,) else []
    return given | {
        "states": [state for state, _, _ in found],
        "queues": [queue for _, queue, _ in found],
        "tasks": [task for _, _, task in found],
        "with_running": wanted.state in (None, State.RUNNING),
    }
