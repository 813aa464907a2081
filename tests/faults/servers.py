"""The servers of one campaign, and what can be done to them."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from uuid import uuid4

import psycopg2
import redis

from launch.os_user import server_account
from launch.postgres import Postgres
from launch.redis import Redis
from launch.server import Server
from tests.faults.disk import small_disk
from tests.faults.proxy import Proxy
from tests.servers import TestServers, fresh_database, owner_url, running_servers
from tests.waiting import wait_until


class CampaignServers:
    """PostgreSQL and Redis, each behind its socket and behind a proxy that can swallow."""

    def __init__(self, postgres: Postgres, redis_server: Redis, database_url: str) -> None:
        self.postgres = postgres
        self.redis = redis_server
        self.database_url = database_url
        self.redis_url = redis_server.url
        self.to_postgres = Proxy(_socket_of(postgres))
        self.to_redis = Proxy(_socket_of(redis_server))

    def start(self) -> None:
        """Start Redis and the proxies; PostgreSQL runs."""
        self.redis.start()
        self.to_postgres.start()
        self.to_redis.start()

    def stop(self) -> None:
        """Stop them."""
        self.to_redis.stop()
        self.to_postgres.stop()
        self.redis.stop()

    @property
    def urls(self) -> dict[str, str]:
        """Where a process finds the servers directly."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    @property
    def urls_by_proxy(self) -> dict[str, str]:
        """Where a process finds the servers by way of the proxies."""
        database = self.database_url.split("@/")[1].split("?")[0]
        address = f"127.0.0.1:{self.to_postgres.port}"
        return {
            "DATABASE_URL": f"postgresql://mahaam@{address}/{database}?sslmode=disable",
            "REDIS_URL": f"redis://127.0.0.1:{self.to_redis.port}/0",
        }

    def flush_redis(self) -> None:
        """Empty Redis while it runs."""
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()

    def lose_redis(self) -> None:
        """Kill Redis and start an empty one."""
        self.redis.kill()
        shutil.rmtree(self.redis.folder)
        self.redis.start()

    def restart_redis(self) -> None:
        """Kill Redis and start it on what its log kept, up to a second less than it had."""
        self.redis.kill()
        self.redis.start()

    def crash_postgres(self) -> None:
        """Stop PostgreSQL as `pg_ctl stop -m immediate` does: nothing is written any more."""
        if self.postgres.pid is not None:
            os.kill(self.postgres.pid, signal.SIGQUIT)
        wait_until(lambda: self.postgres.pid is None, otherwise="PostgreSQL did not end")

    def start_postgres(self) -> None:
        """Start it again; it replays its log first."""
        self.postgres.start()

    def owner(self) -> psycopg2.extensions.connection:
        """A connection of the owner, who may write at any time, in autocommit mode."""
        link = psycopg2.connect(
            owner_url(self.database_url), options="-c default_transaction_read_only=off"
        )
        link.autocommit = True
        return link

    def connection(self) -> psycopg2.extensions.connection:
        """A connection beside the proxy, in autocommit mode."""
        link = psycopg2.connect(
            self.database_url, connect_timeout=5, application_name="campaign",
            options="-c timezone=UTC -c statement_timeout=10s",
        )  # fmt: skip
        link.autocommit = True
        return link


def _socket_of(server: Server) -> Path:
    return server.socket_folder / server.socket_name


@contextmanager
def _on(postgres: Postgres, database_url: str) -> Iterator[CampaignServers]:
    """A Redis of its own and proxies beside a PostgreSQL that runs."""
    folder = postgres.folder.parent / f"redis-{uuid4().hex[:8]}"
    redis_server = Redis(folder, account=server_account(), log_path=folder.with_suffix(".log"))
    made = CampaignServers(postgres, redis_server, database_url)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


@contextmanager
def own_servers(
    options: dict[str, str] | None = None,
    *,
    postgres_environment: dict[str, str] | None = None,
    disk_mb: int = 0,
) -> Iterator[CampaignServers]:
    """New servers, for a campaign that hurts PostgreSQL; `options` are settings of PostgreSQL.

    They lie on a file system of their own of `disk_mb`, unless that is 0.
    """
    with (
        small_disk(disk_mb) if disk_mb else nullcontext() as folder,
        running_servers(
            options, folder=folder, postgres_environment=postgres_environment
        ) as servers,
        _on(servers.postgres, servers.postgres.url) as made,
    ):
        yield made


@contextmanager
def shared_servers(servers: TestServers) -> Iterator[CampaignServers]:
    """A clean database on a PostgreSQL that runs already."""
    with fresh_database(servers) as url, _on(servers.postgres, url) as made:
        yield made
