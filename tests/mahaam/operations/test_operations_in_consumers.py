"""Real consumers at work on operations: killed in the middle, and side by side."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from mahaam import verbs
from mahaam.consumer.maintenance.operation_runner import next_chunk
from mahaam.search.job_filter import JobFilter
from mahaam.verbs import OperationRequest
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

JOBS = 9_000
FILL = """
INSERT INTO job (id, task, queue, state, run_at)
SELECT gen_random_uuid(), 'tests.mahaam.tasks.nothing', 'default', 'scheduled', now() + interval '1 day'
FROM generate_series(1, %s)
"""


def operation(stage: Stage, id_: int) -> dict[str, Any]:
    return stage.ask("SELECT * FROM operation WHERE id = %s", id_)[0]


@pytest.mark.faults
def test_an_operation_whose_consumers_are_killed_is_finished_by_others_and_each_job_counts_once(
    empty_stage: Stage,
) -> None:
    empty_stage.ask(FILL, JOBS)
    id_ = verbs.start(OperationRequest("cancel", "ann"), JobFilter(state="scheduled"))

    for killed_at in (1000, 4000):
        with empty_stage.consumer():
            wait_until(lambda at=killed_at: operation(empty_stage, id_)["done"] >= at, timeout_s=30)
        # The block has killed it.
        made = operation(empty_stage, id_)
        assert made["state"] == "running"
        assert made["done"] < JOBS
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(empty_stage.consumer())
        wait_until(lambda: operation(empty_stage, id_)["state"] == "finished", timeout_s=50)

    made = operation(empty_stage, id_)
    assert (made["done"], made["refused"]) == (JOBS, 0)
    assert empty_stage.count("state = 'cancelled'") == JOBS
    (seen,) = empty_stage.ask(
        "SELECT count(*), count(DISTINCT job_id) AS jobs, min(number), max(number)"
        " FROM operation_result WHERE operation_id = %s",
        id_,
    )
    assert seen == {"count": JOBS, "jobs": JOBS, "min": 1, "max": JOBS}


def test_a_busy_database_gets_smaller_chunks() -> None:
    assert next_chunk(1000, 0.1) == 1000
    assert next_chunk(1000, 1.2) == 250
    assert next_chunk(250, 0.1) == 500  # not more than twice as many
    assert next_chunk(60, 30.0) == 50
    assert next_chunk(1000, 0.0) == 1000
