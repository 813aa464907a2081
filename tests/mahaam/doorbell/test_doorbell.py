"""Redis is no record: what is lost there is rung again, what does not belong there claims nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import redis

from mahaam import enqueue, enqueue_in_transaction, enqueue_many
from mahaam.core.ids import new_id
from mahaam.core.log_throttle import redis_away
from mahaam.doorbell.doorbell import Doorbell
from mahaam.jobs.job_option import INT4
from mahaam.jobs.notice import Notice
from mahaam.postgres import database
from mahaam.queries.queue_configs import QueueConfig
from tests.mahaam import rows
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

LINE = QueueConfig("default", 1, 1, None, None, False)
MANY = 3000
# PostgreSQL has to be up for a while before a queued job counts as overheard: maintenance.SETTLING_S.
SETTLING_S = 10


@pytest.fixture
def notice(empty_stage: Stage) -> Iterator[Doorbell]:
    client = empty_stage.redis()
    yield Doorbell(client, empty_stage.prefix)
    client.close()


def a_ring(priority: int = 0, *, after_us: int = 0) -> Notice:
    """A job of the default queue, queued `after_us` after all others that this makes."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=after_us)
    return Notice("default", priority, new_id(), at)


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
    found: dict[str, float] = dict.fromkeys(members, -1e18)
    client.zadd(stage.key(), found)
    client.zadd(stage.key(), {b"\xff\xfe": float("-inf")})
    return found


def test_a_bell_is_heard_by_priority_and_then_by_age(notice: Doorbell) -> None:
    late, middle, early = a_ring(5, after_us=1), a_ring(9, after_us=2), a_ring(5)
    notice.ring([late, early, middle])

    assert notice.pop(2, [LINE]) == [middle.id, early.id]
    assert notice.pop(2, [LINE]) == [late.id]
    assert notice.pop(2, [LINE]) == []


@pytest.mark.parametrize("few", [True, False])
def test_a_priority_goes_first_whatever_the_time_and_the_time_decides_among_equals(
    notice: Doorbell, few: bool
) -> None:
    """However the ids are sorted, for all priorities that a row can have."""
    times_us = (0, 1, 10**6, 86_400 * 10**6)
    priorities = (0, 1, 3, -1, -6) if few else (0, 1, 2, 8, -7, 100, 10_000, INT4, -INT4)
    notices = [a_ring(p, after_us=us) for us in reversed(times_us) for p in priorities]
    in_order = sorted(notices, key=lambda ring: (-ring.priority, ring.queued_at))

    notice.ring(notices)

    popped = notice.pop(len(notices), [LINE])
    exact = {ring.id for ring in notices if -7 <= ring.priority <= 8}
    assert [id_ for id_ in popped if id_ in exact] == [r.id for r in in_order if r.id in exact]
    coarse = {ring.id: ring.priority for ring in notices}
    assert [coarse[id_] for id_ in popped] == [ring.priority for ring in in_order]


def test_ringing_twice_keeps_the_place(notice: Doorbell) -> None:
    ring, other = a_ring(5), a_ring(5, after_us=1)
    notice.ring([ring, other])
    notice.ring([ring._replace(priority=9)])
    notice.ring([ring])

    assert notice.waiting("default") == 2
    assert notice.pop(5, [LINE]) == [ring.id, other.id]


def test_a_job_that_was_queued_again_goes_behind_those_that_came_meanwhile(
    notice: Doorbell,
) -> None:
    """Also when its first notice was never heard."""
    ring, other = a_ring(), a_ring(after_us=1)
    notice.ring([ring, other])
    notice.ring([ring._replace(queued_at=ring.queued_at + timedelta(seconds=1))])
    notice.ring([ring])  # a late one

    assert notice.pop(5, [LINE]) == [other.id, ring.id]


def test_a_popped_job_that_is_not_to_start_counts_for_no_rate_limit(notice: Doorbell) -> None:
    limited = QueueConfig("default", 1, 1, 1, 60.0, False)
    held, other = a_ring(5), a_ring()
    notice.ring([held, other])
    assert notice.pop(2, [limited]) == [held.id]

    notice.forget([held])

    assert notice.pop(2, [limited]) == [other.id]


def test_junk_is_not_taken_for_a_job(empty_stage: Stage, notice: Doorbell) -> None:
    with empty_stage.redis() as client:
        known = junk(empty_stage, client)

    popped = notice.pop(100, [LINE])

    assert all(len(id_) == 36 for id_ in popped)
    assert set(popped) <= set(known)
    assert notice.wait([LINE], timeout_s=0.01) is None


