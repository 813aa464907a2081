"""Starting, stopping and killing the whole product."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time

import psycopg2
import pytest
import redis

from launch.processes import first_of
from launch.supervisor import pause_after
from mahaam.config import PROJECT_DIR
from tests.launch.running_product import Product, is_alive
from tests.machine import within
from tests.waiting import wait_until

URLS = (
    "from config import get_settings as s;"
    " print(s().database_url, s().migration_database_url, s().redis_url)"
)


def test_it_starts_stops_and_starts_again_with_its_data(new_product: Product) -> None:
    product = new_product
    product.start()
    assert status_of(product, "/admin/") in (200, 302)
    assert in_another_shell(product, URLS).stdout.split() == list(servers_of(product).values())
    leave_marks(product)

    code, words = product.refused(PORT="1")
    assert (code, "already runs here" in words) == (1, True), words

    assert product.stop(signal.SIGINT) == 0, product.output
    assert product.survivors() == []
    assert "start `make run`, or set DATABASE_URL" in in_another_shell(product, URLS).stderr

    product.start()
    assert marks(product) == ("kept", b"kept")
    assert product.stop() == 0, product.output
    assert product.survivors() == []


def test_it_starts_again_after_a_kill_of_everything(product: Product) -> None:
    product.start()
    leave_marks(product)
    time.sleep(1.1)  # Redis writes its log to disk every second
    product.kill_everything()
    assert (product.var_path / "postgres" / "postmaster.pid").exists()

    product.start()

    assert marks(product) == ("kept", b"kept")
    assert product.stop() == 0, product.output


def test_a_killed_launcher_takes_web_and_consumer_with_it(product: Product) -> None:
    product.start()
    everything = product.processes()
    of_servers = [p for p in everything if p.name() in ("postgres", "valkey-server")]
    others = [p for p in everything if p not in of_servers]
    servers = first_of(of_servers)
    os.kill(product.launcher.pid, signal.SIGKILL)
    product.launcher.wait()

    wait_until(lambda: not any(map(is_alive, others)))
    # The servers stay until the next launcher, so that the consumer could release its jobs.
    assert all(map(is_alive, servers))
    product.start()
    assert not any(map(is_alive, servers))
    assert product.stop() == 0, product.output
    assert product.survivors() == []


def test_consumers_that_are_killed_again_and_again_leave_console_and_servers_alone(
    product: Product,
) -> None:
    product.start()
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGKILL):
        wait_until(lambda: bool(product.processes_with("huey_consumer.py")), timeout_s=within(30))
        killed = product.process("huey_consumer.py")
        killed.send_signal(number)
        wait_until(lambda gone=killed: not is_alive(gone), timeout_s=within(30))  # type: ignore[misc]

    wait_until(lambda: product.output.count("is started again") == 4, timeout_s=within(10))
    assert "The consumer ended (signal 9) and is started again." in product.output
    assert "the next one starts in 4 s" in product.output
    assert status_of(product, "/admin/") in (200, 302)
    assert product.stop() == 0, product.output  # also in the middle of a pause
    assert product.survivors() == []


@pytest.mark.parametrize(
    ("lives", "pause_s"), [(0, 1), (1, 1), (2, 2), (4, 8), (50, 30), (5000, 30)]
)
def test_the_pause_grows_with_short_lives(lives: int, pause_s: float) -> None:
    assert pause_after(lives) == pause_s


def test_when_the_web_ends_everything_stops(product: Product) -> None:
    product.start()
    product.process("gunicorn").kill()

    assert product.wait_for_end() == 1
    assert "The web ended by itself (signal 9)" in product.output
    assert product.survivors() == []


def test_only_what_is_not_given_is_started_and_its_end_stops_everything(
    new_product: Product, database_url: str
) -> None:
    product = new_product
    product.start(DATABASE_URL=database_url)
    assert not (product.var_path / "postgres").exists()
    assert "database_url" not in servers_of(product)

    product.process("valkey-server").kill()

    assert product.wait_for_end() == 1
    assert "Redis ended by itself" in product.output
    assert product.survivors() == []


def status_of(product: Product, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def servers_of(product: Product) -> dict[str, str]:
    servers = json.loads((product.var_path / "servers.json").read_text("utf-8"))
    return {name: url for name, url in servers.items() if name.endswith("_url")}


def leave_marks(product: Product) -> None:
    """Write something into both servers that a restart must keep."""
    urls = servers_of(product)
    run_sql(urls["migration_database_url"], "CREATE TABLE mark AS SELECT 'kept' AS word")
    with redis.Redis.from_url(urls["redis_url"]) as client:
        client.set("mark", "kept")


def marks(product: Product) -> tuple[object, object]:
    urls = servers_of(product)
    with redis.Redis.from_url(urls["redis_url"]) as client:
        return run_sql(urls["migration_database_url"], "SELECT word FROM mark"), client.get("mark")


def run_sql(url: str, sql: str) -> object:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None
    finally:
        connection.close()


def in_another_shell(product: Product, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_DIR,
        env=os.environ | {"VAR_DIR": str(product.var_path)},
        capture_output=True,
        text=True,
    )
