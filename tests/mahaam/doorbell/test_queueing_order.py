"""Among equal priorities the time of queueing decides, by PostgreSQL's clock: in Redis and in every list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from typing import Any
from uuid import UUID

import psycopg2
import pytest
import uuid_utils
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from mahaam import enqueue, enqueue_in_transaction, enqueue_many, huey, verbs
from mahaam.core.ids import id_at
from mahaam.enqueuing import accept, after_commit
from mahaam.huey_adapter.inline_worker import hand
from mahaam.jobs.states import State
from mahaam.postgres import database
from mahaam.queries import notices, waiting
from mahaam.store import due, outcomes
from mahaam.store.actions import pauses
from mahaam.workers import store as workers_store
from tests.mahaam import huey_jobs, rows
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage

TWO_HOURS = timedelta(hours=2)


@pytest.fixture(autouse=True)
def _fresh(empty_stage: Stage) -> Iterator[None]:
    yield
    hand().close()


def in_redis(stage: Stage) -> list[str]:
    """Ids in the order in which consumers get them."""
    return list(stage.rung())


def in_lists() -> list[list[str]]:
    """Ids in the order of what is next, and of what is looked for in Redis."""
    expected = partial(notices.expected, queue="default", grace_s=-1, limit=100)
    return [
        database.repeatable(partial(waiting.next_ids, limit=100, paused=True)),
        [ring.id for ring in database.repeatable(expected)],
    ]


def made(stage: Stage) -> list[str]:
    """Ids in the order in which PostgreSQL queued them; each had a transaction of its own."""
    return [row["id"] for row in stage.ask("SELECT id::text FROM job ORDER BY xmin::text::bigint")]


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every new id comes from another client: with a right clock, two hours ahead, two hours behind."""
    offsets = cycle((timedelta(0), TWO_HOURS, -TWO_HOURS))
    monkeypatch.setattr(uuid_utils, "uuid7", lambda: id_at(datetime.now(UTC) + next(offsets)))


def in_a_session(stage: Stage) -> None:
    url = stage.database_url.replace("postgresql://", "postgresql+psycopg2://", 1)
    engine = create_engine(url)
    with Session(engine) as session:
        enqueue_in_transaction(session, jobs.nothing)
        session.commit()
    engine.dispose()


WAYS: dict[str, Callable[[Stage], Any]] = {
    "one": lambda _: enqueue(jobs.nothing),
    "as Huey does": lambda _: huey_jobs.plain(),
    "with options": lambda _: enqueue(jobs.nothing, tags=["a"], expires=3600),
    "with a key": lambda _: enqueue(jobs.nothing, dedupe_key=str(uuid_utils.uuid4())),
    "many": lambda _: enqueue_many(jobs.nothing, [()]),
    "in a transaction": in_a_session,
}


@pytest.mark.usefixtures("clocks")
@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_clock_neither_gains_nor_loses_a_place(empty_stage: Stage, way: str) -> None:
    for _ in range(7):
        WAYS[way](empty_stage)

    in_order = made(empty_stage)
    assert sorted(in_order) != in_order, "The ids are in order: the clocks were right."
    assert in_redis(empty_stage) == in_order
    assert in_lists() == [in_order] * 2


@pytest.mark.usefixtures("clocks")
def test_delayed_jobs_are_queued_in_the_order_of_their_times(empty_stage: Stage) -> None:
    made = [enqueue(jobs.nothing, delay=delay) for delay in (30, 10, 20, 50, 40)]
    empty_stage.ask("UPDATE job SET run_at = run_at - interval '1 minute'")

    accept.ring(database.repeatable(due.make_due))

    in_order = [str(made[place].id) for place in (1, 2, 0, 4, 3)]
    assert in_redis(empty_stage) == in_order
    assert in_lists() == [in_order] * 2


@pytest.mark.usefixtures("clocks")
def test_jobs_that_are_promoted_or_retried_together_keep_their_order(empty_stage: Stage) -> None:
    made = [enqueue(jobs.nothing, delay=60).id for _ in range(5)]

    verbs.apply("promote", reversed(made), by="ann")
    assert in_redis(empty_stage) == [str(id_) for id_ in made]

    verbs.apply("cancel", made, by="ann")
    verbs.apply("retry", reversed(made), by="ann")
    assert in_redis(empty_stage) == [str(id_) for id_ in made]


@pytest.mark.usefixtures("clocks")
def test_held_jobs_are_queued_again_in_the_order_in_which_they_came(empty_stage: Stage) -> None:
    made = [str(enqueue(jobs.nothing).id) for _ in range(5)]
    empty_stage.ask(
        "UPDATE job SET state = 'scheduled', run_at = '9999-01-01 00:00+00', queued_at = NULL"
    )

    with database.transaction() as cursor:
        rings = pauses.let_go(cursor)
    with empty_stage.redis() as client:
        client.delete(empty_stage.key())
    accept.ring(rings)

    assert in_redis(empty_stage) == made


