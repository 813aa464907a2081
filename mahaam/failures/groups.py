"""What people decide about error groups: resolve, ignore, watch again, assign, write a runbook."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.errors import OptionNotValid
from mahaam.core.payload import clean
from mahaam.core.translatable import Translatable
from mahaam.core.verb_result import VerbResult
from mahaam.failures import groups_store as store
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.records.record_set import Facts, RecordSet
from mahaam.records.table import Row

RUNBOOK_LIMIT_BYTES = 20_000
OWNER_LIMIT_BYTES = 254
MOST_COUNT = 10**12
MOST_RATE = 10**6

NO_GROUP = Translatable("No error group %(id)s exists.")
IS_RESOLVED = Translatable("Error group %(id)s is resolved.")
IS_WATCHED = Translatable("Error group %(id)s is neither resolved nor ignored.")

NOT_IGNORED = {
    "ignored_at": None,
    "ignored_by": None,
    "ignored_until": None,
    "ignored_until_count": None,
    "ignored_until_rate": None,
}


def resolve_groups(ids: Iterable[int], *, by: str) -> VerbResult:
    """Mark error groups as resolved; a group that fails again has returned. Its dead letters stay."""

    def why_not(row: Row) -> Translatable | None:
        return IS_RESOLVED.about(id=row["id"]) if row["resolved_at"] else None

    return _each(
        ids,
        "resolve",
        why_not,
        lambda now: NOT_IGNORED | {"resolved_at": now, "resolved_by": by, "returned_at": None},
        by=by,
    )


def ignore_groups(
    ids: Iterable[int],
    *,
    by: str,
    until: datetime | None = None,
    times: int | None = None,
    rate: int | None = None,
) -> VerbResult:
    """Let error groups raise no alert until a time, `times` more failures, or `rate` failures in an hour.

    Without any of them until somebody watches them again. Raises OptionNotValid.
    """
    for name, value, most in (("times", times, MOST_COUNT), ("rate", rate, MOST_RATE)):
        if value is not None and not 1 <= value <= most:
            raise OptionNotValid(f"{name} must be from 1 to {most}; it is {value}.")

    def change(now: datetime) -> Row:
        if until is not None and until <= now:
            raise OptionNotValid(f"until must be in the future; it is {until:%Y-%m-%d %H:%M %Z}.")
        return {
            "ignored_at": now,
            "ignored_by": by,
            "ignored_until": until,
            "ignored_until_rate": rate,
            "resolved_at": None,
            "resolved_by": None,
        }

    return _each(
        ids,
        "ignore",
        lambda _row: None,
        change,
        by=by,
        of_each=lambda row: {"ignored_until_count": row["count"] + times if times else None},
    )


def watch_groups(ids: Iterable[int], *, by: str) -> VerbResult:
    """Open error groups again that were resolved or ignored."""

    def why_not(row: Row) -> Translatable | None:
        is_open = row["resolved_at"] is None and row["ignored_at"] is None
        return IS_WATCHED.about(id=row["id"]) if is_open else None

    return _each(
        ids,
        "watch",
        why_not,
        lambda _now: NOT_IGNORED | {"resolved_at": None, "resolved_by": None},
        by=by,
    )


def assign_groups(ids: Iterable[int], owner: str | None, *, by: str) -> VerbResult:
    """Set the owner of error groups; None: nobody."""
    name = clean(owner, OWNER_LIMIT_BYTES) if owner else None
    return _each(ids, "assign", lambda _row: None, lambda _now: {"owner": name}, by=by)


def write_group_runbook(id_: int, text: str | None, *, by: str) -> VerbResult:
    """Write the runbook of an error group, as Markdown; None or an empty text removes it."""
    kept = _runbook(text)
    return _each([id_], "runbook", lambda _row: None, lambda _now: {"runbook": kept}, by=by)


def write_task_runbook(task: str, text: str | None, *, by: str) -> bool:
    """Write the runbook of a task, as Markdown. Return True if it differs from the one before."""
    kept = _runbook(text)
    with database.transaction() as cursor:
        before = store.write_runbook(cursor, task, kept, by=by)
        if before == kept:
            return False
        record.tell(
            cursor,
            AuditRecord(
                actor=by, verb="runbook", kind="task", targets=[task], before=before, after=kept
            ),
        )
    return True


def _runbook(text: str | None) -> str | None:
    return clean(text.strip(), RUNBOOK_LIMIT_BYTES) if text and text.strip() else None


def _each(
    ids: Iterable[int],
    verb: str,
    why_not: Callable[[Row], Translatable | None],
    values_at: Callable[[datetime], Row],
    *,
    by: str,
    of_each: Callable[[Row], Row] | None = None,
) -> VerbResult:
    """Write values to those of `ids` for which `why_not` has no reason.

    `values_at` returns them for the present time, `of_each` returns further ones of a single group.
    """

    def change(cursor: Cursor, rows: list[Row]) -> Facts:
        values = values_at(store.now(cursor))
        store.update(cursor, [row["id"] for row in rows], values)
        for row in rows if of_each else ():
            assert of_each is not None
            store.update(cursor, [row["id"]], of_each(row))
        before = {
            name: record.shared({str(row["id"]): row.get(name) for row in rows}) for name in values
        }
        return {"before": before, "after": values}

    return GROUPS.each(ids, verb, why_not, change, by=by)


GROUPS = RecordSet("error_group", store.lock, NO_GROUP)
