"""The columns of table job, listed once, for every INSERT, the claim and the waiting list.

All SQL is put together when its module is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mahaam.jobs.claim import Claim
from mahaam.jobs.new_job import COLUMNS

# Columns with their types in PostgreSQL. Those that each call of an enqueue sets:
OF_CALL = {"id": "uuid", "args": "jsonb", "kwargs": "jsonb", "shown": "jsonb"}
# Those that all calls of an enqueue share, as the fields of NewJob:
OF_JOB = {name: column.type for name, column in COLUMNS.items()}
# Those that the INSERT computes from PostgreSQL's clock:
OF_CLOCK = {
    "state": "text",
    "run_at": "timestamp with time zone",
    "queued_at": "timestamp with time zone",
    "expires_at": "timestamp with time zone",
}
OF_SCHEDULE = {"schedule_id": "bigint"}
# Those that begin with their default and change during the job's life:
OF_LIFE = {
    "attempt": "integer",
    "retry_count": "integer",
    "crash_count": "integer",
    "created_at": "timestamp with time zone",
    "started_at": "timestamp with time zone",
    "finished_at": "timestamp with time zone",
    "worker_id": "uuid",
    "progress": "integer",
    "progress_text": "text",
    "result": "jsonb",
    "error": "text",
    "cancel_requested_at": "timestamp with time zone",
    "cancel_requested_by": "text",
    "stop_note": "text",
    "result_taken": "integer",
}
EVERY = OF_CALL | OF_JOB | OF_CLOCK | OF_SCHEDULE | OF_LIFE
# Those that a copy takes from its original; `id` gets a new value:
OF_COPY = [name for name in OF_CALL | OF_JOB if name not in COLUMNS or COLUMNS[name].is_copied]


def each(names: Iterable[str], form: str) -> dict[str, str]:
    """Return an SQL expression for each of `names`, of a `form` such as `new.{}`."""
    return {name: form.format(name) for name in names}


def insert(values: Mapping[str, str], *, into: str = "job") -> str:
    """Return the beginning of an INSERT of SQL expressions by column; the caller appends its FROM."""
    return f"INSERT INTO {into} ({', '.join(values)})\nSELECT {', '.join(values.values())}"


def json_object(values: Mapping[str, str]) -> str:
    """Return SQL for a JSON object of SQL expressions by name, without those that are NULL."""
    pairs = ", ".join(f"'{name}', {value}" for name, value in values.items())
    return f"jsonb_strip_nulls(jsonb_build_object({pairs}))"


def claimed(**expressions: str) -> str:
    """Return the select list whose rows `Claim._make` turns into claims.

    `expressions` replace columns of the same name; a claim has its JSON as text.
    """
    columns = {
        name: f"job.{name}::text" if EVERY.get(name) == "jsonb" else f"job.{name}"
        for name in Claim._fields
    }
    return ", ".join((columns | expressions).values())
