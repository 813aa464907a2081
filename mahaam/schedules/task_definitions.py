"""What administrators do to definitions of tasks, and what operators run of them."""

from __future__ import annotations

import json
import logging
from typing import Any
from uuid import UUID

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.payload import clean, load
from mahaam.core.translatable import Translatable
from mahaam.enqueuing.enqueue import enqueue
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.schedules import definitions_store
from mahaam.schedules.definitions_queries import definition_tag
from mahaam.schedules.fields import check_call, check_queue, known_task, short_name
from mahaam.schedules.rules.spec import ScheduleNotValid

log = logging.getLogger("mahaam.verbs")

DESCRIPTION_LIMIT_BYTES = 5000
TAKEN = Translatable("Another definition has this name.")
HAS_USER = Translatable("Schedule %(schedule)s runs it: the task stays.")
IN_USE = Translatable("Definition %(name)s cannot be deleted: schedule %(schedule)s runs it.")

Row = dict[str, Any]


def create_definition(given: Row, *, by: str) -> int:
    """Make a definition of name, task, description, queue and kwargs; its id.

    Raises ScheduleNotValid with the field that is at fault, DatabaseUnavailable.
    """
    row = _checked(given)
    with database.transaction() as cursor:
        id_ = definitions_store.insert(cursor, row, by=by)
        if id_ is None:
            raise ScheduleNotValid("name", TAKEN)
        _tell(cursor, "create", row["name"], by=by, after=row)
    log.info("Definition made. definition=%s by=%s", row["name"], by)
    return id_


def edit_definition(id_: int, given: Row, *, by: str) -> bool:
    """Change a definition; whether anything changed. Raises LookupError, ScheduleNotValid."""
    with database.transaction() as cursor:
        before = definitions_store.lock(cursor, id_)
        if before is None:
            raise LookupError
        row = _checked(before | given)
        if row == before:
            return False
        if definitions_store.is_taken(cursor, row["name"], id_):
            raise ScheduleNotValid("name", TAKEN)
        user = definitions_store.user_of(cursor, id_)
        if row["task"] != before["task"] and user is not None:
            raise ScheduleNotValid("task", HAS_USER.about(schedule=user))
        definitions_store.update(cursor, id_, row, by=by)
        _tell(cursor, "edit", before["name"], by=by, before=before, after=row)
    return True


def delete_definition(id_: int, *, by: str) -> bool:
    """Delete a definition; its jobs stay. Whether there was one.

    Raises ScheduleNotValid while a schedule runs it.
    """
    with database.transaction() as cursor:
        before = definitions_store.lock(cursor, id_)
        if before is None:
            return False
        if (user := definitions_store.user_of(cursor, id_)) is not None:
            raise ScheduleNotValid("name", IN_USE.about(name=before["name"], schedule=user))
        definitions_store.delete(cursor, id_)
        _tell(cursor, "delete", before["name"], by=by, before=before)
    return True


def execute_definition(id_: int, kwargs: Row | None = None, *, by: str) -> UUID:
    """Make a job of a definition, with other arguments by name where they are given.

    Raises LookupError, ScheduleNotValid, MahaamError.
    """
    with database.transaction() as cursor:
        row = definitions_store.lock(cursor, id_)
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


def _checked(given: Row) -> Row:
    card = known_task(given.get("task"))
    kwargs = given.get("kwargs", {})
    name = short_name("name", given.get("name"))
    check_queue(given.get("queue"))
    check_call(card, [], kwargs, is_whole=False)
    return {
        "name": name,
        "task": card.name,
        "description": clean(given.get("description") or "", DESCRIPTION_LIMIT_BYTES),
        "queue": given.get("queue"),
        "kwargs": kwargs,
    }


def _tell(cursor: Cursor, verb: str, name: str, *, by: str, **more: Any) -> None:
    record.tell(cursor, AuditRecord(actor=by, verb=verb, kind="definition", targets=[name], **more))
