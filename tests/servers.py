"""Servers for tests: real ones, in a folder of their own, gone at the end."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psycopg2
import redis

from launch.os_user import server_account
from launch.postgres import DATABASE, OWNER, ROLE, Postgres
from launch.redis import Redis
from tests.cluster import FAST, copy_cluster
from tests.waiting import wait_until

# A test kills processes, never the machine: what the kernel has taken is safe.
OPEN_TRANSACTIONS = """
    SELECT pid, state, left(query, 200) FROM pg_stat_activity
    WHERE datname = %s AND backend_type = 'client backend' AND state <> 'idle'
"""


class TestServers:
    """One PostgreSQL, whose database `mahaam` is the migrated template, and one Redis."""

    __test__ = False

    def __init__(self, folder: Path, options: dict[str, str] | None = None) -> None:
        """`options` are settings of PostgreSQL; without them it is fast and not crash-safe."""
        account = server_account()
        self.postgres = Postgres(
            folder / "postgres",
            account=account,
            log_path=folder / "log" / "postgres.log",
            options=FAST if options is None else options,
        )
        self.redis = Redis(folder / "redis", account=account, log_path=folder / "log" / "redis.log")
        for server in (self.postgres, self.redis):
            server.ends_with_parent = True  # a killed test run leaves none behind
        self._numbers = itertools.count(1)

    def start(self) -> None:
        self.postgres.start()
        self.redis.start()

    def stop(self) -> None:
        self.redis.stop()
        self.postgres.stop()

    def make_database(self) -> str:
        """Copy the template; the name of the copy."""
        name = f"test_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {DATABASE} STRATEGY file_copy")
        return name

    def drop_database(self, name: str) -> None:
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def open_transactions(self, name: str) -> list[tuple[int, str, str]]:
        """Sessions (pid, state, query) of one database that are in the middle of something."""
        return self._run(OPEN_TRANSACTIONS, name)

    def empty_redis(self) -> None:
        with redis.Redis.from_url(self.redis.url) as client:
            client.flushall()

    def _run(self, sql: str, *values: str) -> list[tuple[int, str, str]]:
        connection = psycopg2.connect(self.postgres.url_of("postgres", role=OWNER))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


def owner_url(database_url: str) -> str:
    """The same database, for the owner of its tables."""
    return database_url.replace(f"//{ROLE}@", f"//{OWNER}@")


@contextmanager
def new_folder() -> Iterator[Path]:
    """A folder that the user whom PostgreSQL runs as may pass; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mahaam-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def running_servers(
    options: dict[str, str] | None = None,
    *,
    folder: Path | None = None,
    postgres_environment: dict[str, str] | None = None,
) -> Iterator[TestServers]:
    """Start servers with a migrated database in a new folder, and leave nothing of them.

    In `folder`, which belongs to the caller, where that is given.
    """
    with new_folder() if folder is None else nullcontext(folder) as folder:
        servers = TestServers(folder, options)
        servers.postgres.environment |= postgres_environment or {}
        try:
            copy_cluster(servers.postgres.folder)
            servers.start()
            yield servers
        finally:
            servers.stop()


@contextmanager
def fresh_database(servers: TestServers) -> Iterator[str]:
    """The URL of a clean database; afterwards nobody may be in the middle of a transaction."""
    name = servers.make_database()
    try:
        yield servers.postgres.url_of(name)
        wait_until(
            lambda: not servers.open_transactions(name),
            otherwise=lambda: f"Open transactions: {servers.open_transactions(name)}",
        )
    finally:
        servers.drop_database(name)
