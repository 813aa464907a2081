"""Redis against the rows: what is wrong is found, named and put right; what is right stays."""

from __future__ import annotations

import pytest

from mahaam.doorbell.score import score
from mahaam.queues import reconciliation
from mahaam.queues.reconciliation import NoticeComparison, NoticeFault
from tests.mahaam import rows
from tests.mahaam.stage import Stage

OLD = "now() - interval '1 minute'"


@pytest.fixture
def mischief(empty_stage: Stage) -> dict[str, str]:
    """One of each fault, beside three jobs whose notices are right; members by fault."""
    empty_stage.add("queue", name="orders")
    right = [rows.a_job(empty_stage, queued_at=OLD, priority="3") for _ in range(3)]
    elsewhere, early, overtaking = (rows.a_job(empty_stage, queued_at=OLD) for _ in range(3))
    done, lost = rows.a_job(empty_stage, "completed"), rows.a_job(empty_stage, queued_at=OLD)
    rows.a_job(empty_stage)  # within the grace time: nobody misses its notice yet
    with empty_stage.redis() as client:
        client.zadd(empty_stage.key(), {id_: place(empty_stage, id_) for id_ in right})
        client.zadd(empty_stage.key("orders"), {elsewhere: 0})
        client.zadd(empty_stage.key(), {early: -99, done: 0, "junk \x00\xff": 5})
        client.zadd(empty_stage.key(), {overtaking: place(empty_stage, overtaking) - 1e9})
        client.zadd(empty_stage.key() + ":starts", {"not a queue": 1})
    return {
        "right": " ".join(right), NoticeFault.WRONG_QUEUE: elsewhere, NoticeFault.WRONG_PRIORITY: early,
        NoticeFault.WRONG_PLACE: overtaking, NoticeFault.CLAIMS_NOTHING: done, NoticeFault.MISSING: lost,
    }  # fmt: skip


def place(stage: Stage, id_: str) -> float:
    """Where a queued job belongs."""
    row = stage.job(id_)
    return float(score(row["priority"], row["queued_at"]))


def test_a_score_of_an_earlier_release_is_no_fault(empty_stage: Stage) -> None:
    for priority in (0, 5, -7):
        id_ = rows.a_job(empty_stage, queued_at=OLD, priority=str(priority))
        with empty_stage.redis() as client:
            client.zadd(empty_stage.key(), {id_: -priority})

    assert all(found.is_right for found in reconciliation.sample())


def by_queue(compared: list[NoticeComparison]) -> dict[str, NoticeComparison]:
    return {found.queue: found for found in compared}


@pytest.mark.parametrize("look", [reconciliation.sample, lambda: reconciliation.whole(by="ann")])
def test_every_fault_is_found_and_named(
    empty_stage: Stage, mischief: dict[str, str], look: object
) -> None:
    before = empty_stage.rung(), empty_stage.rung("orders")

    found = by_queue(look())

    assert set(found) >= {"default", "orders"}
    assert dict(found["orders"].faults) == {NoticeFault.WRONG_QUEUE: 1}
    # The job whose notice stands in the wrong queue has none in its own.
    assert dict(found["default"].faults) == {
        NoticeFault.WRONG_PRIORITY: 1,
        NoticeFault.WRONG_PLACE: 1,
        NoticeFault.CLAIMS_NOTHING: 1,
        NoticeFault.JUNK: 1,
        NoticeFault.MISSING: 2,
    }
    for fault in (NoticeFault.WRONG_PRIORITY, NoticeFault.WRONG_PLACE, NoticeFault.CLAIMS_NOTHING):
        assert found["default"].examples[fault] == [mischief[fault]]
    assert (found["default"].in_redis, found["default"].queued) == (7, 8)
    assert (empty_stage.rung(), empty_stage.rung("orders")) == before


def test_a_repair_puts_all_right_and_touches_nothing_else(
    empty_stage: Stage, mischief: dict[str, str]
) -> None:
    reconciliation.whole(repair=True, by="ann")

    mended = (
        NoticeFault.WRONG_QUEUE,
        NoticeFault.WRONG_PRIORITY,
        NoticeFault.WRONG_PLACE,
        NoticeFault.MISSING,
    )
    rung = [*mischief["right"].split(), *(mischief[fault] for fault in mended)]
    assert empty_stage.rung() == {id_: place(empty_stage, id_) for id_ in rung}
    assert empty_stage.rung("orders") == {}
    assert all(found.is_right and found.is_whole for found in reconciliation.whole(by="ann"))


def test_a_large_queue_is_compared_step_by_step(
    empty_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "STEP", 100)
    empty_stage.ask(
        "INSERT INTO job (id, task, queue, state, priority, queued_at)"
        " SELECT gen_random_uuid(), 't', 'default', 'queued', n % 7, now() - interval '1 min'"
        " FROM generate_series(1, 1500) AS n"
    )

    (found,) = [
        one for one in reconciliation.whole(repair=True, by="ann") if one.queue == "default"
    ]

    assert dict(found.faults) == {NoticeFault.MISSING: 1500}
    assert (found.compared_rows, len(found.examples[NoticeFault.MISSING])) == (1500, 5)
    (found,) = [one for one in reconciliation.whole(by="ann") if one.queue == "default"]
    assert found.is_right
    assert found.compared_ids >= 1500


def test_what_was_not_compared_to_its_end_says_so(empty_stage: Stage) -> None:
    rows.a_job(empty_stage, queued_at=OLD)
    assert not any(found.is_whole for found in reconciliation.whole(by="ann", limit_s=-1))
