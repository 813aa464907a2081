"""Undo of a large operation right after it, while the consumers that work at it are killed.

`make faults` runs it with 100,000 jobs and six kills.
"""

from __future__ import annotations

import os
from typing import Any
from uuid import UUID

import pytest

from mahaam import verbs
from mahaam.operations import lifecycle
from mahaam.search.job_filter import JobFilter
from mahaam.verbs import OperationRequest
from tests.factory import Sql
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

JOBS = int(os.environ.get("UNDO_JOBS") or 6000)
KILLS = int(os.environ.get("UNDO_KILLS") or 2)
RETRIED = 40  # jobs of the operation that somebody has run since

# Waiting jobs of all kinds; the queued ones stand in a paused queue, so that none starts.
FILL = """
INSERT INTO job (id, task, queue, priority, state, run_at, queued_at, dedupe_key, attempt, retry_count)
SELECT uuidv7(), 'tests.mahaam.tasks.nothing', CASE WHEN kind = 1 THEN 'held' ELSE 'default' END,
       mod(number, 7), (ARRAY['scheduled', 'queued', 'retrying'])[kind + 1],
       CASE WHEN kind <> 1 THEN now() + interval '1 day' + number * interval '1 ms' END,
       CASE WHEN kind = 1 THEN now() - number * interval '1 ms' END,
       CASE WHEN mod(number, 5) = 0 THEN 'key ' || number END, kind / 2, kind / 2
FROM (SELECT number, mod(number, 3) AS kind FROM generate_series(1, %s) AS number) AS numbers
"""
ROWS = "SELECT id::text, to_jsonb(job) AS columns FROM job"


def rows_of(stage: Stage) -> dict[str, Any]:
    return {row["id"]: row["columns"] for row in stage.ask(ROWS)}


def operation(stage: Stage, id_: int) -> dict[str, Any]:
    return stage.ask("SELECT * FROM operation WHERE id = %s", id_)[0]


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_undo_gives_each_column_back_and_leaves_what_ran_since_whoever_is_killed(
    empty_stage: Stage,
) -> None:
    empty_stage.add("queue", name="held", paused_at=Sql("now()"))
    empty_stage.ask(FILL, JOBS)
    before = rows_of(empty_stage)
    id_ = verbs.start(OperationRequest("cancel", "ann"), JobFilter())
    while lifecycle.work_on_next():
        pass
    retried = [
        UUID(row["id"])
        for row in empty_stage.ask(
            "SELECT id::text FROM job WHERE queue = 'default' AND dedupe_key IS NULL"
            " ORDER BY random() LIMIT %s",
            RETRIED,
        )
    ]
    assert len(verbs.apply("retry", retried, by="bob").done) == RETRIED

    with empty_stage.consumer():
        wait_until(lambda: empty_stage.count("state = 'completed'") == RETRIED, timeout_s=60)
    ran = rows_of(empty_stage)
    # On a slow machine the time in which an operation can be undone may be over by now.
    empty_stage.ask("UPDATE operation SET finished_at = now() WHERE id = %s", id_)
    assert not verbs.undo(id_, by="ann").is_over
    for _ in range(KILLS):
        so_far = operation(empty_stage, id_)["undo_cursor"]
        with empty_stage.consumer():  # the block's end kills it
            wait_until(
                lambda: operation(empty_stage, id_)["undo_cursor"] > so_far,  # noqa: B023
                timeout_s=60,
                every_s=0.005,
            )
    with empty_stage.consumer():
        wait_until(lambda: operation(empty_stage, id_)["state"] == "undone", timeout_s=120)

    made = operation(empty_stage, id_)
    assert (made["undone"], made["kept"]) == (JOBS - RETRIED, RETRIED)
    after = rows_of(empty_stage)
    mended = {str(id_) for id_ in retried}
    assert {id_: row for id_, row in after.items() if id_ in mended} == {
        id_: row for id_, row in ran.items() if id_ in mended
    }
    assert {id_ for id_, row in after.items() if id_ not in mended and row != before[id_]} == set()
