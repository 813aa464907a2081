"""Rows that a test makes itself: jobs in any state, and the workers that hold them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from mahaam.core.ids import new_id
from mahaam.jobs.claim import Claim
from mahaam.jobs.outcome import Ended, Failure, Outcome
from mahaam.jobs.states import State
from tests.factory import DEFAULTS, Sql, demanded, insert
from tests.mahaam.stage import Stage

CRASH = {
    "rescuer": str(uuid4()),
    "error_class": "WorkerCrashed",
    "message": "It ended.",
    "fingerprint": "f",
}
FAILURE = Failure("E", "broken", "Traceback: broken", "f")


def sound_fields(state: str) -> dict[str, str]:
    """Columns of a row in `state` that keeps all rules; SQL expressions by name."""
    fields = DEFAULTS["job"] | demanded(state)
    return {name: v if isinstance(v, Sql) else f"'{v}'" for name, v in fields.items()}


def insert_job(stage: Stage, fields: dict[str, str]) -> str:
    """Insert one job from SQL expressions by column, sound or not; its id."""
    return str(insert(stage.inserted, "job", {"id": new_id()} | sql_of(fields)))


def a_job(stage: Stage, state: str = "queued", /, **fields: str) -> str:
    """The id of a new job in `state`; `fields` are SQL expressions."""
    return str(stage.add("job", **({"state": state} | sql_of(fields))))


def sql_of(fields: dict[str, str]) -> dict[str, Any]:
    """The same fields, as expressions."""
    return {name: Sql(text) for name, text in fields.items()}


def a_worker(stage: Stage, *, state: str = "running", lease_s: float = 60) -> str:
    """The id of a new worker whose lease ends in `lease_s` seconds."""
    lease_until = Sql(f"now() + {lease_s} * interval '1 s'")
    return str(stage.add("worker", host="h", state=state, lease_until=lease_until))


def claim_of(stage: Stage, id_: str, **fields: Any) -> Claim:
    """What the worker of a running job knows; `fields` differ from the row."""
    row = {"may_be_revoked": False, "wait_s": None} | stage.ask(
        "SELECT *, id::text, coalesce(worker_id::text, gen_random_uuid()::text) AS worker_id,"
        " args::text, kwargs::text, options::text FROM job WHERE id = %s",
        id_,
    )[0]
    return Claim(**{name: row[name] for name in Claim._fields} | fields)


def ended(claim: Claim, state: State, **fields: Any) -> Ended:
    """An attempt that ended in `state`; with a failure where one belongs."""
    if state in (State.FAILED, State.RETRYING):
        fields = {"failure": FAILURE} | fields
    if state is State.RETRYING:
        fields = {"delay_s": 60.0} | fields
    return claim, Outcome(state, claim.retry_count, **fields)
