"""Jobs that exist if, and only if, the caller's own transaction is committed."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from mahaam import enqueue_in_transaction
from mahaam.core.errors import ArgumentNotStorable, OptionNotValid, UnknownQueue
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage


@pytest.fixture
def session(empty_stage: Stage) -> Iterator[Session]:
    """A session of an application's own."""
    url = empty_stage.database_url.replace("postgresql://", "postgresql+psycopg2://", 1)
    engine = create_engine(url)
    with Session(engine) as session:
        yield session
    engine.dispose()


def test_a_job_is_there_and_rung_after_the_commit(empty_stage: Stage, session: Session) -> None:
    made = enqueue_in_transaction(session, jobs.add, (1, 2))
    assert (empty_stage.count(), len(empty_stage.rung())) == (0, 0)

    session.commit()

    assert empty_stage.job(made.id)["args"] == [1, 2]
    assert len(empty_stage.rung()) == 1


def test_several_jobs_of_one_transaction_are_all_rung(empty_stage: Stage, session: Session) -> None:
    for number in range(3):
        enqueue_in_transaction(session, jobs.add, (number, 2))

    session.commit()

    assert (empty_stage.count(), len(empty_stage.rung())) == (3, 3)


def test_after_a_rollback_there_is_no_job(empty_stage: Stage, session: Session) -> None:
    enqueue_in_transaction(session, jobs.nothing)

    session.rollback()

    assert empty_stage.count() == 0


def test_the_next_transaction_of_a_session_is_its_own(empty_stage: Stage, session: Session) -> None:
    enqueue_in_transaction(session, jobs.nothing)
    session.rollback()
    kept = enqueue_in_transaction(session, jobs.nothing)
    session.commit()
    session.execute(text("SELECT 1"))
    session.commit()

    assert [row["id"] for row in empty_stage.ask("SELECT id::text FROM job")] == [str(kept.id)]


def test_a_savepoint_that_is_rolled_back_takes_its_job_along(
    empty_stage: Stage, session: Session
) -> None:
    kept = enqueue_in_transaction(session, jobs.nothing)
    savepoint = session.begin_nested()
    enqueue_in_transaction(session, jobs.nothing)
    savepoint.rollback()
    session.commit()

    assert [row["id"] for row in empty_stage.ask("SELECT id::text FROM job")] == [str(kept.id)]


def test_a_job_of_a_savepoint_waits_for_the_outer_commit(
    empty_stage: Stage, session: Session
) -> None:
    with session.begin_nested():
        made = enqueue_in_transaction(session, jobs.nothing)
    assert (empty_stage.count(), len(empty_stage.rung())) == (0, 0)

    session.commit()

    assert empty_stage.job(made.id)["state"] == "queued"
    assert len(empty_stage.rung()) == 1


def test_a_scoped_session_will_do(empty_stage: Stage, session: Session) -> None:
    scoped = scoped_session(sessionmaker(session.bind))
    enqueue_in_transaction(scoped, jobs.nothing)
    scoped.commit()
    scoped.remove()

    assert (empty_stage.count(), len(empty_stage.rung())) == (1, 1)


def test_a_dedupe_key_holds_within_the_transaction(empty_stage: Stage, session: Session) -> None:
    first = enqueue_in_transaction(session, jobs.nothing, dedupe_key="k")
    second = enqueue_in_transaction(session, jobs.nothing, dedupe_key="k")
    session.commit()

    assert (second.id, second.deduplicated) == (first.id, True)
    assert empty_stage.count() == 1


def test_a_refusal_leaves_the_transaction_alone(empty_stage: Stage, session: Session) -> None:
    session.execute(text("INSERT INTO queue (name) VALUES ('mine')"))
    for options, fault in (
        ({"args": (object(),)}, ArgumentNotStorable),
        ({"priority": True}, OptionNotValid),
        ({"queue": "nowhere"}, UnknownQueue),
    ):
        with pytest.raises(fault):
            enqueue_in_transaction(session, jobs.nothing, **options)
    session.commit()

    assert empty_stage.ask("SELECT name FROM queue WHERE name = 'mine'")
    assert empty_stage.count() == 0


def test_a_plain_connection_decides_too(empty_stage: Stage) -> None:
    link = psycopg2.connect(empty_stage.database_url)
    enqueue_in_transaction(link, jobs.nothing)
    link.rollback()
    enqueue_in_transaction(link, jobs.add, (1, 2))
    assert empty_stage.count() == 0
    link.commit()
    link.close()

    assert empty_stage.count("args = '[1, 2]' AND state = 'queued'") == 1
