"""The rows of a campaign: what is written beside every client, what is asked while servers fail."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psutil
import psycopg2

from tests.faults.evidence import WORK
from tests.faults.servers import CampaignServers

# Rows as a client's bulk enqueue leaves them whose bells Redis has lost: consumers ring for them.
# Of each hundred one fails once and one fails for good; `flaky` makes all fail once.
ACCEPT = """
INSERT INTO job (id, task, queue, state, kwargs, max_retries, retry_delay_s, retry_jitter,
                 queued_at)
SELECT uuidv7(), %(task)s, 'default', 'queued',
       jsonb_build_object('ms', %(ms)s::int, 'hold', %(holding)s AND number %% 10 = 5)
       || CASE WHEN number %% 100 = 66 THEN '{"failures": 2}'
               WHEN number %% 100 = 33 OR %(flaky)s THEN '{"failures": 1}' ELSE '{}' END::jsonb,
       1, 0.2, false, now()
FROM generate_series(1, %(count)s) AS number
"""
RUNNING = """
SELECT count(*), min(worker.pid) FROM job LEFT JOIN worker ON worker.id = job.worker_id
WHERE job.state = 'running' GROUP BY worker_id
"""
LIVE = """
SELECT (SELECT count(*) FROM job WHERE state NOT IN ('completed', 'failed', 'cancelled', 'expired'))
     + (SELECT count(*) FROM schedule WHERE next_run_at IS NOT NULL)
"""
SCHEDULE = """
INSERT INTO schedule (name, task, kind, every_s, starts_at, ends_at, kwargs, missed, missed_limit,
                      next_run_at, created_by)
SELECT 'every second, ' || number, %(task)s, 'interval', 1, begin,
       begin + (%(times)s - 1) * interval '1 s', jsonb_build_object('ms', %(ms)s::int), 'all', 1000,
       begin, 'campaign'
FROM generate_series(1, %(count)s) AS number,
     (SELECT date_trunc('second', now()) + interval '3 s' AS begin) AS soon
"""


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Rows:
    """A connection beside the proxies, opened again whenever PostgreSQL is back."""

    def __init__(self, servers: CampaignServers) -> None:
        self._servers = servers
        self._connection: Any = None

    def accept(self, count: int, *, ms: int, holding: bool = False, flaky: bool = False) -> None:
        """Write the rows of `count` jobs; `holding` makes each tenth hold its whole process."""
        values = {"count": count, "ms": ms, "holding": holding, "flaky": flaky}
        self.ask(ACCEPT, {**values, "task": f"{WORK}.work"})

    def schedule(self, count: int, *, times: int, ms: int) -> None:
        """Write `count` schedules that each make `times` jobs, one a second, from now on."""
        values = {"count": count, "times": times, "ms": ms, "task": f"{WORK}.work"}
        self.ask(SCHEDULE, values)

    def live(self) -> int | None:
        """How many jobs have not ended or are still to be made; None while PostgreSQL is away."""
        found = self.ask(LIVE)
        return found[0][0] if found else None

    def most_running(self) -> list[int]:
        """How many rows run in the live worker that has most; none while nothing runs.

        A worker that is killed while PostgreSQL is down leaves rows that say running although their
        completion was lost with the crash: nothing runs there.
        """
        found = [count for count, pid in self.ask(RUNNING) if pid is None or _is_alive(pid)]
        return [max(found)] if found else []

    def ask(self, sql: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Rows from PostgreSQL, none while it is away."""
        try:
            if self._connection is None:
                self._connection = self._servers.connection()
            with self._connection.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall() if cursor.description else []
        except psycopg2.Error:
            self.close()
            return []

    def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(psycopg2.Error):
                connection.close()
