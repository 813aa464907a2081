"""Addresses as people have them: several hosts, TLS, sockets, hard passwords; and what is refused."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import psycopg2
import pytest
import redis
import trustme

from dashboard import create_app
from dashboard.web.database import db, redis_client
from launch.faults import ServerNotReachable
from launch.migrations import migrate
from launch.os_user import server_account
from launch.postgres import OWNER, Postgres
from launch.preflight import check_postgres
from launch.redis import Redis
from mahaam import config, enqueue
from mahaam.config import PROJECT_DIR
from mahaam.postgres import database
from tests.cluster import FAST, copy_cluster
from tests.faults.proxy import Proxy
from tests.launch.running_product import Product, free_port
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage, forget_servers, new_stage
from tests.servers import TestServers, new_folder

PASSWORD = "p@ss:w/o#r?d%&+ '\"\\[é]"
WORD = quote(PASSWORD, safe="")
WHERE = "SELECT current_setting('cluster_name')"


@contextmanager
def by_tcp(socket: Path, proxy: type[Proxy] = Proxy) -> Iterator[int]:
    """The port by which a server is reached that listens on a socket alone."""
    made = proxy(socket)
    made.start()
    try:
        yield made.port
    finally:
        made.stop()


@pytest.fixture(scope="module")
def locked() -> Iterator[Postgres]:
    """A PostgreSQL that asks the role `keeper` for its password."""
    with new_folder() as folder:
        server = Postgres(
            folder / "postgres", account=server_account(), log_path=folder / "log",
            options=FAST | {"cluster_name": "locked"},
        )  # fmt: skip
        copy_cluster(server.folder)
        server.start()
        try:
            ask(
                server.url_of("postgres", role=OWNER),
                f"CREATE ROLE keeper LOGIN SUPERUSER PASSWORD {literal()}",
            )
            ask(server.url_of("postgres", role=OWNER), "CREATE DATABASE jobs")
            rules = server.folder / "pg_hba.conf"
            rules.write_text(f"local all keeper scram-sha-256\n{rules.read_text()}")
            ask(server.url_of("postgres", role=OWNER), "SELECT pg_reload_conf()")
            yield server
        finally:
            server.stop()


@pytest.fixture
def reads_only(servers: TestServers) -> Iterator[Postgres]:
    """Another one with that role and database, which takes no writes of it."""
    root = servers.postgres.url_of("postgres", role=OWNER)
    ask(root, f"CREATE ROLE keeper LOGIN PASSWORD {literal()}")
    ask(root, "ALTER ROLE keeper SET default_transaction_read_only = on")
    ask(root, "CREATE DATABASE jobs")
    yield servers.postgres
    ask(root, "DROP DATABASE jobs")
    ask(root, "DROP ROLE keeper")


def literal() -> str:
    return "'" + PASSWORD.replace("'", "''") + "'"


def ask(url: str, sql: str) -> list[tuple[object, ...]]:
    """Run one statement by itself."""
    with closing(psycopg2.connect(url)) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []


def test_every_part_finds_the_one_of_several_hosts_that_takes_writes(
    locked: Postgres, reads_only: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with by_tcp(socket_of(locked)) as writes, by_tcp(socket_of(reads_only)) as reads:
        hosts = ",".join(f"127.0.0.1:{port}" for port in (free_port(), reads, writes))
        url = f"postgresql://keeper:{WORD}@{hosts}/jobs?target_session_attrs=read-write&sslmode=disable"
        check_postgres("DATABASE_URL", url)
        with pytest.raises(ServerNotReachable, match="only reads: name the primary") as refused:
            check_postgres("DATABASE_URL", url.replace(hosts, f"127.0.0.1:{reads}").split("?")[0])
        assert WORD not in str(refused.value)

        monkeypatch.setenv("DATABASE_URL", url)
        forget_servers()
        migrate(dict(os.environ))
        try:
            assert where_all_are() == ["locked"] * 3
        finally:
            forget_servers()


def where_all_are() -> list[object]:
    """On which server the pool, a link and the console find themselves."""
    found = [database.repeatable(first)]
    with closing(database.open_link("test")) as link, link.cursor() as cursor:
        found.append(first(cursor))
    app = create_app()
    with app.app_context():
        found.append(db.session.execute(db.text(WHERE)).scalar())
        db.session.remove()
        db.engine.dispose()
    database.pool().dispose()
    return found


def first(cursor: database.Cursor) -> object:
    cursor.execute(WHERE)
    row = cursor.fetchone()
    return row[0] if row else None


def socket_of(server: Postgres | Redis) -> Path:
    return server.socket_folder / server.socket_name


AUTHORITY = trustme.CA()


class TlsProxy(Proxy):
    """A proxy that speaks TLS to those who come."""

    def __init__(self, socket: Path) -> None:
        super().__init__(socket)
        self._writers: list[StreamWriter] = []

    async def _listen(self) -> int:
        port = await super()._listen()
        self._server.close()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=context)
        return port

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._writers.append(writer)
        await super()._serve(reader, writer)

    async def _end(self) -> None:
        await super()._end()
        for writer in self._writers:
            writer.transport.abort()  # else TLS waits for the other side to say good-bye
        closed = (writer.wait_closed() for writer in self._writers)
        await asyncio.gather(*closed, return_exceptions=True)


SHARED = "decode_responses=True&encoding=latin-1&protocol=2&socket_timeout=0.001&max_connections=1"


@pytest.fixture
def user(servers: TestServers) -> Iterator[None]:
    """A user of Redis with a password."""
    with redis.Redis.from_url(servers.redis.url) as client:
        rights = {"keys": ["*"], "channels": ["*"], "categories": ["+@all"]}
        client.acl_setuser("keeper", enabled=True, passwords=[f"+{PASSWORD}"], **rights)
        yield
        client.acl_deluser("keeper")


@pytest.fixture
def stage(servers: TestServers, tmp_path: Path) -> Iterator[Stage]:
    with new_stage(servers, tmp_path) as stage:
        yield stage


@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("kind", ["redis", "rediss", "unix"])
def test_redis_is_found_by_every_kind_of_address(
    stage: Stage, servers: TestServers, tmp_path: Path, kind: str
) -> None:
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    socket = socket_of(servers.redis)
    with by_tcp(socket, TlsProxy if kind == "rediss" else Proxy) as port:
        url = {
            "redis": f"redis://keeper:{WORD}@127.0.0.1:{port}/0?{SHARED}",
            "rediss": f"rediss://keeper:{WORD}@127.0.0.1:{port}/0?{SHARED}&ssl_ca_certs={tmp_path}/ca.pem",
            "unix": f"unix://keeper:{WORD}@{socket}?db=0&{SHARED}",
        }[kind]
        with stage.here(redis_url=url):
            job = enqueue(jobs.add, (1, 2))
            assert str(job.id) in stage.rung()
            redis_client().set("word", "é")
            assert redis_client().get("word") == "é"
            if kind == "rediss":  # one is enough: all are opened by the same function
                consume(stage, job.id, url)


def consume(stage: Stage, job_id: UUID, url: str) -> None:
    with stage.consumer(redis_url=url) as consumer:
        stage.wait_for_state(job_id, "completed", timeout_s=60)
        assert consumer.stop() == 0


class Cluster(Redis):
    """A Redis that is a node of a cluster."""

    def _prepare(self) -> None:
        super()._prepare()
        more = f"cluster-enabled yes\nbind 127.0.0.1\nport {self.port}\n"
        text = self._configuration.read_text("utf-8").replace("port 0\n", "", 1) + more
        self._configuration.write_text(text, "utf-8")

    port = 0


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The URL of a node of a cluster."""
    with new_folder() as folder:
        server = Cluster(folder / "redis", account=server_account(), log_path=folder / "log")
        # The nodes talk to each other at the port that is higher by 10,000.
        server.port = next(port for port in iter(free_port, None) if port < 55_000)
        server.start()
        try:
            yield f"redis://127.0.0.1:{server.port}/0"
        finally:
            server.stop()


COMMANDS = {
    "make run": ["-m", "launch"],
    "consumer": ["huey_consumer.py"],
    "console": ["-c", "import wsgi"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_cluster_is_refused_with_a_sentence(
    cluster: str, database_url: str, tmp_path: Path, command: str
) -> None:
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": cluster,
        "VAR_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, *COMMANDS[command]],
        cwd=PROJECT_DIR, env=os.environ | environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == config.EXIT_CODE
    assert done.stderr.strip().count("\n") == 0
    assert "leads to a Redis Cluster" in done.stderr


def test_all_addresses_that_do_not_work_are_told_together(new_product: Product) -> None:
    port = free_port()
    code, words = new_product.refused(
        DATABASE_URL=f"postgresql://me:{WORD}@127.0.0.1:{port}/jobs",
        MIGRATION_DATABASE_URL=f"postgresql://owner:{WORD}@127.0.0.1:{port}/jobs",
        REDIS_URL=f"redis://me:{WORD}@127.0.0.1:{port}/0",
    )
    assert code == 1
    assert [line.split(" (")[0] for line in words.strip().splitlines()] == [
        "DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL",
    ]  # fmt: skip
    assert WORD not in words
