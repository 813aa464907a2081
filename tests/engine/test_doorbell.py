"""Redis is no record: what is lost there is rung again, what does not belong there claims nothing."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis

from tasks import enqueue, enqueue_in_transaction, enqueue_many
from tasks.engine import database
from tasks.engine.complaint import redis_away
from tasks.engine.intake.doorbell import Doorbell
from tasks.engine.queries.lines import Line
from tasks.engine.store import due
from tasks.engine.store.due import Ring
from tasks.engine.task import new_id
from tests.engine import jobs, rows
from tests.engine.stage import Stage
from tests.waiting import wait_until

LINE = Line("default", 1, 1, None, None, False)
MANY = 3000
# PostgreSQL has to be up for a while before a queued job counts as overheard: upkeep.SETTLING_S.
SETTLING_S = 10


@pytest.fixture
def bell(empty_stage: Stage) -> Iterator[Doorbell]:
    client = empty_stage.redis()
    yield Doorbell(client, empty_stage.prefix)
    client.close()


def junk(stage: Stage, client: redis.Redis) -> dict[str, float]:
    """What may stand in a queue of Redis although it is no queued job, with its score."""
    ended = [rows.a_job(stage, state) for state in ("completed", "cancelled")]
    later = rows.a_job(stage, "scheduled", run_at="now() + interval '1 hour'")
    members = [
        "",
        "junk",
        "\x00\xff",
        "x" * 10_000,
        new_id().upper(),
        *ended,
        later,
        new_id(),
        str(uuid4()),
    ]
    found: dict[str, float] = dict.fromkeys(members, -1000.0)
    client.zadd(stage.key(), found)
    client.zadd(stage.key(), {b"\xff\xfe": float("-inf")})
    return found


def test_a_bell_is_heard_by_priority_and_then_by_age(bell: Doorbell) -> None:
    early, middle, late = new_id(), new_id(), new_id()
    bell.ring([Ring("default", 5, late), Ring("default", 5, early), Ring("default", 9, middle)])

    assert bell.pop(2, [LINE]) == [middle, early]
    assert bell.pop(2, [LINE]) == [late]
    assert bell.pop(2, [LINE]) == []


def test_ringing_twice_keeps_the_place(bell: Doorbell) -> None:
    id_ = new_id()
    bell.ring([Ring("default", 5, id_)])
    bell.ring([Ring("default", 9, id_)])

    assert bell.waiting("default") == 1
    assert bell.pop(5, [LINE]) == [id_]


def test_a_popped_job_that_is_not_to_start_counts_for_no_rate_limit(bell: Doorbell) -> None:
    limited = Line("default", 1, 1, 1, 60.0, False)
    held, other = Ring("default", 5, new_id()), Ring("default", 0, new_id())
    bell.ring([held, other])
    assert bell.pop(2, [limited]) == [held.id]

    bell.forget([held])

    assert bell.pop(2, [limited]) == [other.id]


def test_junk_is_not_taken_for_a_job(empty_stage: Stage, bell: Doorbell) -> None:
    with empty_stage.redis() as client:
        known = junk(empty_stage, client)

    popped = bell.pop(100, [LINE])

    assert all(len(id_) == 36 for id_ in popped)
    assert set(popped) <= set(known)
    assert bell.wait([LINE], timeout_s=0.01) is None


def test_a_waiting_consumer_hears_a_bell_and_no_junk(empty_stage: Stage, bell: Doorbell) -> None:
    with empty_stage.redis() as client:
        client.zadd(empty_stage.key(), {"junk": -10})
    id_ = new_id()
    bell.ring([Ring("default", 3, id_)])

    assert bell.wait([LINE], timeout_s=1) is None
    assert bell.wait([LINE], timeout_s=1) == Ring("default", 3, id_)


def test_a_bell_is_heard_whatever_its_score(empty_stage: Stage, bell: Doorbell) -> None:
    for score in (float("inf"), float("-inf"), 1e300, 0.5):
        id_ = new_id()
        with empty_stage.redis() as client:
            client.zadd(empty_stage.key(), {id_: score})

        heard = bell.wait([LINE], timeout_s=1)

        assert heard is not None
        assert heard.id == id_
        bell.ring([heard])  # as a consumer does that is about to end
        assert bell.pop(1, [LINE]) == [id_]


def test_a_rate_is_kept_by_all_who_pop_together(empty_stage: Stage, bell: Doorbell) -> None:
    limited = LINE._replace(rate_limit=3, rate_period_s=60)
    bell.ring([Ring("default", 0, new_id()) for _ in range(10)])
    with empty_stage.redis() as client:
        other = Doorbell(client, empty_stage.prefix)
        popped = bell.pop(2, [limited]) + other.pop(5, [limited]) + bell.pop(5, [limited])

    assert len(popped) == 3
    assert bell.waiting("default") == 7


def test_an_empty_line_does_not_keep_the_next_from_being_served(bell: Doorbell) -> None:
    id_ = new_id()
    bell.ring([Ring("reports", 0, id_)])

    assert bell.pop(3, [LINE, LINE._replace(name="reports")]) == [id_]
    assert bell.pop(3, []) == []


def test_the_loss_of_memory_is_told_once(empty_stage: Stage, bell: Doorbell) -> None:
    with empty_stage.redis() as client:
        client.delete(f"{empty_stage.prefix}:memory")

    assert bell.has_lost_its_memory()
    assert not bell.has_lost_its_memory()


def test_only_old_heads_of_line_are_rung_again(empty_stage: Stage) -> None:
    old = "now() - interval '1 min'"
    overdue = [rows.a_job(empty_stage, queued_at=old), rows.a_job(empty_stage, queued_at=old)]
    rows.a_job(empty_stage)
    rows.a_job(empty_stage, "running", queued_at=old)
    rows.a_job(empty_stage, "scheduled", queued_at=old)

    with database.connection() as link, link.cursor() as cursor:
        rung = due.overdue(cursor, grace_s=5, settling_s=0)
        assert [ring.id for ring in rung] == overdue
        assert due.overdue(cursor, grace_s=5, settling_s=10**6) == []


def test_every_queued_job_can_be_rung_in_order(empty_stage: Stage) -> None:
    low = rows.a_job(empty_stage, priority="-1")
    high = [rows.a_job(empty_stage, priority="7") for _ in range(3)]
    rows.a_job(empty_stage, "scheduled")

    with database.connection() as link:
        chunks = list(due.all_queued(link, chunk=2))

    assert [len(chunk) for chunk in chunks] == [2, 2]
    assert [ring.id for chunk in chunks for ring in chunk] == [*high, low]


def test_whatever_happens_to_redis_every_job_runs_once(empty_stage: Stage) -> None:
    """Junk at first, a flush in the middle, one bell lost, one never rung."""
    stage = empty_stage
    with stage.redis() as client, stage.consumer(ring_grace_s=0.5) as consumer:
        consumer.wait_ready()
        junk(stage, client)
        enqueue_many(jobs.nothing, [()] * MANY)
        wait_until(lambda: stage.count("state = 'completed'") > 100, every_s=0.005)
        client.flushall()
        assert stage.count("state = 'queued'") > 0
        wait_until(lambda: not stage.count("state = 'queued'"), timeout_s=15)
        stage.wait_for_state(lost_bell(stage, client), "completed", timeout_s=SETTLING_S + 5)
        stage.wait_for_state(silent(stage), "completed", timeout_s=5)
        assert consumer.stop() == 0

    assert stage.count("state = 'completed' AND attempt = 1") == MANY + 2
    assert stage.count("attempt > 1") == 0
    assert "Traceback" not in consumer.log
    assert "Redis had lost its memory; all queued jobs were rung again." in consumer.log


def lost_bell(stage: Stage, client: redis.Redis) -> str:
    """The id of a job whose bell was lost before anybody heard it."""
    id_ = rows.a_job(stage)
    client.zrem(stage.key(), id_)
    return id_


def silent(stage: Stage) -> str:
    """The id of a job of a transaction that nobody rang for."""
    with database.connection() as link:
        return str(enqueue_in_transaction(link, jobs.nothing).id)


def test_ringing_without_redis_is_only_a_complaint(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    redis_away._next_at = 0.0
    with stage.here(redis_url="redis://127.0.0.1:1/0"):
        made = [enqueue(jobs.nothing) for _ in range(3)]

    assert all(stage.job(job.id)["state"] == "queued" for job in made)
    complaints = [line for line in caplog.messages if "Redis is away" in line]
    assert len(complaints) == 1


def test_a_bell_whose_connection_broke_is_rung_again(empty_stage: Stage, bell: Doorbell) -> None:
    ids = [new_id() for _ in range(3)]
    bell.ring([Ring("default", 0, ids[0])])
    with empty_stage.redis() as client:
        client.client_kill_filter(_type="normal", skipme=True)

    for id_ in ids[1:]:  # the first of these goes into the void, the second one's answer is missed
        bell.ring([Ring("default", 0, id_)])

    wait_until(lambda: set(empty_stage.rung()) == set(ids), timeout_s=2)


def test_a_bell_that_is_refused_is_told_with_the_next(empty_stage: Stage, bell: Doorbell) -> None:
    bell.ring([Ring("default", 0, new_id())])
    with empty_stage.redis() as client:
        client.delete(empty_stage.key())
        client.set(empty_stage.key(), "no sorted set")
        bell.ring([Ring("default", 0, new_id())])
        with pytest.raises(redis.ResponseError):
            bell.ring([Ring("default", 0, new_id())])
        client.delete(empty_stage.key())

    bell.ring([Ring("default", 0, new_id())])

    assert len(empty_stage.rung()) == 1
