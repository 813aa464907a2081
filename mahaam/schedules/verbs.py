"""What people do to schedules. Each verb locks and reads the rows, and returns what it did and rejected."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.field import FieldNotValid
from mahaam.core.payload import clean
from mahaam.core.translatable import Translatable
from mahaam.core.verb_result import Id, VerbResult
from mahaam.jobs.new_job import SCHEDULE_OPTIONS
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.records import crud
from mahaam.records.crud import Given, NamedKind
from mahaam.records.record_set import Facts, RecordSet
from mahaam.records.table import Row
from mahaam.schedules import definitions_store, fires_store, firing, store
from mahaam.schedules.due_queries import some_schedules
from mahaam.schedules.fields import TIMES, checked
from mahaam.schedules.firing import CannotFire
from mahaam.schedules.rules.declared import Declared
from mahaam.schedules.rules.spec import Spec, next_run
from mahaam.schedules.store import SCHEDULES

log = logging.getLogger("mahaam.verbs")

REASON_LIMIT_BYTES = 500
MOST_BACKFILLED = 1000

NO_DEFINITION = Translatable("There is no definition %(name)s.")
TAKEN = Translatable("Another schedule has this name.")
NO_SCHEDULE = Translatable("No schedule %(id)s exists.")
IS_ENABLED = Translatable("Schedule %(name)s cannot be enabled: it is.")
IS_DISABLED = Translatable("Schedule %(name)s cannot be disabled: it is.")
IS_OVER = Translatable("Schedule %(name)s cannot be enabled: it has no time that is still to come.")
NO_CODE = Translatable("Schedule %(name)s does not stand in the code.")
AS_CODE = Translatable("Schedule %(name)s is as the code says.")
BAD_PERIOD = Translatable("The period must end after it begins, and not in the future.")
TOO_MANY = Translatable("There are more than %(most)s times in this period. Choose a shorter one.")


def create_schedule(given: Given, *, by: str) -> int:
    """Make a schedule of the fields that are given. Return its id.

    Raises FieldNotValid, DatabaseUnavailable.
    """
    return crud.create(SCHEDULE, given, by=by)


def edit_schedule(id_: int, given: Given, *, by: str) -> bool:
    """Change what is given; from then on the code no longer changes the schedule.

    Return True if anything changed. Raises LookupError, FieldNotValid, DatabaseUnavailable.
    """
    return crud.change(SCHEDULE, id_, given, by=by)


def delete_schedules(ids: Iterable[int], *, by: str) -> VerbResult:
    """Delete schedules with their history; one that the code declares is made again at the next start."""

    def change(cursor: Cursor, rows: list[Row]) -> Facts:
        SCHEDULES.delete(cursor, [row["id"] for row in rows])
        return {}

    return RECORDS.each(ids, "delete", lambda _row: None, change, by=by)


def disable_schedules(ids: Iterable[int], *, by: str, reason: str | None = None) -> VerbResult:
    """Disable schedules, so that they no longer fire; jobs that they made continue."""
    reason = clean(reason.strip(), REASON_LIMIT_BYTES) if reason else None

    def why_not(row: Row) -> Translatable | None:
        return IS_DISABLED.about(name=row["name"]) if row["disabled_at"] else None

    def change(cursor: Cursor, rows: list[Row]) -> Facts:
        off = {"disabled_by": by, "disabled_reason": reason or None}
        for row in rows:
            SCHEDULES.update(cursor, row["id"], off | {"disabled_at": row["now"]})
        return {"reason": reason}

    return RECORDS.each(ids, "disable", why_not, change, by=by)


def enable_schedules(ids: Iterable[int], *, by: str) -> VerbResult:
    """Enable schedules again, from the next time on: due times that passed meanwhile make no jobs."""

    def why_not(row: Row) -> Translatable | None:
        if row["disabled_at"] is None:
            return IS_ENABLED.about(name=row["name"])
        return None if next_run(spec_of(row), row["now"]) else IS_OVER.about(name=row["name"])

    def change(cursor: Cursor, rows: list[Row]) -> Facts:
        on = {"disabled_at": None, "disabled_by": None, "disabled_reason": None}
        for row in rows:
            due = {"next_run_at": next_run(spec_of(row), row["now"])}
            SCHEDULES.update(cursor, row["id"], on | due)
        return {}

    return RECORDS.each(ids, "enable", why_not, change, by=by)


def run_schedules(ids: Iterable[int], *, by: str) -> VerbResult:
    """Make one job of each schedule now, with its own options; its next time stays as it is."""
    wanted = list(dict.fromkeys(ids))
    rows: list[Row] = []
    refused: dict[Id, Translatable] = {}
    with database.transaction() as cursor:
        found = {row.id: row for row in some_schedules(cursor, wanted)}
        for id_ in wanted:
            try:
                rows += firing.by_hand([found[id_]], by=by)
            except KeyError:
                refused[id_] = NO_SCHEDULE.about(id=id_)
            except CannotFire as fault:
                refused[id_] = fault.phrase
        notices = fires_store.run_now(cursor, rows) if rows else []
        done = [row["schedule_id"] for row in rows]
        if done:
            names = [found[id_].name for id_ in done]
            record.tell(cursor, AuditRecord(actor=by, verb="run", kind="schedule", targets=names))
    firing.ring(notices)
    log.info("Schedules run by hand. jobs=%s by=%s", len(notices), by)
    made = {UUID(int=row["schedule_id"]): UUID(row["id"]) for row in rows}
    return VerbResult(tuple(done), refused, made)


def back_to_code(ids: Iterable[int], *, by: str) -> VerbResult:
    """Give schedules that people edited the values that the code declares."""

    def why_not(row: Row) -> Translatable | None:
        if row["code"] is None:
            return NO_CODE.about(name=row["name"])
        return None if row["edited_at"] else AS_CODE.about(name=row["name"])

    def change(cursor: Cursor, rows: list[Row]) -> Facts:
        for row in rows:
            as_declared = of_code(row["code"], row["now"]) | {"edited_at": None}
            SCHEDULES.update(cursor, row["id"], as_declared)
        return {}

    return RECORDS.each(ids, "back_to_code", why_not, change, by=by)


def backfill_times(
    schedule: Spec, since: datetime, until: datetime, *, now: datetime
) -> list[datetime]:
    """Return the due times in a period that is over, both ends included. Raises FieldNotValid."""
    if not since <= until <= now:
        raise FieldNotValid("until", BAD_PERIOD)
    times: list[datetime] = []
    at = next_run(schedule, since - timedelta(microseconds=1))
    while at is not None and at <= until:
        times.append(at)
        if len(times) > MOST_BACKFILLED:
            raise FieldNotValid("until", TOO_MANY.about(most=MOST_BACKFILLED))
        at = next_run(schedule, at)
    return times


def backfill(id_: int, since: datetime, until: datetime, *, by: str) -> int:
    """Make the jobs of a period's due times that made none. Return how many.

    Raises LookupError, FieldNotValid, CannotFire, DatabaseUnavailable.
    """
    with database.transaction() as cursor:
        (schedule,) = some_schedules(cursor, [id_]) or _missing(id_)
        times = backfill_times(schedule.spec, since, until, now=schedule.now)
        fires_store.clear_skipped(cursor, id_, times)
        notices = (
            fires_store.run_now(cursor, firing.by_hand([schedule], by=by, at=times))
            if times
            else []
        )
        if notices:
            period = {"since": since, "until": until, "jobs": len(notices)}
            crud.note(cursor, SCHEDULE, "backfill", schedule.name, by=by, after=period)
    firing.ring(notices)
    log.info("Schedule backfilled. schedule=%s jobs=%s by=%s", schedule.name, len(notices), by)
    return len(notices)


def spec_of(row: Row) -> Spec:
    """Return the times of a schedule's row."""
    return Spec(**{name: row[name] for name in TIMES})


