"""Queues of one rank share by turns; a better rank still goes first, whoever talks more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import redis

from mahaam import enqueue, enqueue_many, huey, verbs
from mahaam.core.errors import OptionNotValid, UnknownQueue
from mahaam.core.ids import new_id
from mahaam.doorbell.doorbell import Doorbell
from mahaam.enqueuing import known_queues
from mahaam.huey_adapter.inline_worker import hand
from mahaam.jobs.notice import Notice
from mahaam.queries.queue_configs import QueueConfig
from tests.mahaam import huey_jobs
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.fixture
def client(empty_stage: Stage) -> Iterator[redis.Redis]:
    with empty_stage.redis() as client:
        yield client


@pytest.fixture
def notice(empty_stage: Stage, client: redis.Redis) -> Doorbell:
    return Doorbell(client, empty_stage.prefix)


def line(name: str, rank: int = 1, **fields: object) -> QueueConfig:
    return QueueConfig(name, rank, 1, None, None, False)._replace(**fields)


def fill(notice: Doorbell, queues: dict[str, int]) -> dict[str, str]:
    """So many jobs in each queue; the queue of each id."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    notices = [
        Notice(name, 0, new_id(), at) for name, count in queues.items() for _ in range(count)
    ]
    notice.ring(notices)
    return {ring.id: ring.queue for ring in notices}


