"""Who is next: priority, first in first out, rank, the order on the command line, weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mahaam import enqueue, enqueue_many
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.stage import Stage

IN_ORDER = "SELECT queue, priority, id::text FROM job ORDER BY started_at, id"
RANK = {"orders": 10, "emails": 20, "default": 30, "reports": 40}


def mixed() -> None:
    """Jobs of several queues and priorities, the late ones first."""
    for priority in (-1, 5, 0, 9, 0, 5, -1, 2**31 - 1):
        for queue in ("reports", "default", "emails", "orders"):
            enqueue(jobs.nothing, queue=queue, priority=priority)


def many_of_two() -> None:
    """Two long queues."""
    for queue in ("orders", "reports"):
        enqueue_many(jobs.nothing, [()] * 150, queue=queue)


RUNS: dict[str, tuple[Any, list[str]]] = {
    "by rank": (mixed, ["--strict"]),
    "as told": (mixed, ["--queues", "reports,emails"]),
    "weighted": (many_of_two, ["--weighted"]),
}


@pytest.fixture(scope="module")
def runs(make_stage: MakeStage) -> Iterator[dict[str, Stage]]:
    """The stages of all runs, each served by one consumer with one greenlet, at the same time."""
    with ExitStack() as stack:
        stages = {name: stack.enter_context(make_stage()) for name in RUNS}
        consumers = []
        for name, (fill, arguments) in RUNS.items():
            with stages[name].here():
                fill()
            words = ("--workers", "1", "--stop-when-empty", *arguments)
            consumers.append(stack.enter_context(stages[name].consumer(*words)))
        assert [consumer.wait(30) for consumer in consumers] == [0] * len(RUNS)
        yield stages


def started(stage: Stage) -> list[tuple[str, int, str]]:
    """Queue, priority and id of all jobs as they were started."""
    return [(row["queue"], row["priority"], row["id"]) for row in stage.ask(IN_ORDER)]


def test_a_higher_priority_starts_first_and_equals_as_they_came(runs: dict[str, Stage]) -> None:
    for queue in RANK:
        found = [
            (-priority, id_) for name, priority, id_ in started(runs["by rank"]) if name == queue
        ]
        assert len(found) == 8
        assert found == sorted(found)


def test_a_queue_of_lower_rank_waits_until_the_others_are_empty(runs: dict[str, Stage]) -> None:
    found = [RANK[queue] for queue, _, _ in started(runs["by rank"])]

    assert found == sorted(found)


def test_queues_are_served_in_the_order_of_the_command_line(runs: dict[str, Stage]) -> None:
    served = runs["as told"].ask(
        "SELECT queue FROM job WHERE state = 'completed' ORDER BY started_at"
    )

    assert [row["queue"] for row in served] == ["reports"] * 8 + ["emails"] * 8


def test_a_queue_that_is_not_named_is_not_served(runs: dict[str, Stage]) -> None:
    assert runs["as told"].count("state = 'queued' AND queue IN ('orders', 'default')") == 16


def test_weights_share_between_queues(runs: dict[str, Stage]) -> None:
    """While both have jobs, orders (weight 4) gets about four of five starts."""
    first = [queue for queue, _, _ in started(runs["weighted"])][:100]

    assert 60 <= first.count("orders") <= 95
