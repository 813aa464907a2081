"""One list of the columns of table job: every way into the table and out of it goes by that list."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from mahaam import enqueue, huey, task, verbs
from mahaam.core.ids import new_id
from mahaam.huey_adapter.tasks.message import new_job_of, task_from
from mahaam.jobs import derive_follow_ups, job_columns, job_message
from mahaam.jobs.claim import Claim
from mahaam.jobs.job_columns import EVERY, OF_CALL, OF_CLOCK, OF_COPY, OF_JOB, OF_SCHEDULE
from mahaam.jobs.job_message import message_of
from mahaam.jobs.new_job import COLUMNS, OPTIONS, SCHEDULE_OPTIONS, TASK_OPTIONS, NewJob
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.queries import waiting
from mahaam.schedules import fires_store, firing
from mahaam.store import accept_jobs, exchange
from mahaam.store.actions import arguments
from tests.mahaam import rows
from tests.mahaam.stage import Stage
from tests.mahaam.tasks import echo

IN_THE_TABLE = """
SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
WHERE attrelid = 'mahaam.job'::regclass AND attnum > 0 AND NOT attisdropped
"""
CALL = ("[1]", '{"b": 2}')
# A value of each type that is the default of no option.
VALUES: dict[str, Any] = {
    "text": "other", "integer": 7, "double precision": 2.5, "boolean": False, "text[]": ["a", "b"],
    "jsonb": '{"remove_on_fail": true}', "uuid": str(uuid4()),
}  # fmt: skip
FULL: dict[str, Any] = {name: VALUES[type_] for name, type_ in OF_JOB.items()} | {
    "task": "tests.mahaam.tasks.echo",
    "queue": "reports",
}


def differences(row: dict[str, Any], names: Any) -> dict[str, Any]:
    """What a row has otherwise than FULL, of the columns `names`."""
    found = {name: str(row[name]) if OF_JOB[name] == "uuid" else row[name] for name in names}
    wanted = FULL | {"options": {"remove_on_fail": True}}
    return {name: value for name, value in found.items() if value != wanted[name]}


def test_every_column_of_the_table_is_listed_with_its_type(stage: Stage) -> None:
    found = {row["name"]: row["type"] for row in stage.ask(IN_THE_TABLE)}

    assert found == EVERY


def test_each_insert_fills_the_same_columns() -> None:
    filled = OF_CALL.keys() | OF_JOB.keys() | OF_CLOCK.keys()
    is_queued = filled - {"run_at"}
    inserts = {
        accept_jobs.ACCEPT: filled,
        accept_jobs.ACCEPT_ALL: filled,
        accept_jobs.PREPARE: is_queued - {"expires_at"} - set(accept_jobs.RARE),
        fires_store.FIRE: is_queued | OF_SCHEDULE.keys(),
        fires_store.RELEASE: is_queued | OF_SCHEDULE.keys(),
        fires_store.RUN_NOW: is_queued | OF_SCHEDULE.keys(),
        arguments.COPY: {*OF_COPY, "options", "created_by", "state", "queued_at"},
    }
    for sql, columns in inserts.items():
        (found,) = re.findall(r"INSERT INTO (?:mahaam\.)?job \(([^)]*)\)", sql)
        assert set(found.split(", ")) == columns, sql


def _one(cursor: Cursor, job: NewJob, id_: str) -> None:
    assert accept_jobs.accept_one_now(cursor, job, (id_, *CALL))


def _some(cursor: Cursor, job: NewJob, id_: str) -> None:
    assert accept_jobs.accept(cursor, job, [(id_, *CALL)])


def _many(cursor: Cursor, job: NewJob, id_: str) -> None:
    assert accept_jobs.accept_all(cursor, job, [(id_, *CALL)]).jobs == 1


@pytest.mark.parametrize(
    ("accept", "leaves_out"), [(_one, set(accept_jobs.RARE)), (_some, set()), (_many, set())]
)
def test_what_is_accepted_has_every_option(
    empty_stage: Stage, accept: Callable[..., None], leaves_out: set[str]
) -> None:
    job, id_ = NewJob(**FULL | dict.fromkeys(leaves_out)), new_id()

    with database.transaction() as cursor:
        accept(cursor, job, id_)

    row = empty_stage.job(id_)
    assert differences(row, OF_JOB.keys() - leaves_out) == {}
    assert (row["args"], row["kwargs"], row["state"]) == ([1], {"b": 2}, "queued")


def test_a_duplicate_has_every_option_but_what_is_its_own(empty_stage: Stage) -> None:
    original, copy = new_id(), new_id()
    with database.transaction() as cursor:
        accept_jobs.accept(cursor, NewJob(**FULL), [(original, *CALL)])
        found = arguments.read(cursor, [original])
        arguments.copy(cursor, {copy: found[0]}, [None], by="ann")

    row = empty_stage.job(copy)
    own = {name for name, column in COLUMNS.items() if not column.is_copied}
    assert differences(row, OF_JOB.keys() - own) == {}
    assert {name: row[name] for name in own} == dict.fromkeys(own) | {"created_by": "ann"}
    assert (row["args"], row["kwargs"]) == ([1], {"b": 2})


def test_a_schedule_gives_its_options_and_the_rest_are_the_tasks(empty_stage: Stage) -> None:
    own = {name: FULL[name] for name in SCHEDULE_OPTIONS}
    given = {"task": FULL["task"], "kind": "interval", "every_s": 60} | own
    schedule = verbs.create_schedule(given, by="ann")
    empty_stage.ask("UPDATE schedule SET next_run_at = now() WHERE id = %s", schedule)

    firing.fire_due()

    (row,) = empty_stage.ask("SELECT * FROM job")
    usual = job_message.usual_job(echo.task_class)
    expected = {name: getattr(usual, name) for name in TASK_OPTIONS} | own
    assert {name: row[name] for name in expected} == expected
    assert (row["schedule_id"], row["created_by"]) == (schedule, "schedule")


def test_a_claim_and_the_waiting_list_tell_what_the_row_says(empty_stage: Stage) -> None:
    id_, worker = new_id(), rows.a_worker(empty_stage)
    with database.transaction() as cursor:
        accept_jobs.accept(cursor, NewJob(**FULL), [(id_, *CALL)])
        (listed,) = waiting.some(cursor, [id_])
        cursor.connection.prepare("exchange", exchange.PREPARE)
        _, (claim,) = exchange.exchange(
            cursor, [], [id_], worker_id=worker, unsure=[], durable=True
        )

    assert claim._replace(wait_s=None) == rows.claim_of(empty_stage, id_)
    assert differences(claim._asdict() | {"options": {"remove_on_fail": True}},
                       OF_JOB.keys() & set(Claim._fields)) == {}  # fmt: skip
    at_rest = {"attempt": 0, "worker_id": "", "may_be_revoked": True, "wait_s": None}
    assert listed.claim == claim._replace(**at_rest)


# Messages of Huey.


def of_task() -> dict[str, Any]:
    """A value other than the task's own for each option that a message has, by its key there."""
    return {option.key: FULL[field] for field, option in TASK_OPTIONS.items()}