def test_a_long_transaction_does_not_overtake_what_was_queued_before(empty_stage: Stage) -> None:
    with closing(psycopg2.connect(empty_stage.database_url)) as link:
        with link.cursor() as cursor:
            cursor.execute("SELECT now()")
        first = enqueue(jobs.nothing)
        last = enqueue_in_transaction(link, jobs.nothing)
        link.commit()

    assert in_lists() == [[str(first.id), str(last.id)]] * 2


def test_the_calls_of_one_enqueue_many_run_in_their_order_and_behind_what_waited(
    empty_stage: Stage,
) -> None:
    numbers = iter(range(1100))

    def calls() -> Iterator[tuple[int]]:
        for number in numbers:
            if number == 700:  # meanwhile, from somewhere else
                enqueue(jobs.nothing, ("meanwhile",))
            yield (number,)

    enqueue_many(jobs.nothing, calls())

    in_order = in_redis(empty_stage)
    args = {row["id"]: row["args"][0] for row in empty_stage.ask("SELECT id::text, args FROM job")}
    started = [args[id_] for id_ in in_order]
    assert [arg for arg in started if arg != "meanwhile"] == list(range(1100))
    assert started.index(0) < started.index("meanwhile") < started.index(1099)


def run_next() -> Any:
    """Run the next job by hand; its arguments."""
    task = huey.dequeue()
    assert task is not None
    huey.execute(task)
    return task.args[0] if task.args else task.name


def test_a_retry_goes_behind_what_waited_before_it(empty_stage: Stage) -> None:
    huey_jobs.fails("again")
    for word in ("one", "two"):
        huey_jobs.plain(word)

    assert [run_next() for _ in range(4)] == ["again", "one", "two", "again"]


def test_a_follow_up_goes_behind_what_waited_before_it(empty_stage: Stage) -> None:
    huey.enqueue(huey_jobs.plain.s("first").then(huey_jobs.plain.s("next", None)))
    for word in ("one", "two"):
        huey_jobs.plain(word)

    assert [run_next() for _ in range(3)] == ["first", "one", "two"]
    assert empty_stage.count("state = 'queued' AND parent_id IS NOT NULL") == 1


def released(stage: Stage, id_: str) -> None:
    """The end of its consumer gave it back."""
    claim = rows.claim_of(stage, id_)
    with database.transaction() as cursor:
        ended = rows.ended(claim, State.QUEUED)
        outcomes.end(cursor, [ended])
    after_commit.ring(accept.notice(), [ended], [])


def rescued(stage: Stage, id_: str) -> None:
    """Its consumer was killed."""
    with database.transaction() as cursor:
        _, rings = workers_store.rescue(cursor, max_crashes=5, **rows.CRASH)
    accept.ring(rings)


def retried(stage: Stage, id_: str) -> None:
    """It failed, and an operator has it run again."""
    stage.ask("UPDATE job SET state = 'failed', finished_at = now() WHERE id = %s", id_)
    verbs.apply("retry", [UUID(id_)], by="ann")


def promoted(stage: Stage, id_: str) -> None:
    """It waited for its time, and an operator does not want to wait."""
    stage.ask(
        "UPDATE job SET state = 'scheduled', run_at = now() + interval '1 h', worker_id = NULL,"
        " started_at = NULL WHERE id = %s",
        id_,
    )
    verbs.apply("promote", [UUID(id_)], by="ann")


def resumed(stage: Stage, id_: str) -> None:
    """Its task was paused."""
    stage.ask(
        "UPDATE job SET state = 'scheduled', run_at = '9999-01-01 00:00+00', worker_id = NULL,"
        " started_at = NULL, queued_at = NULL WHERE id = %s",
        id_,
    )
    with database.transaction() as cursor:
        rings = pauses.let_go(cursor)
    accept.ring(rings)


@pytest.mark.parametrize("again", [released, rescued, retried, promoted, resumed])
def test_what_is_queued_again_goes_behind_what_waited_before_it(
    empty_stage: Stage, again: Callable[[Stage, str], None]
) -> None:
    old = rows.a_job(empty_stage, "running", queued_at="now() - interval '1 h'")
    others = [str(enqueue(jobs.nothing).id) for _ in range(2)]

    again(empty_stage, old)

    assert in_redis(empty_stage) == [*others, old]
    assert in_lists() == [[*others, old]] * 2


def test_a_new_priority_and_another_queue_keep_the_time(empty_stage: Stage) -> None:
    made = [enqueue(jobs.nothing, priority=2 if n == 1 else 1).id for n in range(3)]
    moved = enqueue(jobs.nothing, queue="emails", priority=1).id
    made.append(enqueue(jobs.nothing, priority=1).id)

    verbs.apply("set_priority", [made[1]], priority=1, by="ann")
    verbs.apply("move", [moved], queue="default", by="ann")

    in_order = [str(id_) for id_ in (*made[:3], moved, made[3])]
    assert in_redis(empty_stage) == in_order
    assert in_lists() == [in_order] * 2
