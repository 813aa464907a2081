"""The servers that all contenders stand on: one PostgreSQL with its safety on, one Redis."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import redis

from bench.disk import SlowDisk
from bench.figure import Figure, at_most
from bench.log_lines import serious
from launch.migrations import migrate
from launch.os_user import server_account
from launch.postgres import DATABASE, OWNER, Postgres
from launch.redis import Redis
from launch.server import Server

PROJECT = Path(__file__).resolve().parent.parent


class DurableRedis(Redis):
    """A Redis that confirms nothing before the disk has: it keeps as much as PostgreSQL does."""

    def _prepare(self) -> None:
        super()._prepare()
        with self._configuration.open("a") as file:
            file.write("appendfsync always\n")


class BenchServers:
    """Servers, and the environment in which programs find them."""

    def __init__(self, folder: Path) -> None:
        account = server_account()
        self.folder = folder
        self.postgres = Postgres(
            folder / "postgres", account=account, log_path=folder / "postgres.log"
        )
        self.redis = Redis(folder / "redis", account=account, log_path=folder / "redis.log")
        self.durable_redis = DurableRedis(
            folder / "durable", account=account, log_path=folder / "durable.log"
        )
        self.disk = SlowDisk(folder)
        for server in self.servers:
            server.environment |= self.disk.environment
        self.log_path = folder / "programs.log"
        self._database, self._prefix = DATABASE, "mahaam"

    @property
    def servers(self) -> tuple[Server, ...]:
        """All of them, in the order in which they are started."""
        return self.postgres, self.redis, self.durable_redis

    @property
    def environment(self) -> dict[str, str]:
        """What a program of the product needs to know."""
        return os.environ | {
            "DATABASE_URL": self.postgres.url_of(self._database),
            "REDIS_URL": self.redis.url,
            "DURABLE_REDIS_URL": self.durable_redis.url,
            "REDIS_PREFIX": self._prefix,
            "TASK_MODULES": "bench.noop",
            "LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(PROJECT),
        }

    @property
    def owner_url(self) -> str:
        """Where the owner of the tables finds the database that is measured."""
        return self.postgres.url_of(self._database, role=OWNER)

    def use(self, database: str) -> None:
        """Make `database` (a copy of the migrated one, if it is new) the one that is measured."""
        if database != DATABASE and not self.run(
            "SELECT 1 FROM pg_database WHERE datname = %s", database
        ):
            self.run(f"CREATE DATABASE {database} TEMPLATE {DATABASE}", database="postgres")
        self._database, self._prefix = database, database
        self._remind_redis()

    def run(self, sql: str, *values: Any, database: str | None = None) -> list[tuple[Any, ...]]:
        """Carry out one statement; its rows, if it has any."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def connect(self, database: str | None = None) -> Any:
        """A connection whose statements commit by themselves."""
        connection = psycopg2.connect(self.postgres.url_of(database or self._database, role=OWNER))
        connection.autocommit = True
        return connection

    def clear(self) -> None:
        """Empty the tables and Redis."""
        self.run("TRUNCATE job, job_minute, worker, failure, error_group CASCADE")
        with redis.Redis.from_url(self.redis.url) as client:
            client.flushall()
        self._remind_redis()

    def _remind_redis(self) -> None:
        """Measure beside a Redis that has not just lost its memory."""
        with redis.Redis.from_url(self.redis.url) as client:
            client.set(f"{self._prefix}:memory", "1")

    def python(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Start a Python program in the project's folder; `more` joins its environment.

        What it says on standard error is kept in `log_path`.
        """
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                cwd=PROJECT,
                env=self.environment | more,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def silence(self) -> Figure:
        """Return the figure that programs have logged nothing which needs a person."""
        said = serious([self.log_path] if self.log_path.exists() else [])
        for line in said:
            print(f"A healthy system does not say: {line}", file=sys.stderr)
        return at_most(
            "log lines of WARNING and above", len(said), 0, unit="lines", detail="all programs"
        )

    def output(self, *arguments: str, **more: str) -> str:
        """What a Python program prints; it must end well."""
        process = self.python(*arguments, **more)
        out, _ = process.communicate()
        if process.returncode:
            told = self.log_path.read_text("utf-8", "replace")[-2000:]
            raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}:\n{told}")
        return out.strip()

    def consume(self, *options: str) -> None:
        """Run a consumer until it ends by itself."""
        self.output("huey_consumer.py", *options)


@contextmanager
def running_servers() -> Iterator[BenchServers]:
    """Start the servers in a new folder, and leave nothing of them."""
    folder = Path(tempfile.mkdtemp(prefix="mahaam-bench-"))
    folder.chmod(0o711)
    made = BenchServers(folder)
    try:
        for server in made.servers:
            server.start()
        migrate(made.environment | made.postgres.urls)
        yield made
    finally:
        for server in reversed(made.servers):
            server.stop()
        shutil.rmtree(folder)
