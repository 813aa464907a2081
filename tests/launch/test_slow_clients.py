"""The real web server under clients that hold a connection and do next to nothing with it."""

from __future__ import annotations

import json
import os
import signal
import statistics
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import psycopg2
import pytest

from bench.console.site import EMAIL, Site
from bench.console.slow_clients import (
    SILENT,
    SLOW_BODY,
    SLOW_HEADER,
    slow_clients,
    slow_reader,
    two_hundred,
)
from dashboard import create_app
from dashboard.auth.accounts import create_person
from dashboard.web.database import db
from mahaam import config
from tests.browser.server import web_server
from tests.dashboard.conftest import CHEAP
from tests.machine import within
from tests.servers import TestServers, fresh_database
from tests.waiting import wait_until

PASSWORD = "a good long password"
PAGE, EXPORT = "/admin/job/", "/admin/job/export.csv?state=completed"
LOOKS = 15
pytestmark = pytest.mark.timeout(240)
JOBS = """
INSERT INTO job (id, task, queue, state, kwargs, queued_at, finished_at)
SELECT gen_random_uuid(), 'shop.big', 'default', 'completed',
       jsonb_build_object('text', repeat('0123456789', 1000)), now(), now()
FROM generate_series(1, 300)
"""
LIMITS = ("WEB_HEADER_TIMEOUT_S", "WEB_BODY_TIMEOUT_S", "WEB_IDLE_TIMEOUT_S", "WEB_SEND_TIMEOUT_S")
IMPATIENT = dict.fromkeys(LIMITS, "2")
PATIENT = dict.fromkeys(LIMITS, "300")  # so that all slow clients stay until the end


@pytest.fixture(scope="module")
def database(servers: TestServers) -> Iterator[dict[str, str]]:
    """An environment with a database that has large jobs and somebody who may see them."""
    with fresh_database(servers) as url, pytest.MonkeyPatch.context() as patch:
        environment = {"DATABASE_URL": url, "REDIS_URL": servers.redis.url}
        for name, value in environment.items():
            patch.setenv(name, value)
        run(url, JOBS)
        config.get_settings.cache_clear()
        with create_app(SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=CHEAP).app_context():
            create_person(EMAIL, password=PASSWORD, role="admin")
            db.engine.dispose()
        yield environment


@pytest.fixture(scope="module")
def patient(database: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Somebody who has logged in to a server that hangs up on nobody."""
    with served(tmp_path_factory.mktemp("web"), database, **PATIENT) as site:
        yield site


@contextmanager
def served(folder: Path, environment: dict[str, str], **more: str) -> Iterator[Site]:
    """Serve, and log in."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (environment | more).items():
            patch.setenv(name, value)
        with web_server(folder / "web.log") as address:
            site = Site(int(address.rpartition(":")[2]), psutil.Process())
            site.log_in(PASSWORD)
            with closing(site):
                yield site


def run(url: str, sql: str) -> None:
    """Run one statement and commit."""
    with psycopg2.connect(url) as link, link.cursor() as cursor:
        cursor.execute(sql)
    link.close()


@contextmanager
def frozen(pid: int | None) -> Iterator[None]:
    """Stop a process without ending it."""
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def median_s(site: Site, path: str = PAGE) -> float:
    """How long a page usually takes."""
    took = []
    for _ in range(LOOKS):
        began = time.monotonic()
        status, _text = site.get(path)
        took.append(time.monotonic() - began)
        assert status == 200
    return statistics.median(took)


def probe(site: Site, path: str) -> tuple[int, str]:
    """Ask on a connection of its own."""
    address = f"http://127.0.0.1:{site.port}{path}"
    request = urllib.request.Request(address, headers={"Cookie": site.cookie})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read().decode()


def test_two_hundred_slow_clients_do_not_slow_a_page(patient: Site) -> None:
    quiet_s = median_s(patient)
    with slow_clients(patient.port) as clients:
        two_hundred(clients, EXPORT, patient.cookie)
        patient.get(PAGE)  # which waits for the beginnings of the fifty files
        crowded_s = median_s(patient)
        assert clients.open_count() == 200
    quiet_s = max(quiet_s, median_s(patient))
    assert crowded_s < 5 * quiet_s + within(0.05)


@pytest.mark.parametrize("kind", ["silent", "header", "body", "reader"])
def test_a_slow_client_is_hung_up_on(database: dict[str, str], tmp_path: Path, kind: str) -> None:
    with served(tmp_path, database, **IMPATIENT) as site, slow_clients(site.port) as clients:
        beginnings = {
            "silent": (SILENT, b""),
            "header": (SLOW_HEADER, b"x"),
            "body": (SLOW_BODY, b"x"),
            "reader": (slow_reader(EXPORT, site.cookie), b""),
        }
        beginning, drip = beginnings[kind]
        clients.open(3, beginning, drip=drip)
        if drip:
            clients.begin_dripping()
        wait_until(lambda: clients.open_count() == 0, timeout_s=40, every_s=0.2)
        assert site.get(PAGE)[0] == 200


def test_a_crowd_drives_out_those_who_wait_longest(
    database: dict[str, str], tmp_path: Path
) -> None:
    with (
        served(tmp_path, database, WEB_CONNECTIONS="50") as site,
        slow_clients(site.port) as clients,
    ):
        clients.open(150, SLOW_HEADER)
        assert site.get(PAGE)[0] == 200
        assert clients.open_count() < 60


def test_probes_answer_while_every_request_is_stuck(
    patient: Site, database: dict[str, str]
) -> None:
    with psycopg2.connect(database["DATABASE_URL"]) as link, link.cursor() as cursor:
        cursor.execute("LOCK TABLE user_session")  # every page asks it first
        visitors = [threading.Thread(target=probe, args=(patient, PAGE)) for _ in range(20)]
        for visitor in visitors:
            visitor.start()
        cursor.execute("SELECT pg_sleep(0.5)")
        assert any(visitor.is_alive() for visitor in visitors)
        assert probe(patient, "/livez") == (200, "ok\n")
        assert probe(patient, "/healthz") == (200, "ok\n")
        wait_until(lambda: probe(patient, "/readyz")[0] == 200, timeout_s=20)
        assert any(visitor.is_alive() for visitor in visitors)
    link.close()
    for visitor in visitors:
        visitor.join()


def test_a_frozen_database_makes_the_process_unready_but_leaves_it_alive(
    own_servers: TestServers, tmp_path: Path
) -> None:
    with fresh_database(own_servers) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        patch.setenv("REDIS_URL", own_servers.redis.url)
        with web_server(tmp_path / "web.log") as address:
            site = Site(int(address.rpartition(":")[2]), psutil.Process())
            wait_until(lambda: probe(site, "/readyz")[0] == 200, timeout_s=20)
            with frozen(own_servers.postgres.pid):
                wait_until(lambda: probe(site, "/readyz")[0] == 503, timeout_s=20)
                said = json.loads(probe(site, "/readyz")[1])
                assert said == {"ready": False, "reasons": ["PostgreSQL does not answer."]}
                assert probe(site, "/livez") == (200, "ok\n")
            wait_until(lambda: probe(site, "/readyz")[0] == 200, timeout_s=20)
