"""A consumer's own connection: quiet while PostgreSQL answers, open again after it did not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing

import gevent
import psycopg2.extensions
import pytest
from psycogreen.gevent import patch_psycopg

from mahaam.postgres.database import Cursor
from mahaam.postgres.reconnecting import ConnectionBroken, ReconnectingConnection
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

TIMEOUT_S = 2.0
SLEEP_S = 0.25
OURS = """
SELECT pid FROM pg_stat_activity
WHERE application_name = 'mahaam test' AND datname = current_database()
"""


@pytest.fixture
def link(stage: Stage) -> Iterator[ReconnectingConnection]:
    """A link that waits as one in a consumer does: other greenlets run meanwhile."""
    patch_psycopg()
    try:
        with closing(ReconnectingConnection("mahaam test", timeout_s=TIMEOUT_S)) as link:
            yield link
    finally:
        psycopg2.extensions.set_wait_callback(None)
        # What nobody waits for any more ends in PostgreSQL, too.
        wait_until(lambda: not stage.ask(OURS), timeout_s=20)


def backend(cursor: Cursor) -> int:
    cursor.execute("SELECT pg_backend_pid()")
    return int(cursor.fetchone()[0])


def a_while(cursor: Cursor) -> None:
    cursor.execute("SELECT pg_sleep(%s)", (SLEEP_S,))


def too_long(cursor: Cursor) -> None:
    cursor.execute("SELECT pg_sleep(3600)")


def test_statements_that_add_up_to_more_than_the_time_out_are_no_fault(
    link: ReconnectingConnection, caplog: pytest.LogCaptureFixture
) -> None:
    before = link.run(backend)
    for _ in range(int(1.5 * TIMEOUT_S / SLEEP_S)):
        link.run(a_while)
    assert link.run(backend) == before
    assert caplog.messages == []


def test_a_statement_that_takes_longer_than_the_time_out_is_ended_in_postgresql_and_said(
    stage: Stage, link: ReconnectingConnection, caplog: pytest.LogCaptureFixture
) -> None:
    before = link.run(backend)
    with pytest.raises(ConnectionBroken):
        link.run(too_long)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert link.run(backend) != before
    assert stage.ask(f"{OURS} AND state = 'active'") == []


def test_the_time_limit_of_somebody_else_is_his_and_not_a_fault_of_postgresql(
    link: ReconnectingConnection, caplog: pytest.LogCaptureFixture
) -> None:
    link.run(backend)
    with pytest.raises(gevent.Timeout) as raised, gevent.Timeout(SLEEP_S) as his:
        link.run(too_long)
    assert raised.value is his
    assert caplog.messages == []
    link.run(backend)
