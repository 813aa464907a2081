"""The embedded servers: deep folders, stale files, leftovers."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import redis

from launch.os_user import server_account
from launch.postgres import Postgres
from launch.processes import processes_of
from launch.redis import Redis
from launch.server import SOCKET_PATH_LIMIT, Server
from tests.cluster import FAST, copy_cluster
from tests.servers import new_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with new_folder() as folder:
        yield folder


def postgres_in(folder: Path) -> Postgres:
    log_path = folder / "postgres.log"
    account = server_account()
    server = Postgres(folder / "postgres", account=account, log_path=log_path, options=FAST)
    copy_cluster(server.folder)
    return server


def redis_in(folder: Path) -> Redis:
    return Redis(folder / "redis", account=server_account(), log_path=folder / "redis.log")


def answers(server: Server) -> bool:
    if isinstance(server, Postgres):
        psycopg2.connect(server.url).close()
        return True
    with redis.Redis.from_url(server.url) as client:
        return bool(client.ping())


@pytest.mark.parametrize("make", [postgres_in, redis_in])
def test_a_deep_folder_with_a_space_gets_a_short_socket_that_goes_with_it(
    make, folder: Path
) -> None:
    server = make(folder / ("a very deep folder" * 6))
    server.start()
    try:
        assert len(os.fsencode(server.socket_folder / server.socket_name)) < SOCKET_PATH_LIMIT
        assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
        assert answers(server)
    finally:
        server.stop()
    assert not server.socket_folder.exists()


@pytest.mark.parametrize("make", [postgres_in, redis_in])
def test_a_server_left_by_a_killed_launcher_is_ended_first(make, folder: Path) -> None:
    left = make(folder)
    left.start()
    server = make(folder)
    server.start()
    try:
        assert left.pid is None
        assert answers(server)
    finally:
        server.stop()
    assert processes_of(server.folder, *server.program_names) == []


def test_a_stale_pid_that_is_another_process_now_keeps_nobody_from_starting(folder: Path) -> None:
    server = postgres_in(folder)
    server.start()
    pid_path = server.folder / "postmaster.pid"
    lines = pid_path.read_text().splitlines()
    server.kill()
    pid_path.write_text("\n".join([str(os.getppid()), *lines[1:]]))

    server.start()
    try:
        assert answers(server)
    finally:
        server.stop()


def test_an_interrupted_first_start_is_begun_anew(folder: Path) -> None:
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "half").touch()
    server = postgres_in(folder)
    server.start()
    try:
        assert answers(server)
    finally:
        server.stop()


def test_only_its_own_user_can_reach_a_server(folder: Path) -> None:
    for server in (postgres_in(folder), redis_in(folder)):
        server.start()
        try:
            assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
        finally:
            server.stop()


def test_what_is_committed_reaches_the_disk(folder: Path) -> None:
    server = Postgres(folder / "postgres", account=server_account(), log_path=folder / "log")
    server.start()
    try:
        connection = psycopg2.connect(server.url)
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [DURABLE])
            assert dict(cursor.fetchall()) == dict.fromkeys(DURABLE, "on")
        connection.close()
    finally:
        server.stop()


DURABLE = ["fsync", "synchronous_commit", "full_page_writes", "data_checksums"]
