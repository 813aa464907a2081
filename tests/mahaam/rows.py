"""Rows that a test makes itself: jobs in any state, and the workers that hold them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from mahaam.core.ids import new_id
from mahaam.jobs.claim import Claim
from mahaam.jobs.outcome import Ended, Failure, Outcome
from mahaam.jobs.states import FINAL, State
from tests.mahaam.stage import Stage

CRASH = {
    "rescuer": str(uuid4()),
    "error_class": "WorkerCrashed",
    "message": "It ended.",
    "fingerprint": "f",
}
FAILURE = Failure("E", "broken", "Traceback: broken", "f")


def sound_fields(state: str) -> dict[str, Any]:
    """Columns of a row in `state` that keeps all rules; SQL expressions by name."""
    fields = {"task": "'tests.mahaam.tasks.nothing'", "queue": "'default'", "state": f"'{state}'"}
    if state == State.QUEUED:
        fields["queued_at"] = "now()"
    elif state == State.RUNNING:
        fields |= {"started_at": "now()", "worker_id": "gen_random_uuid()", "attempt": "1"}
    elif state in (State.SCHEDULED, State.RETRYING):
        fields["run_at"] = "now()"
    elif state in FINAL:
        fields["finished_at"] = "now()"
    return fields


def insert_job(stage: Stage, fields: dict[str, Any]) -> str:
    """Insert one job from SQL expressions by column; its id."""
    id_ = new_id()
    names, values = ", ".join(fields), ", ".join(fields.values())
    stage.ask(f"INSERT INTO job (id, {names}) VALUES ('{id_}', {values})")
    return id_


def a_job(stage: Stage, state: str = "queued", /, **fields: str) -> str:
    """The id of a new job in `state`; `fields` are SQL expressions."""
    return insert_job(stage, sound_fields(state) | fields)


def a_worker(stage: Stage, *, state: str = "running", lease_s: float = 60) -> str:
    """The id of a new worker whose lease ends in `lease_s` seconds."""
    id_ = str(uuid4())
    stage.ask(
        "INSERT INTO worker (id, host, pid, version, queues, greenlets, state, lease_until)"
        " VALUES (%s, 'h', 1, '1', '{}', 4, %s, now() + %s * interval '1 s')",
        id_,
        state,
        lease_s,
    )
    return id_


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
