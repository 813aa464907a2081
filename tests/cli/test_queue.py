"""`flask queue monitor | clear`; the consumer of these tests is what `flask queue work` became."""

from __future__ import annotations

import json

from tests.cli.conftest import Flask_
from tests.dashboard.rows import a_job, add, ask, state_of
from tests.dashboard.situations import a_worker
from tests.factory import Sql


def test_a_snapshot_counts_every_queue_by_state(flask: Flask_) -> None:
    for state in ("queued", "queued", "running", "scheduled", "failed"):
        a_job(state, queue="emails")
    a_job("cancelled")
    add("job_minute", queue="emails", task="tasks.demo.echo", completed=600)

    answer = flask("queue", "monitor", "--json")

    queues = {row["name"]: row for row in json.loads(answer.out)["queues"]}
    assert queues["emails"]["states"] == {
        "queued": 2, "running": 1, "scheduled": 1, "retrying": 0, "failed": 1, "cancelled": 0,
        "expired": 0,
    }  # fmt: skip
    assert queues["default"]["states"]["cancelled"] == 1
    assert queues["emails"]["completed_last_hour"] == 600
    assert 5 <= queues["emails"]["ended_per_s"] <= 10
    assert queues["emails"]["oldest_queued_at"]


def test_a_live_consumer_is_shown(flask: Flask_, consumer: None) -> None:
    snapshot = json.loads(flask("queue", "monitor", "--json").out)
    picture = flask("queue", "monitor", "--once").out

    (worker,) = snapshot["workers"]
    assert (worker["greenlets"], worker["running"]) == (3, 0)  # --workers came through
    assert worker["id"] in picture
    assert "0/3" in picture


def test_a_rank_is_changed(flask: Flask_) -> None:
    add("queue", name="ranked", rank=90)

    assert "is 40; it was 90" in flask("queue", "rank", "ranked", "40").out
    assert json.loads(flask("queue", "rank", "ranked", "50", "--json").out)["before"] == 40
    assert flask("queue", "rank", "nowhere", "1").code == 2
    assert flask("queue", "rank", "ranked", "high").code == 2


def test_clear_cancels_what_is_queued_after_asking(flask: Flask_) -> None:
    # Of a queue that is not there for the consumer, which would be faster.
    add("queue", name="held", paused_at=Sql("now()"))
    queued, running = a_job(queue="held"), a_job("running", queue="held")
    # Of a worker that lives: the consumer of other tests may be there, and would rescue it.
    ask("UPDATE job SET worker_id = %s WHERE id = %s", (a_worker(), running))

    assert flask("queue", "clear", "held", stdin="n\n").code == 1
    assert state_of(queued) == "queued"
    assert "Cancel 1 job in held?" in flask("queue", "clear", "held", stdin="y\n").out
    assert (state_of(queued), state_of(running)) == ("cancelled", "running")
    assert json.loads(flask("queue", "clear", "held", "--yes", "--json").out)["cancelled"] == 0