def test_a_message_says_the_same_as_the_job_that_it_asks_for() -> None:
    message = echo.s(1)
    vars(message).update(of_task())

    job = new_job_of(message)

    assert {name: getattr(job, name) for name in TASK_OPTIONS} == {
        name: tuple(FULL[name]) if name == "tags" else FULL[name] for name in TASK_OPTIONS
    }
    assert job != new_job_of(echo.s(1))


def test_a_task_gives_its_options_to_all_its_jobs() -> None:
    names = {option.name: FULL[field] for field, option in TASK_OPTIONS.items()}
    made = task(name="a_task_of_a_test", **names)(never_made)

    fields = job_message.job_fields(job_message.usual_options(made.task_class))
    made.unregister()
    assert fields == {name: FULL[name] for name in TASK_OPTIONS} | {"tags": tuple(FULL["tags"])}


def never_made() -> None:
    """A function that becomes a task for a moment."""


def test_a_waiting_job_is_read_as_the_message_that_asked_for_it(empty_stage: Stage) -> None:
    listed = TASK_OPTIONS.keys() & set(Claim._fields)
    enqueue(echo, delay=60, **{OPTIONS[field].name: FULL[field] for field in listed})

    (waiting_task,) = huey.scheduled()

    found = job_message.options_of(waiting_task)
    assert {field: found[OPTIONS[field].key] for field in listed} == {
        field: FULL[field] for field in listed
    }


def test_what_rides_along_is_the_same_message_and_asks_for_the_same_job() -> None:
    message = echo.s(1)
    vars(message).update(of_task())
    kept = message_of(message)

    assert kept.items() >= of_task().items()
    assert message_of(task_from(huey._registry, kept)) == kept
    follow_up = derive_follow_ups.follow_up(kept, None, parent_id=FULL["parent_id"])
    assert follow_up.job == new_job_of(message, parent_id=FULL["parent_id"])


@pytest.mark.parametrize("field", sorted(OPTIONS.keys() & EVERY.keys()))
def test_each_option_is_stored_under_its_own_name(field: str, empty_stage: Stage) -> None:
    made = enqueue(echo, **{OPTIONS[field].name: FULL[field]})

    assert empty_stage.job(made.id)[field] == FULL[field]


def test_a_claim_has_no_column_that_is_not_listed() -> None:
    extra = {"may_be_revoked", "wait_s"}

    assert set(Claim._fields) - extra <= EVERY.keys()
    assert len(job_columns.claimed().split(", ")) == len(Claim._fields)