@pytest.mark.parametrize("wanted", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize("full", [NAMES[:2], NAMES[1:3], NAMES[::3], NAMES])
def test_equals_get_the_same_share_whatever_their_names_and_the_free_places(
    notice: Doorbell, full: tuple[str, ...], wanted: int
) -> None:
    """Also when queues with nothing in them stand between."""
    queue_of = fill(notice, dict.fromkeys(full, 300))
    lines = [line(name) for name in NAMES]

    popped: list[str] = []
    while len(popped) < 60 * len(full):
        popped += notice.pop(wanted, lines)

    shares = Counter(queue_of[id_] for id_ in popped)
    assert max(shares.values()) - min(shares[name] for name in full) <= wanted


def test_a_quiet_queue_does_not_wait_for_a_talkative_one(notice: Doorbell) -> None:
    queue_of = fill(notice, {"a": 500, "z": 3})

    popped = [id_ for _ in range(3) for id_ in notice.pop(2, [line("a"), line("z")])]

    assert Counter(queue_of[id_] for id_ in popped) == {"a": 3, "z": 3}


def test_what_one_cannot_give_the_others_do(notice: Doorbell) -> None:
    queue_of = fill(notice, {"a": 1, "b": 500, "c": 2})

    popped = notice.pop(16, [line("a"), line("b"), line("c")])

    assert Counter(queue_of[id_] for id_ in popped) == {"a": 1, "b": 13, "c": 2}


def test_ranks_stay_strict(notice: Doorbell) -> None:
    queue_of = fill(notice, {"low a": 50, "high a": 5, "high b": 20, "highest": 3, "low b": 50})
    lines = [
        line("highest", 1),
        line("high a", 2),
        line("high b", 2),
        line("low a", 3),
        line("low b", 3),
    ]

    popped = [queue_of[id_] for _ in range(16) for id_ in notice.pop(3, lines)]

    assert popped[:3] == ["highest"] * 3
    assert Counter(popped[3:28]) == {"high a": 5, "high b": 20}
    assert Counter(popped[3:13]) == {"high a": 5, "high b": 5}
    assert abs(Counter(popped)["low a"] - Counter(popped)["low b"]) <= 3


def test_turns_of_a_rank_go_on_where_they_were_when_a_better_rank_came_between(
    notice: Doorbell,
) -> None:
    queue_of = fill(notice, {"low a": 100, "low b": 100})
    lines = [line("high a", 1), line("high b", 1), line("low a", 2), line("low b", 2)]

    low = []
    for _ in range(40):
        queue_of |= fill(notice, {"high b": 1})
        wait_until(
            lambda: notice.waiting("high b") == 1
        )  # one notice is rung without waiting for Redis
        low += [queue_of[id_] for id_ in notice.pop(2, lines) if queue_of[id_].startswith("low")]

    assert Counter(low) == {"low a": 20, "low b": 20}


def test_a_limit_holds_in_a_shared_rank_and_the_others_use_the_rest(notice: Doorbell) -> None:
    queue_of = fill(notice, {"a": 50, "b": 50})
    lines = [line("a", rate_limit=3, rate_period_s=60.0), line("b")]

    popped = [queue_of[id_] for _ in range(5) for id_ in notice.pop(4, lines)]

    assert Counter(popped) == {"a": 3, "b": 17}


def test_without_turns_the_given_order_holds(notice: Doorbell) -> None:
    """As the weights have drawn it."""
    queue_of = fill(notice, {"a": 10, "b": 10})

    popped = [
        queue_of[id_]
        for _ in range(5)
        for id_ in notice.pop(2, [line("b"), line("a")], by_turns=False)
    ]

    assert popped == ["b"] * 10


def test_who_waits_for_the_next_bell_hears_equals_by_turns(notice: Doorbell) -> None:
    fill(notice, {"a": 50, "b": 50, "low": 50})
    lines = [line("a"), line("b"), line("low", 2)]

    heard = [notice.wait(lines, timeout_s=1) for _ in range(20)]

    assert Counter(one.queue for one in heard if one) == {"a": 10, "b": 10}


def test_equals_are_run_by_hand_in_the_order_of_queueing(empty_stage: Stage) -> None:
    empty_stage.add("queue", name="zeta", rank=30)
    try:
        for word, queue in (("one", "zeta"), ("two", "default"), ("three", "zeta")):
            enqueue(huey_jobs.plain, (word,), queue=queue)
        words = []
        while (task := huey.dequeue()) is not None:
            words.append(huey.execute(task))
        assert words == ["one", "two", "three"]
    finally:
        hand().close()


def test_the_quiet_one_of_equals_waits_no_longer_than_the_talkative_one(
    make_stage: MakeStage,
) -> None:
    """One consumer, three queues of one rank: a thousand jobs, and two that have ten each."""
    with make_stage() as stage, stage.here():
        for name in "ayz":
            stage.add("queue", name=name, rank=50)
        enqueue_many(jobs.nothing, [()] * 1000, queue="a")
        for queue in ("y", "z"):
            enqueue_many(jobs.nothing, [()] * 10, queue=queue)
        with stage.consumer("--workers", "2", "--stop-when-empty") as consumer:
            assert consumer.wait(60) == 0
        started = [
            row["queue"] for row in stage.ask("SELECT queue FROM job ORDER BY started_at, id")
        ]

    last_quiet = max(place for place, queue in enumerate(started) if queue != "a")
    assert last_quiet < 100


def test_a_new_queue_shares_with_the_default_one_and_the_log_says_so(
    empty_stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Not behind all that were there before it."""
    caplog.set_level("INFO", "mahaam.queue")

    known_queues.declare(["aaa", "zzz"])
    known_queues.declare(["zzz"])
    empty_stage.add("queue", name="by-hand")

    ranks = {row["name"]: row["rank"] for row in empty_stage.ask("SELECT name, rank FROM queue")}
    assert {ranks[name] for name in ("aaa", "zzz", "by-hand", "default")} == {30}
    said = [line for line in caplog.messages if line.startswith("Queue made.")]
    assert [line.split("queue=")[1] for line in said] == ["aaa rank=30", "zzz rank=30"]


def test_the_rank_of_new_queues_is_a_setting(empty_stage: Stage) -> None:
    with empty_stage.here(new_queue_rank=7):
        known_queues.declare(["seventh"])

    assert empty_stage.ask("SELECT rank FROM queue WHERE name = 'seventh'") == [{"rank": 7}]


def test_an_operator_changes_a_rank(empty_stage: Stage) -> None:
    empty_stage.add("queue", name="late", rank=90)

    assert verbs.set_rank("late", 5, by="ann") == 90

    assert empty_stage.ask("SELECT rank FROM queue WHERE name = 'late'") == [{"rank": 5}]
    (event,) = empty_stage.ask("SELECT * FROM audit_event WHERE verb = 'rank'")
    assert (event["actor"], event["before"], event["after"]) == ("ann", {"rank": 90}, {"rank": 5})
    with pytest.raises(UnknownQueue):
        verbs.set_rank("nowhere", 5, by="ann")
    with pytest.raises(OptionNotValid):
        verbs.set_rank("late", 2**31, by="ann")
