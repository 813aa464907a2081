"""How far a job is, as it says itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from mahaam import current_job, enqueue
from mahaam.jobs.log_line import ProgressUpdate
from mahaam.store import progress as written
from tests.mahaam import rows
from tests.mahaam.conftest import MakeStage
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.run.job_log import tasks
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

SEEN_S = 1.0


def progress(stage: Stage, job_id: object) -> tuple[int | None, str | None]:
    row = stage.job(str(job_id))
    return row["progress"], row["progress_text"]


@pytest.mark.parametrize("percents", [(1, 2, 100), (90, 10)])
def test_the_last_word_before_the_end_is_kept(
    stage: Stage, consumer: Consumer, percents: tuple[int, ...]
) -> None:
    job = enqueue(tasks.advance, percents)
    stage.wait_for_state(job.id, "completed")

    last = percents[-1]
    wait_until(lambda: progress(stage, job.id) == (last, f"at {last}"), timeout_s=SEEN_S)


@pytest.fixture
def own_stage(make_stage: MakeStage) -> Iterator[Stage]:
    """A stage whose rows no other test waits for."""
    with make_stage() as stage:
        yield stage


def test_a_row_that_is_being_changed_is_not_waited_for(own_stage: Stage) -> None:
    """Whoever changes it may be waiting for a row of ours."""
    stage = own_stage
    worker = f"'{rows.a_worker(stage)}'"
    busy, free = (rows.a_job(stage, "running", worker_id=worker) for _ in range(2))
    words = [ProgressUpdate(rows.claim_of(stage, id_), 30, None) for id_ in (busy, free)]

    with closing(psycopg2.connect(stage.database_url)) as other, other.cursor() as changing:
        changing.execute("SELECT 1 FROM job WHERE id = %s FOR UPDATE", (busy,))
        with closing(psycopg2.connect(stage.database_url)) as link, link.cursor() as cursor:
            assert written.write(cursor, words) == {(free, 1)}
            other.rollback()
            assert written.write(cursor, words) == {(busy, 1), (free, 1)}
            link.rollback()


@pytest.mark.parametrize("percent", ["nan", "inf", "object", -1, 100.5, None, "5"])
def test_what_is_no_percentage_is_refused(
    stage: Stage, consumer: Consumer, percent: object
) -> None:
    job = enqueue(tasks.wrong, (percent,))
    stage.wait_for_state(job.id, "completed")

    assert stage.job(job.id)["result"].startswith("Progress is a number from 0 to 100; this is ")
    assert progress(stage, job.id) == (None, None)


def test_outside_of_a_job_there_is_nobody_to_tell() -> None:
    with pytest.raises(LookupError, match="only while a task runs"):
        current_job.progress(5)
    with pytest.raises(LookupError, match="only while a task runs"):
        current_job.log("nobody hears this")
