"""Where a test module plays: a database, a corner of Redis, and consumers on both."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2
import pytest
import redis
from psycopg2.extras import RealDictCursor

from mahaam.config import get_settings
from mahaam.doorbell.score import priority_of
from mahaam.enqueuing import accept, known_queues
from mahaam.huey_adapter.api import huey
from mahaam.postgres import database
from mahaam.postgres.database import Connection
from tests import factory
from tests.mahaam.consumer_process import Consumer
from tests.servers import TestServers, fresh_database
from tests.waiting import wait_until

_numbers = itertools.count(1)

LIVE = "SELECT task, state, attempt FROM job WHERE finished_at IS NULL LIMIT 20"


@dataclass(frozen=True)
class Stage:
    """One database and one prefix in Redis."""

    database_url: str
    redis_url: str
    prefix: str
    folder: Path

    def settings(self, **more: object) -> dict[str, str]:
        """The environment of a process that belongs here; `more` are settings by name."""
        own = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "REDIS_PREFIX": self.prefix,
            "TASK_MODULES": "tests.mahaam.tasks",
            "UNKNOWN_TASK_GRACE_S": "0",
            "VAR_DIR": str(self.folder / "var"),
        }
        return own | {name.upper(): str(value) for name, value in more.items()}

    @contextmanager
    def here(self, **more: object) -> Iterator[None]:
        """This process enqueues here."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.settings(**more).items():
                patch.setenv(name, value)
            forget_servers()
            try:
                yield
            finally:
                database.pool().dispose()
        forget_servers()

    def consumer(self, *arguments: str, is_cold: bool = False, **more: object) -> Consumer:
        """Start a consumer here; `is_cold`: in a new interpreter."""
        log_path = self.folder / f"consumer-{next(_numbers)}.log"
        return Consumer(self.settings(**more), log_path, *arguments, is_cold=is_cold)

    def redis(self) -> redis.Redis:
        """A client, for reading and for mischief."""
        return redis.Redis.from_url(self.redis_url)

    def key(self, queue: str = "default") -> str:
        """Where Redis keeps a queue."""
        return f"{self.prefix}:queue:{queue}"

    def rung(self, queue: str = "default") -> dict[str, float]:
        """The ids that Redis holds for a queue, with their scores."""
        with self.redis() as client:
            pairs = client.zrange(self.key(queue), 0, -1, withscores=True)
        return {id_.decode(): score for id_, score in pairs}

    def rung_priorities(self, queue: str = "default") -> dict[str, int]:
        """The ids that Redis holds for a queue, with the priorities that their scores stand for."""
        return {id_: priority_of(place) for id_, place in self.rung(queue).items()}

    def ask(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Run one statement, commit, and give back its rows by column."""
        with self._link.cursor() as cursor:
            cursor.execute(sql, values or None)
            return (
                [dict(row) for row in cursor.fetchall()] if cursor.description is not None else []
            )

    def add(self, table: str, **fields: Any) -> Any:
        """Insert a row by the factory; return its id."""
        return factory.add(self.inserted, table, **fields)

    def inserted(self, sql: str, values: list[Any]) -> list[Any]:
        """Run an INSERT; return the first column."""
        return [next(iter(row.values())) for row in self.ask(sql, *values)]

    @cached_property
    def _link(self) -> Connection:
        """A connection for reading rows; each statement commits by itself."""
        link: Connection = psycopg2.connect(self.database_url, cursor_factory=RealDictCursor)
        link.autocommit = True
        return link

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    def job(self, job_id: UUID | str) -> dict[str, Any]:
        """The row of a job; empty when there is none."""
        rows = self.ask("SELECT * FROM job WHERE id = %s", str(job_id))
        return rows[0] if rows else {}

    def attempts(self, job_id: UUID | str) -> list[dict[str, Any]]:
        """A job's attempts that are noted, the first one first."""
        return self.ask("SELECT * FROM attempt WHERE job_id = %s ORDER BY number", str(job_id))

    def letters(self, job_id: UUID | str) -> list[dict[str, Any]]:
        """A job's dead letters, the oldest first."""
        return self.ask("SELECT * FROM dead_letter WHERE job_id = %s ORDER BY id", str(job_id))

    def count(self, condition: str = "true") -> int:
        """How many jobs there are of a kind."""
        return int(self.ask(f"SELECT count(*) AS jobs FROM job WHERE {condition}")[0]["jobs"])

    def wait_for_ends(self, *, timeout_s: float = 20) -> None:
        """Return when every job has ended."""
        wait_until(
            lambda: not self.ask(LIVE),
            timeout_s=timeout_s,
            every_s=0.05,
            otherwise=lambda: f"These live: {self.ask(LIVE)}",
        )

    def wait_for_state(self, job_id: UUID | str, state: str, *, timeout_s: float = 10) -> None:
        """Return when a job is in `state`."""
        wait_until(
            lambda: self.job(job_id).get("state") == state,
            timeout_s=timeout_s,
            otherwise=lambda: f"{state} was expected: {self.job(job_id)}",
        )

    def clear(self) -> None:
        """Take all rows away, but not the workers, and all ids out of Redis."""
        self.ask("DELETE FROM job; DELETE FROM job_minute")  # of a few rows; TRUNCATE takes longer
        with self.redis() as client:
            for key in client.keys(f"{self.prefix}:queue:*"):
                client.delete(key)


@contextmanager
def new_stage(servers: TestServers, folder: Path) -> Iterator[Stage]:
    """An empty stage, on a database of its own."""
    with fresh_database(servers) as url:
        stage = Stage(url, servers.redis.url, f"stage{next(_numbers)}", folder)
        with closing(stage):
            yield stage


def forget_servers() -> None:
    """Let this process look for its servers anew."""
    get_settings.cache_clear()
    database.pool.cache_clear()
    accept.notice.cache_clear()
    accept.silence.end()
    if huey._storage is not None:
        huey.storage.close()
    huey.storage = None
    known_queues._known.until = 0.0
