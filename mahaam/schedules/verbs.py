"""What people do to schedules. Each verb looks at the locked row and tells what it did and refused."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.payload import clean
from mahaam.core.translatable import Translatable
from mahaam.jobs.new_job import SCHEDULE_OPTIONS
from mahaam.operations.verb_result import Id, VerbResult
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.schedules import definitions_store, fires_store, firing, store
from mahaam.schedules.due_queries import some_schedules
from mahaam.schedules.fields import TIMES, checked
from mahaam.schedules.firing import CannotFire
from mahaam.schedules.rules.declared import Declared
from mahaam.schedules.rules.spec import ScheduleNotValid, Spec, next_run

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

Row = dict[str, Any]


def create_schedule(given: Row, *, by: str) -> int:
    """Make a schedule of the fields that are given; its id.

    Raises ScheduleNotValid, DatabaseUnavailable.
    """
    with database.transaction() as cursor:
        definition = _definition(cursor, given.get("definition"))
        row = checked(given, now=store.now(cursor), definition=definition)
        id_ = store.insert(cursor, row, by=by)
        if id_ is None:
            raise ScheduleNotValid("name", TAKEN)
        _tell(cursor, "create", [row["name"]], by=by, after=_told(row))
    log.info("Schedule made. schedule=%s by=%s", row["name"], by)
    return id_


def edit_schedule(id_: int, given: Row, *, by: str) -> bool:
    """Change what is given; from then on the schedule is the people's. Whether anything changed.

    Raises LookupError, ScheduleNotValid, DatabaseUnavailable.
    """
    with database.transaction() as cursor:
        before = store.lock(cursor, [id_])[id_]
        now = store.now(cursor)
        known = definitions_store.name_of(cursor, before["definition_id"])
        row = checked(
            given,
            now=now,
            definition=_definition(cursor, given.get("definition", known)),
            before={name: before[name] for name in store.FIELDS}
            | {"next_run_at": before["next_run_at"]},
        )
        changed = {name for name in store.FIELDS if row[name] != before[name]}
        if not changed:
            return False
        if "name" in changed and _is_taken(cursor, row["name"]):
            raise ScheduleNotValid("name", TAKEN)
        edited = {"edited_at": now} if before["code"] is not None else {}
        store.update(cursor, id_, row | edited)
        pick = partial(_picked, names=changed)
        _tell(cursor, "edit", [before["name"]], by=by, before=pick(before), after=pick(row))
    log.info("Schedule edited. schedule=%s by=%s", row["name"], by)
    return True


def delete_schedules(ids: Iterable[int], *, by: str) -> VerbResult:
    """Delete schedules with their history; one of the code comes back with the next start."""

    def change(cursor: Cursor, rows: list[Row]) -> None:
        store.delete(cursor, [row["id"] for row in rows])

    return _each(ids, "delete", lambda _row, _now: None, change, by=by)


def disable_schedules(ids: Iterable[int], *, by: str, reason: str | None = None) -> VerbResult:
    """Let schedules fire no more; what they made goes on."""
    reason = clean(reason.strip(), REASON_LIMIT_BYTES) if reason else None

    def why_not(row: Row, _now: datetime) -> Translatable | None:
        return IS_DISABLED.about(name=row["name"]) if row["disabled_at"] else None

    def change(cursor: Cursor, rows: list[Row]) -> None:
        now = store.now(cursor)
        for row in rows:
            off = {"disabled_at": now, "disabled_by": by, "disabled_reason": reason or None}
            store.update(cursor, row["id"], off)

    return _each(ids, "disable", why_not, change, by=by, reason=reason)


def enable_schedules(ids: Iterable[int], *, by: str) -> VerbResult:
    """Let schedules fire again, from the next time on: nothing that passed meanwhile is made up."""

    def why_not(row: Row, now: datetime) -> Translatable | None:
        if row["disabled_at"] is None:
            return IS_ENABLED.about(name=row["name"])
        return None if next_run(spec_of(row), now) else IS_OVER.about(name=row["name"])

    def change(cursor: Cursor, rows: list[Row]) -> None:
        now = store.now(cursor)
        for row in rows:
            on = {"disabled_at": None, "disabled_by": None, "disabled_reason": None}
            store.update(cursor, row["id"], on | {"next_run_at": next_run(spec_of(row), now)})

    return _each(ids, "enable", why_not, change, by=by)


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
        rings = fires_store.run_now(cursor, rows) if rows else []
        done = [row["schedule_id"] for row in rows]
        if done:
            _tell(cursor, "run", [found[id_].name for id_ in done], by=by)
    firing.ring(rings)
    log.info("Schedules run by hand. jobs=%s by=%s", len(rings), by)
    made = {UUID(int=row["schedule_id"]): UUID(row["id"]) for row in rows}
    return VerbResult(tuple(done), refused, made)


def back_to_code(ids: Iterable[int], *, by: str) -> VerbResult:
    """Give schedules that people edited what the code says of them."""

    def why_not(row: Row, _now: datetime) -> Translatable | None:
        if row["code"] is None:
            return NO_CODE.about(name=row["name"])
        return None if row["edited_at"] else AS_CODE.about(name=row["name"])

    def change(cursor: Cursor, rows: list[Row]) -> None:
        now = store.now(cursor)
        for row in rows:
            store.update(cursor, row["id"], of_code(row["code"], now) | {"edited_at": None})

    return _each(ids, "back_to_code", why_not, change, by=by)


def backfill_times(
    schedule: Spec, since: datetime, until: datetime, *, now: datetime
) -> list[datetime]:
    """The due times in a period that is over, both ends with it. Raises ScheduleNotValid."""
    if not since <= until <= now:
        raise ScheduleNotValid("until", BAD_PERIOD)
    times: list[datetime] = []
    at = next_run(schedule, since - timedelta(microseconds=1))
    while at is not None and at <= until:
        times.append(at)
        if len(times) > MOST_BACKFILLED:
            raise ScheduleNotValid("until", TOO_MANY.about(most=MOST_BACKFILLED))
        at = next_run(schedule, at)
    return times


def backfill(id_: int, since: datetime, until: datetime, *, by: str) -> int:
    """Make the jobs of a period's due times that made none; how many.

    Raises LookupError, ScheduleNotValid, CannotFire, DatabaseUnavailable.
    """
    with database.transaction() as cursor:
        (schedule,) = some_schedules(cursor, [id_]) or _missing(id_)
        times = backfill_times(schedule.spec, since, until, now=schedule.now)
        fires_store.clear_skipped(cursor, id_, times)
        rings = (
            fires_store.run_now(cursor, firing.by_hand([schedule], by=by, at=times))
            if times
            else []
        )
        if rings:
            period = {"since": since, "until": until, "jobs": len(rings)}
            _tell(cursor, "backfill", [schedule.name], by=by, after=period)
    firing.ring(rings)
    log.info("Schedule backfilled. schedule=%s jobs=%s by=%s", schedule.name, len(rings), by)
    return len(rings)


def spec_of(row: Row) -> Spec:
    """The times of a schedule's row."""
    return Spec(**{name: row[name] for name in TIMES})


