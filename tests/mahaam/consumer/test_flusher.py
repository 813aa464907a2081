"""The flusher: what it confirms, and what the dispatcher may forget because of that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest

from mahaam.consumer.cycle import flusher
from mahaam.consumer.cycle.flusher import Flusher, FlushMark
from mahaam.consumer.cycle.unflushed import Unflushed
from mahaam.jobs.states import State
from mahaam.postgres import database
from tests.mahaam import rows
from tests.mahaam.stage import Stage


@pytest.fixture
def flushing(empty_stage: Stage) -> Any:
    """A flusher without its loop; its connection is closed at the end."""
    made = Flusher()
    yield made
    made._link.close()


def here() -> datetime | None:
    return database.repeatable(flusher.server)


def test_a_flush_waits_for_what_others_have_written_to_be_on_disk(
    empty_stage: Stage, flushing: Flusher
) -> None:
    with psycopg2.connect(empty_stage.database_url) as link, link.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("INSERT INTO queue (name) VALUES ('asynchronous') ON CONFLICT DO NOTHING")
        link.commit()
        cursor.execute("SELECT pg_current_wal_insert_lsn()::text")
        row = cursor.fetchone()
    link.close()
    assert row is not None

    assert flushing.flush(FlushMark(1, here(), 7))

    assert flushing.confirmed == FlushMark(1, here(), 7)
    (answer,) = empty_stage.ask(
        "SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn AS is_on_disk", *row
    )
    assert answer["is_on_disk"]


def test_a_flush_says_nothing_about_another_server(empty_stage: Stage, flushing: Flusher) -> None:
    assert not flushing.flush(FlushMark(1, datetime(2000, 1, 1, tzinfo=UTC), 7))
    assert flushing.confirmed is None


def test_only_one_flush_is_asked_for_at_a_time(flushing: Flusher) -> None:
    assert flushing.ask(FlushMark(1, None, 1))
    assert not flushing.ask(FlushMark(1, None, 2))


def completions(stage: Stage, count: int) -> list[Any]:
    claims = (rows.claim_of(stage, rows.a_job(stage, "running")) for _ in range(count))
    return [rows.ended(claim, State.COMPLETED) for claim in claims]


def test_what_was_written_after_the_mark_is_kept(empty_stage: Stage) -> None:
    first, second = completions(empty_stage, 3), completions(empty_stage, 2)
    kept = Unflushed()
    kept.add(first)
    mark = kept.written
    kept.add(second)

    assert kept.forget(mark)

    assert kept.pairs == second
    assert not kept.forget(mark)
    assert kept.pairs == second


def test_a_mark_from_before_a_flushed_turn_forgets_nothing_that_came_later(
    empty_stage: Stage,
) -> None:
    kept = Unflushed()
    kept.add(completions(empty_stage, 3))
    mark = kept.written
    kept.add(completions(empty_stage, 2))
    kept.clear()
    later = completions(empty_stage, 1)
    kept.add(later)

    assert not kept.forget(mark)

    assert kept.pairs == later
