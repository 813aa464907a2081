"""A fail-over to a standby that lacks the last accepted jobs: noticed, told, and made good."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg2
import pytest
from psycopg2.errors import ReadOnlySqlTransaction

from dashboard import create_app
from launch.os_user import server_account
from launch.postgres import DATABASE, OWNER, ROLE, Postgres, program
from mahaam import enqueue
from mahaam.consumer.maintenance.failover import made_at
from mahaam.core.ids import id_at, new_id
from mahaam.failover import store as failover_store
from tests.cluster import FAST
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage
from tests.servers import TestServers, running_servers
from tests.waiting import wait_until

LOST = 20
ALERT = (
    "SELECT 1 FROM alert JOIN alert_rule AS rule ON rule.id = rule_id WHERE kind = 'failed_over'"
)
MISSING = "SELECT detail FROM mahaam.incident WHERE kind = 'job_missing'"


class Standby(Postgres):
    """A copy of a server that follows it."""

    def follow(self, primary: Postgres) -> None:
        """Copy the data of `primary`, to be started behind it."""
        command = [program("pg_basebackup"), "-D", self.folder, "-R", "-c", "fast", "-X", "stream"]
        subprocess.run(
            [*command, "-d", primary.url_of("postgres", role=OWNER)],
            cwd=self.folder.parent, check=True, capture_output=True, **self.account.popen_options(),
        )  # fmt: skip

    def _make_database(self) -> None:
        """Leave everything as it came."""


@dataclass(frozen=True)
class Pair:
    """A primary and its standby."""

    primary: Postgres
    standby: Standby

    @property
    def url(self) -> str:
        """Where clients find whichever of them takes writes."""
        folders = (server.socket_folder for server in (self.standby, self.primary))
        hosts = ",".join(quote(str(folder), safe="/") for folder in folders)
        return f"postgresql://{ROLE}@/{DATABASE}?host={hosts}&target_session_attrs=read-write"

    def cut(self) -> None:
        """Let the standby fall behind, as one does whose network is slow."""
        ask(self.standby, "ALTER SYSTEM SET primary_conninfo = ''")
        ask(self.standby, "SELECT pg_reload_conf()")
        wait_until(lambda: not ask(self.standby, "SELECT pid FROM pg_stat_wal_receiver"))

    def fail_over(self) -> None:
        """End the primary and promote the standby."""
        self.primary.kill()
        ask(self.standby, "SELECT pg_promote()")


def ask(server: Postgres, sql: str) -> list[tuple[object, ...]]:
    """Run one statement as the owner."""
    with closing(psycopg2.connect(server.owner_url)) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def servers() -> Iterator[TestServers]:
    """Servers that others can follow."""
    with running_servers({**FAST, "wal_level": "replica"}) as servers:
        yield servers


@pytest.fixture
def pair(servers: TestServers) -> Iterator[Pair]:
    folder = servers.postgres.folder.with_name("standby")
    folder.mkdir()
    account = server_account()
    account.own(folder)
    standby = Standby(folder, account=account, log_path=folder.with_suffix(".log"), options=FAST)
    standby.ends_with_parent = True
    standby.follow(servers.postgres)
    standby.start()
    yield Pair(servers.postgres, standby)
    standby.stop()


def test_jobs_lost_with_the_old_primary_are_told_and_brought_back(
    pair: Pair, servers: TestServers, tmp_path: Path
) -> None:
    stage = Stage(pair.url, servers.redis.url, "failover", tmp_path)
    # What nobody serves stays in Redis.
    with stage.here(), stage.consumer("--queues", "default") as consumer:
        consumer.wait_ready()
        kept = enqueue(jobs.add, (1, 2), queue="reports")
        wait_until(
            lambda: ask(pair.standby, "SELECT 1 FROM incident WHERE kind = 'primary'"),
            otherwise=lambda: consumer.log,
        )
        wait_until(lambda: ask(pair.standby, f"SELECT 1 FROM job WHERE id = '{kept.id}'"))
        pair.cut()
        lost = {str(enqueue(jobs.add, (1, 2), queue="reports").id) for _ in range(LOST)}

        pair.fail_over()

        wait_until(
            lambda: found_missing(pair) == lost, timeout_s=60, otherwise=lambda: consumer.log
        )
        popped = new_id()
        with stage.redis() as client:
            client.zadd(stage.key(), {popped: 0})
        wait_until(lambda: found_missing(pair) == {*lost, popped}, timeout_s=60)
        wait_until(lambda: ask(pair.standby, ALERT), timeout_s=60)

        pair.primary.start()
        flask = create_app().test_cli_runner()
        told = flask.invoke(
            args=["queue", "reconcile", "--old-primary", pair.primary.url, "--json"]
        )
        assert told.exit_code == 1
        assert {job["id"] for job in json.loads(told.stdout)["missing"]} == lost
        log = tmp_path / "application.log"
        log.write_text("\n".join(f"Order taken. job={id_}" for id_ in (*lost, kept.id)))
        told = flask.invoke(args=["queue", "reconcile", "--log", str(log), "--json"])
        assert set(json.loads(told.stdout)["missing"]) == lost

        command = ["queue", "reconcile", "--old-primary", pair.primary.url, "--import"]
        told = flask.invoke(args=command)
        assert f"{LOST} jobs were brought back." in told.stdout, told.output
        assert told.exit_code == 0
        assert flask.invoke(args=command).stdout.startswith("0 jobs are missing here.")
        queued = "SELECT id::text FROM job WHERE state = 'queued'"
        assert {row[0] for row in ask(pair.standby, queued)} == {*lost, str(kept.id)}
        assert stage.rung("reports").keys() >= lost
        assert consumer.stop() == 0
    assert "PostgreSQL was failed over or restored" in consumer.log


def found_missing(pair: Pair) -> set[object]:
    with suppress(ReadOnlySqlTransaction):
        return {row[0] for row in ask(pair.standby, MISSING)}
    return set()


def test_a_restart_is_no_failover(servers: TestServers) -> None:
    with (
        closing(psycopg2.connect(servers.postgres.owner_url)) as link,
        link,
        link.cursor() as cursor,
    ):
        first = failover_store.look(cursor)
    servers.postgres.kill()
    servers.postgres.start()
    with (
        closing(psycopg2.connect(servers.postgres.owner_url)) as link,
        link,
        link.cursor() as cursor,
    ):
        assert failover_store.look(cursor) == first._replace(is_new=False)


def test_an_id_without_a_time_is_of_long_ago() -> None:
    assert made_at(str(uuid4())) == datetime.fromtimestamp(0, UTC)


def test_the_time_of_a_job_is_in_its_id() -> None:
    moment = datetime(2026, 11, 30, 12, 0, 0, 123_000, tzinfo=UTC)
    assert made_at(id_at(moment)) == moment
