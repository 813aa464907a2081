"""What is read of a running system every few seconds: its processes, connections, tables, latency."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import psutil
import psycopg2.extensions
import redis

CONNECTIONS = """
SELECT pid, application_name FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND application_name LIKE 'mahaam%'
"""
SIZES = """
SELECT relname, pg_total_relation_size(relid)::bigint FROM pg_stat_user_tables
"""
LATE = "SELECT count(*) FROM attempt WHERE late_at IS NOT NULL"
# Only the newest: the table grows, and this is asked every few seconds.
WAITS = """
SELECT extract(epoch FROM started_at - queued_at)::float FROM job
WHERE task = 'tests.soak.jobs.probe' AND queue = 'probe' AND state = 'completed'
  AND started_at > now() - %s * interval '1 second'
"""


class Usage(NamedTuple):
    """What one process holds."""

    memory_mb: float
    files: int
    threads: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at everything, `at_s` seconds after the beginning."""

    at_s: float
    usage: Mapping[str, Usage]
    backends: frozenset[tuple[int, str]]  # pid and application name
    redis_clients: int
    sizes_mb: Mapping[str, float]  # of each table, with its indexes
    late_results: int
    waits_s: tuple[float, ...]

    @property
    def tables_mb(self) -> float:
        """Return the size of all tables together."""
        return sum(self.sizes_mb.values())


class Reader:
    """Reads, with connections of its own that are not counted."""

    def __init__(
        self,
        connection: psycopg2.extensions.connection,
        client: redis.Redis,
        *,
        every_s: float,
    ) -> None:
        self._connection = connection
        self._client = client
        self._every_s = every_s
        self._began_at = time.monotonic()

    def read(self, processes: Mapping[str, psutil.Process]) -> Reading:
        """Look at everything once."""
        with self._connection.cursor() as cursor:
            cursor.execute(CONNECTIONS)
            backends = frozenset(cursor.fetchall())
            cursor.execute(SIZES)
            sizes_mb = {table: size / 1e6 for table, size in cursor.fetchall()}
            cursor.execute(LATE)
            late = (cursor.fetchone() or (0,))[0]
            cursor.execute(WAITS, (self._every_s,))
            waits_s = tuple(row[0] for row in cursor.fetchall())
        return Reading(
            at_s=time.monotonic() - self._began_at,
            usage={name: _usage(process) for name, process in processes.items()},
            backends=backends,
            redis_clients=int(self._client.info("clients")["connected_clients"]),  # type: ignore[index]
            sizes_mb=sizes_mb,
            late_results=late,
            waits_s=waits_s,
        )


def _usage(process: psutil.Process) -> Usage:
    with process.oneshot():
        return Usage(process.memory_info().rss / 1e6, process.num_fds(), process.num_threads())


def all_waits(readings: Iterable[Reading]) -> list[float]:
    """Return the start latencies that these readings saw, in seconds."""
    return [wait_s for reading in readings for wait_s in reading.waits_s]
