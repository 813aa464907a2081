"""The one factory of rows: what a test does not care about is filled in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from psycopg2.extras import Json

from mahaam.core.ids import new_id
from mahaam.jobs.states import FINAL, State

Run = Callable[[str, list[Any]], list[Any]]


class Sql(str):
    """An expression of SQL where others have a value; `n` counts the rows that are made at once."""

    __slots__ = ()


NOW = Sql("now()")
SOON = Sql("now() + interval '1 hour'")
RANDOM = Sql("gen_random_uuid()")

TASK = "tests.mahaam.tasks.nothing"
OF_JOB = {name: Sql(f"job.{name}") for name in ("attempt", "task", "queue", "retry_count")}
DEFAULTS: dict[str, dict[str, Any]] = {
    "attempt": {"number": 1, "finished_at": NOW, "outcome": "retrying"},
    "dead_letter": {
        "attempt": 1, "task": TASK, "queue": "default", "error_class": "E", "error_message": "broken",
        "traceback": "T", "first_error_class": "E", "first_error_message": "broken",
        "first_traceback": "T", "fingerprint": "f", "retry_count": 0,
    },
    "deploy": {"revision": "v1", "marked_by": "ann"},
    "error_group": {
        "error_class": "E", "message": "broken", "tasks": Sql("'{}'"), "queues": Sql("'{}'"),
        "releases": Sql("'{}'"), "first_seen_at": NOW, "last_seen_at": NOW, "count": 1,
    },
    "failure": {"error_class": "E", "message": "broken", "task": TASK, "queue": "default"},
    "job": {"task": TASK, "queue": "default"},
    "job_log": {"number": 1, "attempt": 1, "said_at": NOW, "level": 20, "message": "a line"},
    "job_minute": {
        "minute": Sql("date_trunc('minute', now())"), "queue": "default", "task": TASK,
        "worker_id": RANDOM,
    },
    "dead_letter_note": {"note": "seen", "written_by": "ann"},
    "operation": {"kind": "job", "verb": "retry", "created_by": "ann"},
    "operation_result": {"number": Sql("n"), "job_id": RANDOM, "is_done": True},
    "queue": {},
    "redrive": {
        "filter": Sql("'{}'"), "expected": 1, "until": 1, "shares": Sql("'{5,100}'"),
        "max_failed_percent": 20, "created_by": "ann",
    },
    "schedule": {
        "task": TASK, "kind": "cron", "cron": "0 2 * * *", "next_run_at": SOON, "created_by": "ann",
    },
    "setting": {"changed_by": "ann"},
    "task_definition": {"task": TASK, "created_by": "ann"},
    "task_runbook": {"text": "", "changed_by": "ann"},
    "task_pause": {"task": TASK, "paused_by": "ann"},
    "user": {"password": "x", "role_name": "admin"},
    "worker": {
        "host": "host", "pid": 42, "version": "0.1.0", "queues": Sql("'{}'"), "greenlets": 4,
        "lease_until": SOON,
    },
}  # fmt: skip
STAYS = {"queue", "task_pause"}  # a row of that name that is there already will do


def add(run: Run, table: str, *, count: int = 1, of: object = None, **fields: Any) -> Any:
    """Insert `count` rows; return the id of the last one, or None where the table has no ids.

    A value may be an expression (`Sql`). `of` is the job that a dead letter belongs to.
    """
    columns = DEFAULTS[table] | _own(table, fields.get("state"), count) | fields
    if of is None:
        return insert(run, table, columns, f"generate_series(1, {count}) AS n")
    columns |= {name: what for name, what in OF_JOB.items() if name not in fields}
    return insert(run, table, columns | {"job_id": Sql("job.id")}, "job WHERE job.id = %s", str(of))


def insert(
    run: Run, table: str, columns: dict[str, Any], source: str = "generate_series(1, 1)", *of: str
) -> Any:
    """Insert these columns and no others; return the id of the last row."""
    bound = [_bound(value) for value in columns.values() if not isinstance(value, Sql)]
    assert bound, "nothing is bound, so that signs of per cent would stay double"
    places = [v.replace("%", "%%") if isinstance(v, Sql) else "%s" for v in columns.values()]
    rest = "ON CONFLICT DO NOTHING" if table in STAYS else ""
    made = run(
        f'INSERT INTO "{table}" AS made ({", ".join(columns)}) SELECT {", ".join(places)}'
        f" FROM {source} {rest} RETURNING to_jsonb(made) -> 'id'",
        [*bound, *of],
    )
    return made[-1] if made else None


def _own(table: str, state: str | None, count: int) -> dict[str, Any]:
    """Return what each row has alone, and what its state demands."""
    if table == "job":
        own: dict[str, Any] = {"id": Sql("uuidv7()") if count > 1 else new_id()}
        return own | demanded(state or State.QUEUED)
    if table == "worker":
        return {"id": RANDOM}
    if table == "user":
        return {"fs_uniquifier": uuid4().hex}
    return {}


def demanded(state: str) -> dict[str, Any]:
    """Return the columns that a job in `state` has, so that all rules of the table hold."""
    demanded: dict[str, Any] = {"state": str(state)}
    if state == State.QUEUED:
        demanded["queued_at"] = NOW
    elif state == State.RUNNING:
        demanded |= {"started_at": NOW, "worker_id": RANDOM, "attempt": 1}
    elif state in (State.SCHEDULED, State.RETRYING):
        demanded["run_at"] = NOW
    elif state in FINAL:
        demanded["finished_at"] = NOW
    return demanded


def _bound(value: Any) -> Any:
    if isinstance(value, dict):
        return Json(value)
    return str(value) if isinstance(value, UUID) else value
