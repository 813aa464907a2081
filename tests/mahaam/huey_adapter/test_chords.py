"""Chords and pipelines: whatever becomes of a member, the callback is there once and hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from huey.api import ChordResult, Task, chord, group
from huey.exceptions import ResultTimeout
from huey.utils import SKIPPED, Error

from mahaam import huey, verbs
from mahaam.core.errors import ArgumentNotStorable
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.store import chords
from tests.machine import within
from tests.mahaam import tasks as jobs
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.stage import Stage

PATIENCE_S = 10


@pytest.fixture(scope="module")
def consumer(stage: Stage) -> Iterator[Consumer]:
    with stage.consumer() as consumer:
        yield consumer


def brought(members: list[Any], **more: Any) -> list[Any]:
    """What the callback of a chord of `members` was called with."""
    result = huey.enqueue(chord(members, jobs.echo.s(**more)))
    args, _ = result.get(blocking=True, timeout=within(PATIENCE_S))
    (values,) = args
    return list(values)


def callbacks(stage: Stage, result: ChordResult) -> int:
    """How many jobs there are that the chord's callback could be."""
    return stage.count(f"task = 'tests.mahaam.tasks.echo' AND id >= '{result.callback.id}'")


@pytest.mark.usefixtures("consumer")
def test_a_callback_gets_the_results_in_the_order_of_the_members() -> None:
    assert brought([jobs.add.s(place, 1) for place in range(5)]) == [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("consumer")
def test_a_callback_keeps_its_own_arguments_and_its_pipeline() -> None:
    callback = jobs.echo.s("first", named=1).then(jobs.echo, "second")

    result = huey.enqueue(group([jobs.add.s(1, 2)]).then(callback))
    first, second = result.pipeline_results.get(blocking=True, timeout=within(PATIENCE_S))

    assert first == [["first", [3]], {"named": 1}]
    assert second == [["second", first], {}]


def expired() -> Task:
    return jobs.add.s(1, 1, expires=datetime(2001, 1, 1, tzinfo=UTC))


def revoked() -> Task:
    member = jobs.add.s(1, 1)
    huey.revoke(member)
    return member


LOST: dict[str, Callable[[], Task]] = {
    "expired": expired,
    "revoked": revoked,
    "revoked at the head of a pipeline": lambda: revoked().then(jobs.add, 1),
    "vetoed by a hook": lambda: jobs.echo.s(veto=True),
    "expired at the head of a pipeline": lambda: expired().then(jobs.add, 1),
}


@pytest.mark.usefixtures("consumer")
@pytest.mark.parametrize("how", LOST)
def test_a_member_that_does_not_run_is_skipped(how: str) -> None:
    assert brought([jobs.add.s(1, 2), LOST[how]()]) == [3, SKIPPED]


@pytest.mark.usefixtures("consumer")
def test_a_member_that_an_operator_cancels_is_skipped() -> None:
    member = jobs.add.s(1, 1, delay=3600).then(jobs.nothing)
    result = huey.enqueue(chord([jobs.add.s(1, 2), member], jobs.echo.s()))

    verbs.apply("cancel", [UUID(member.id)], by="test")

    assert result.get(blocking=True, timeout=within(PATIENCE_S)) == [[[3, SKIPPED]], {}]


FAILING: dict[str, Callable[[], Task]] = {
    "at once": jobs.fall.s,
    "after its retries": lambda: jobs.fall_in_turn.s(retries=1, retry_delay=0.01),
    "cancelled by itself": lambda: jobs.cancel_itself.s(retry=False),
    "in the middle of a pipeline": lambda: jobs.add.s(1, 2).then(jobs.fall).then(jobs.nothing),
}


@pytest.mark.usefixtures("consumer")
@pytest.mark.parametrize("how", FAILING)
def test_a_member_that_fails_brings_its_error(how: str) -> None:
    good, bad = brought([jobs.add.s(1, 2), FAILING[how]()])

    assert good == 3
    assert isinstance(bad, Error)
    assert "Traceback" in bad.metadata["traceback"]


@pytest.mark.usefixtures("consumer")
def test_a_pipeline_brings_what_its_last_task_returned() -> None:
    pipeline = jobs.add.s(1, 2).then(jobs.add, 10).then(jobs.add, 100)

    assert brought([pipeline, jobs.add.s(0, 1)]) == [113, 1]


@pytest.mark.usefixtures("consumer")
def test_a_chord_may_be_a_member_of_a_chord() -> None:
    inner = chord([jobs.add.s(1, 1), jobs.add.s(2, 2)], jobs.echo.s("inner").then(jobs.echo, "end"))

    assert brought([inner, jobs.add.s(5, 5)]) == [
        [["end", [["inner", [2, 4]], {}]], {}],
        10,
    ]


@pytest.mark.usefixtures("consumer")
def test_a_chord_without_members_calls_back_with_an_empty_list() -> None:
    assert brought([]) == []


def test_a_group_cannot_be_a_member(stage: Stage) -> None:
    before = stage.count()

    with pytest.raises(ValueError, match="make it a chord"):
        huey.enqueue(chord([group([jobs.nothing.s()])], jobs.nothing.s()))

    assert stage.count() == before


def test_a_chord_is_accepted_whole_or_not_at_all(stage: Stage) -> None:
    before = stage.count()

    with pytest.raises(ArgumentNotStorable):
        huey.enqueue(chord([jobs.nothing.s(), jobs.nothing.s(object())], jobs.nothing.s()))

    assert stage.count() == before
    assert stage.ask("SELECT id FROM chord WHERE fired_at IS NULL") == []


@pytest.mark.usefixtures("consumer")
def test_a_member_that_is_rescheduled_keeps_its_place() -> None:
    result = huey.enqueue(chord([jobs.add.s(1, 1, delay=1)], jobs.echo.s()))
    (member,) = result.results
    with pytest.raises(ResultTimeout):
        result.get(blocking=True, timeout=0.2)

    member.reschedule(delay=0)

    assert result.get(blocking=True, timeout=within(PATIENCE_S)) == [[[2]], {}]


@pytest.mark.usefixtures("consumer")
def test_a_member_that_ends_twice_calls_back_once(stage: Stage) -> None:
    result = huey.enqueue(chord([jobs.add.s(1, 1), jobs.fall.s()], jobs.echo.s()))
    result.get(blocking=True, timeout=within(PATIENCE_S))
    again = [UUID(member.id) for member in result.results]

    assert len(verbs.apply("retry", again, by="test").done) == 2
    stage.wait_for_ends()

    assert callbacks(stage, result) == 1


@pytest.mark.usefixtures("consumer")
def test_a_retried_job_has_its_pipeline_run_again(stage: Stage) -> None:
    first, second = huey.enqueue(jobs.add.s(1, 2).then(jobs.echo))
    second.get(blocking=True, timeout=within(PATIENCE_S))

    verbs.apply("retry", [UUID(first.id)], by="test")
    stage.wait_for_ends()

    assert stage.count(f"parent_id = '{first.id}' AND state = 'completed'") == 2


@pytest.fixture
def cursor(stage: Stage) -> Iterator[Cursor]:
    with database.transaction() as cursor:
        yield cursor


def test_a_chord_is_forgotten_a_month_after_it_fired(stage: Stage, cursor: Cursor) -> None:
    stage.ask("DELETE FROM chord")
    huey.enqueue(chord([jobs.add.s(1, 1)], jobs.echo.s()))
    stage.ask("UPDATE chord SET arrived = 1, fired_at = now() - interval '31 days'")
    old = stage.ask("SELECT id FROM chord")
    new = huey.enqueue(chord([jobs.add.s(1, 1)], jobs.echo.s()))

    chords.prune(cursor)
    cursor.execute("COMMIT")

    assert len(old) == 1
    assert stage.ask("SELECT callback_id::text AS id FROM chord") == [{"id": new.callback.id}]
    assert len(stage.ask("SELECT job_id FROM chord_member")) == 1
