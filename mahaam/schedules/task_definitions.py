"""What administrators do to definitions of tasks, and the jobs that operators make of them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.field import FieldNotValid, short_name
from mahaam.core.payload import clean, load
from mahaam.core.translatable import Translatable
from mahaam.enqueuing.enqueue import enqueue
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.records import crud
from mahaam.records.crud import Given, NamedKind
from mahaam.records.table import Row
from mahaam.schedules import definitions_store
from mahaam.schedules.definitions_queries import definition_tag
from mahaam.schedules.definitions_store import DEFINITIONS
from mahaam.schedules.fields import check_call, check_queue, known_task

DESCRIPTION_LIMIT_BYTES = 5000
TAKEN = Translatable("Another definition has this name.")
HAS_USER = Translatable("Schedule %(schedule)s runs it: the task stays.")
IN_USE = Translatable("Definition %(name)s cannot be deleted: schedule %(schedule)s runs it.")


def create_definition(given: Given, *, by: str) -> int:
    """Make a definition of name, task, description, queue and kwargs. Return its id.

    Raises FieldNotValid, DatabaseUnavailable.
    """
    return crud.create(DEFINITION, given, by=by)


def edit_definition(id_: int, given: Given, *, by: str) -> bool:
    """Change a definition. Return True if anything changed. Raises LookupError, FieldNotValid."""
    return crud.change(DEFINITION, id_, given, by=by)


def delete_definition(id_: int, *, by: str) -> None:
    """Delete a definition; its jobs stay. Raises LookupError, FieldNotValid while a schedule runs it."""
    crud.delete(DEFINITION, id_, by=by)


def execute_definition(id_: int, kwargs: dict[str, Any] | None = None, *, by: str) -> UUID:
    """Make a job of a definition, with other keyword arguments where they are given. Return its id.

    Raises LookupError, FieldNotValid, MahaamError.
    """
    with database.transaction() as cursor:
        row = DEFINITIONS.lock(cursor, id_)
        if row is None:
            raise LookupError
    wanted = row["kwargs"] if kwargs is None else kwargs
    check_call(known_task(row["task"]), [], wanted)
    made = enqueue(
        row["task"], (), load(json.dumps(wanted)), queue=row["queue"], created_by=by,
        tags=[definition_tag(row["name"])],
    )  # fmt: skip
    record.note(
        AuditRecord(
            actor=by, verb="execute", kind="definition", targets=[row["name"]],
            after={"job": str(made.id)},
        )
    )  # fmt: skip
    return made.id


def _checked(_cursor: Cursor, given: Given, before: Row | None) -> Row:
    wanted = {**(before or {}), **given}
    card = known_task(wanted.get("task"))
    kwargs = wanted.get("kwargs", {})
    name = short_name("name", wanted.get("name"))
    check_queue(wanted.get("queue"))
    check_call(card, [], kwargs, is_whole=False)
    return {
        "name": name,
        "task": card.name,
        "description": clean(wanted.get("description") or "", DESCRIPTION_LIMIT_BYTES),
        "queue": wanted.get("queue"),
        "kwargs": kwargs,
    }


def _check_use(cursor: Cursor, before: Row, after: Row | None) -> None:
    """Check that no schedule loses its definition, or gets one of another task. Raises FieldNotValid."""
    if after is not None and after["task"] == before["task"]:
        return
    schedule = definitions_store.schedule_of(cursor, before["id"])
    if schedule is not None and after is not None:
        raise FieldNotValid("task", HAS_USER.about(schedule=schedule))
    if schedule is not None:
        raise FieldNotValid("name", IN_USE.about(name=before["name"], schedule=schedule))


DEFINITION = NamedKind(
    name="definition", store=DEFINITIONS, taken=TAKEN, check=_checked, with_it=_check_use
)