def of_code(code: Row, now: datetime) -> Row:
    """Return the columns of a schedule as the code declares it."""
    said = Declared(name="", **code)
    row = {name: getattr(said.spec, name) for name in TIMES} | code
    return row | {
        **dict.fromkeys(SCHEDULE_OPTIONS), "args": [], "definition_id": None,
        "next_run_at": next_run(said.spec, now),
    }  # fmt: skip


def _definition(cursor: Cursor, name: Any) -> Row | None:
    """Return the definition with a name, which stays until the transaction ends; None for no name."""
    if not name:
        return None
    found = definitions_store.named(cursor, str(name)) if str(name).isprintable() else None
    if found is None:
        raise FieldNotValid("definition", NO_DEFINITION.about(name=str(name)[:100]))
    return found


def _checked(cursor: Cursor, given: Given, before: Row | None) -> Row:
    if before is None:
        definition = _definition(cursor, given.get("definition"))
        return checked(given, now=store.now(cursor), definition=definition)
    known = definitions_store.name_of(cursor, before["definition_id"])
    row = checked(
        given,
        now=before["now"],
        definition=_definition(cursor, given.get("definition", known)),
        before={name: before[name] for name in (*SCHEDULES.fields, "next_run_at")},
    )
    return row | ({"edited_at": before["now"]} if before["code"] is not None else {})


def _missing(id_: int) -> Any:
    raise LookupError(str(NO_SCHEDULE.about(id=id_)))


SCHEDULE = NamedKind(name="schedule", store=SCHEDULES, taken=TAKEN, check=_checked)
RECORDS = RecordSet("schedule", SCHEDULES.lock_all, NO_SCHEDULE, target="name")