def of_code(code: Row, now: datetime) -> Row:
    """The columns that the code's word for a schedule stands for."""
    said = Declared(name="", **code)
    row = {name: getattr(said.spec, name) for name in TIMES} | code
    return row | {
        **dict.fromkeys(SCHEDULE_OPTIONS), "args": [], "definition_id": None,
        "next_run_at": next_run(said.spec, now),
    }  # fmt: skip


def _definition(cursor: Cursor, name: Any) -> Row | None:
    """The definition with a name, which stays until the transaction ends; None for no name."""
    if not name:
        return None
    found = definitions_store.named(cursor, str(name)) if str(name).isprintable() else None
    if found is None:
        raise ScheduleNotValid("definition", NO_DEFINITION.about(name=str(name)[:100]))
    return found


def _each(
    ids: Iterable[int],
    verb: str,
    why_not: Callable[[Row, datetime], Translatable | None],
    change: Callable[[Cursor, list[Row]], None],
    *,
    by: str,
    reason: str | None = None,
) -> VerbResult:
    """Do a verb to those of `ids` that it takes, in one transaction."""
    wanted = list(dict.fromkeys(ids))
    with database.transaction() as cursor:
        found = store.lock(cursor, wanted)
        now = store.now(cursor)
        refused: dict[Id, Translatable] = {
            id_: NO_SCHEDULE.about(id=id_) for id_ in wanted if id_ not in found
        }
        refused |= {
            id_: why for id_, row in found.items() if (why := why_not(row, now)) is not None
        }
        rows = [found[id_] for id_ in wanted if id_ not in refused]
        if rows:
            change(cursor, rows)
            _tell(cursor, verb, [row["name"] for row in rows], by=by, reason=reason)
    log.info("Schedules changed. verb=%s count=%s by=%s", verb, len(rows), by)
    return VerbResult(tuple(row["id"] for row in rows), refused)


def _tell(cursor: Cursor, verb: str, names: Sequence[str], *, by: str, **more: Any) -> None:
    record.tell(
        cursor, AuditRecord(actor=by, verb=verb, kind="schedule", targets=list(names), **more)
    )


def _told(row: Row) -> Row:
    return {name: value for name, value in row.items() if value not in (None, [], {})}


def _picked(row: Row, names: Iterable[str]) -> Row:
    return {name: row[name] for name in sorted(names)}


def _is_taken(cursor: Cursor, name: str) -> bool:
    cursor.execute("SELECT FROM schedule WHERE name = %s", (name,))
    return cursor.fetchone() is not None


def _missing(id_: int) -> Any:
    raise LookupError(str(NO_SCHEDULE.about(id=id_)))