def test_a_waiting_consumer_hears_a_bell_and_no_junk(empty_stage: Stage, notice: Doorbell) -> None:
    with empty_stage.redis() as client:
        client.zadd(empty_stage.key(), {"junk": -1e18})
    ring = a_ring(3)
    notice.ring([ring])

    assert notice.wait([LINE], timeout_s=1) is None
    heard = notice.wait([LINE], timeout_s=1)
    assert heard is not None
    assert heard[:2] == ("default", ring.id)


def test_a_bell_that_is_put_back_has_its_place(empty_stage: Stage, notice: Doorbell) -> None:
    notice.ring([a_ring(after_us=us) for us in range(3)] + [a_ring(10**6, after_us=1)])
    before = empty_stage.rung()
    heard = [notice.wait([LINE], timeout_s=1) for _ in before]

    for one in heard:
        assert one is not None
        notice.put_back(one)

    assert empty_stage.rung() == before


def test_a_bell_is_heard_whatever_its_score(empty_stage: Stage, notice: Doorbell) -> None:
    for score in (float("inf"), float("-inf"), 1e300, 0.5):
        id_ = new_id()
        with empty_stage.redis() as client:
            client.zadd(empty_stage.key(), {id_: score})

        heard = notice.wait([LINE], timeout_s=1)

        assert heard is not None
        assert heard.id == id_
        notice.put_back(heard)  # as a consumer does that is about to end
        assert notice.pop(1, [LINE]) == [id_]


def test_a_rate_is_kept_by_all_who_pop_together(empty_stage: Stage, notice: Doorbell) -> None:
    limited = LINE._replace(rate_limit=3, rate_period_s=60)
    notice.ring([a_ring() for _ in range(10)])
    with empty_stage.redis() as client:
        other = Doorbell(client, empty_stage.prefix)
        popped = notice.pop(2, [limited]) + other.pop(5, [limited]) + notice.pop(5, [limited])

    assert len(popped) == 3
    assert notice.waiting("default") == 7


def test_an_empty_line_does_not_keep_the_next_from_being_served(notice: Doorbell) -> None:
    ring = a_ring()._replace(queue="reports")
    notice.ring([ring])

    assert notice.pop(3, [LINE, LINE._replace(name="reports")]) == [ring.id]
    assert notice.pop(3, []) == []


def test_whatever_happens_to_redis_every_job_runs_once(empty_stage: Stage) -> None:
    """Junk at first, a flush in the middle, one notice lost, one never rung."""
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
    """The id of a job whose notice was lost before anybody heard it."""
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


def test_a_bell_whose_connection_broke_is_rung_again(empty_stage: Stage, notice: Doorbell) -> None:
    first, *others = (a_ring(after_us=us) for us in range(3))
    notice.ring([first])
    with empty_stage.redis() as client:
        client.client_kill_filter(_type="normal", skipme=True)

    for ring in others:  # the first of these goes into the void, the second one's answer is missed
        notice.ring([ring])

    ids = {ring.id for ring in (first, *others)}
    wait_until(lambda: set(empty_stage.rung()) == ids)


def test_a_bell_that_is_refused_is_told_with_the_next(empty_stage: Stage, notice: Doorbell) -> None:
    notice.ring([a_ring()])
    with empty_stage.redis() as client:
        client.delete(empty_stage.key())
        client.set(empty_stage.key(), "no sorted set")
        notice.ring([a_ring()])
        with pytest.raises(redis.ResponseError):
            notice.ring([a_ring()])
        client.delete(empty_stage.key())

    notice.ring([a_ring()])

    assert len(empty_stage.rung()) == 1


@pytest.mark.parametrize("limited", [False, True])
def test_a_key_of_another_kind_stops_no_queue(
    notice: Doorbell, empty_stage: Stage, limited: bool
) -> None:
    strange, other = LINE, QueueConfig("emails", 1, 1, None, None, False)
    if limited:
        strange = LINE._replace(rate_limit=5, rate_period_s=60.0)
    with empty_stage.redis() as client:
        client.delete(empty_stage.key(), f"{empty_stage.key()}:starts")
        client.set(
            f"{empty_stage.key()}:starts" if limited else empty_stage.key(), "somebody else's"
        )
    ring = a_ring()._replace(queue="emails")
    notice.ring([ring])
    heard = notice.pop(4, [strange, other]) or notice.pop(4, [strange, other])
    assert heard == [ring.id]
    with empty_stage.redis() as client:
        client.set(empty_stage.key(), "again")
    assert notice.wait([LINE], timeout_s=0.2) is None
    notice.ring([a_ring()])
    assert len(notice.pop(1, [LINE])) == 1
