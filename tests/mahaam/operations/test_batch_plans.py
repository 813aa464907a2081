"""A chunk of bulk work touches the chunk's rows and few others, whatever PostgreSQL's statistics say."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from mahaam import verbs
from mahaam.jobs.states import State
from mahaam.operations import lifecycle, store, undo
from mahaam.postgres import database
from mahaam.queries.dead_letter_list import DeadLetterFilter
from mahaam.search.job_filter import JobFilter
from mahaam.verbs import ACTS, OperationRequest
from tests.mahaam.stage import Stage
from tests.servers import owner_url

JOBS = 600  # a plan that walks a table or an index meets all of them, at least
CHUNK = 10
MOST = 20 * CHUNK  # rows and index entries; each of a chunk is looked at about ten times

PARAMETERS: dict[str, dict[str, Any]] = {
    "set_priority": {"priority": 7},
    "move": {"queue": "orders"},
    "reschedule": {"delay_s": 3600.0},
    "assign": {"owner": "ann"},
    "annotate": {"note": "known"},
}
# What an operation begins with; rows that run are never many.
STATE = {
    "cancel": "scheduled",
    "promote": "scheduled",
    "reschedule": "queued",
    "set_priority": "queued",
    "move": "queued",
    "duplicate": "completed",
    "fail": "completed",
    "clean": "completed",
}
VERBS = [verb for verb in ACTS if verb != "stop"]
UNDOABLE = [verb for verb in VERBS if ACTS[verb].is_undoable]
TABLES = "job, attempt, dead_letter, dead_letter_note, failure, operation, operation_result"

FILL = """
INSERT INTO job (id, task, queue, state, attempt, run_at, queued_at, started_at, finished_at, worker_id,
                 dedupe_key)
SELECT uuidv7(), 'tests.mahaam.tasks.nothing', 'default', state, 1,
       CASE WHEN state = 'scheduled' THEN now() + interval '1 day' END,
       CASE WHEN state <> 'scheduled' THEN now() END, CASE WHEN is_final THEN now() END,
       CASE WHEN is_final THEN now() END, CASE WHEN is_final THEN gen_random_uuid() END, 'k' || number
FROM generate_series(1, %s) AS number,
     (SELECT state, state IN ('failed', 'completed') AS is_final FROM (SELECT %s) AS x(state)) AS wanted
"""
BURY = """
INSERT INTO dead_letter (job_id, attempt, task, queue, error_class, error_message, traceback,
                         first_error_class, first_error_message, first_traceback, fingerprint,
                         retry_count)
SELECT id, 1, task, queue, 'E', 'broken', 'T', 'E', 'broken', 'T', 'f', 1 FROM job WHERE state = 'failed'
"""
# Of this transaction; what an index gave, what a table gave by itself or by a bitmap.
TOUCHED = """
SELECT relname, pg_stat_get_xact_tuples_returned(pg_class.oid)
       + CASE relkind WHEN 'r' THEN pg_stat_get_xact_tuples_fetched(pg_class.oid) ELSE 0 END
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'i') AND nspname <> 'pg_catalog' AND nspname <> 'pg_toast'
"""


def own(stage: Stage, sql: str) -> None:
    """Do what only the owner of the tables may."""
    with closing(psycopg2.connect(owner_url(stage.database_url))) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute(sql)


def never_analysed(stage: Stage, verb: str) -> None:
    """As after a migration."""
    fill(stage, verb, JOBS)


def analysed_when_empty(stage: Stage, verb: str) -> None:
    """As after a night in which everything was pruned: the pages are known, and no row in them."""
    fill(stage, verb, 5 * CHUNK)
    begin(verb)
    work_off()
    stage.ask("DELETE FROM operation; DELETE FROM job; DELETE FROM dead_letter")
    own(stage, f"ANALYZE {TABLES}")
    fill(stage, verb, JOBS)


STATISTICS: dict[str, Callable[[Stage, str], None]] = {
    "never analysed": never_analysed,
    "analysed when empty": analysed_when_empty,
}


def fill(stage: Stage, verb: str, count: int) -> None:
    stage.ask(FILL, count, STATE.get(verb, "failed"))
    if verb not in STATE:
        stage.ask(BURY)


def begin(verb: str) -> int:
    wanted = JobFilter() if ACTS[verb].kind == "job" else DeadLetterFilter()
    return verbs.start(OperationRequest(verb, "ann", PARAMETERS.get(verb, {})), wanted)


def work_off() -> None:
    while lifecycle.work_on_next():
        pass


def touched_by_a_chunk() -> dict[str, int]:
    """Do the next chunk. Return how much of each table and index it met."""
    with database.transaction() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    with database.transaction() as cursor:
        work = store.take(cursor)
        assert work is not None
        lifecycle.carry_on(cursor, work, limit=CHUNK)
        cursor.execute(TOUCHED)
        return {name: count for name, count in cursor.fetchall() if count}


@pytest.fixture(autouse=True)
def _empty_tables(empty_stage: Stage) -> None:
    empty_stage.add("queue", name="orders")
    own(empty_stage, f"TRUNCATE {TABLES} CASCADE")


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_chunk_of_a_verb_touches_its_own_rows(
    empty_stage: Stage, verb: str, statistics: str
) -> None:
    STATISTICS[statistics](empty_stage, verb)
    begin(verb)

    seen = [touched_by_a_chunk() for _ in range(2)]

    assert all(sum(touched.values()) <= MOST for touched in seen), seen


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("verb", UNDOABLE)
def test_a_chunk_of_undo_touches_its_own_rows(
    empty_stage: Stage, verb: str, statistics: str
) -> None:
    STATISTICS[statistics](empty_stage, verb)
    id_ = begin(verb)
    work_off()
    assert not undo.undo(id_, by="bob").is_over

    seen = [touched_by_a_chunk() for _ in range(2)]

    assert all(sum(touched.values()) <= MOST for touched in seen), seen


def test_running_jobs_are_asked_to_stop_by_their_ids(empty_stage: Stage) -> None:
    empty_stage.ask(FILL, JOBS, "completed")
    empty_stage.ask(
        "UPDATE job SET state = 'running', finished_at = NULL WHERE id IN (SELECT id FROM job LIMIT %s)",
        2 * CHUNK,
    )
    verbs.start(OperationRequest("stop", "ann"), JobFilter(state=State.RUNNING))

    seen = touched_by_a_chunk()

    assert sum(seen.values()) <= MOST + 2 * CHUNK, seen
