"""What people do to alerts: acknowledge, silence, close, assign; and to times of maintenance."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from mahaam.alerts import store
from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.errors import OptionNotValid
from mahaam.core.payload import clean
from mahaam.core.translatable import Translatable
from mahaam.core.verb_result import VerbResult
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.records.record_set import Facts, RecordSet
from mahaam.records.table import Row

OWNER_LIMIT_BYTES = 254
REASON_LIMIT_BYTES = 500
LONGEST_SILENCE_MIN = 7 * 1440

NO_ALERT = Translatable("No alert %(id)s exists.")
IS_CLOSED = Translatable("Alert %(id)s is closed.")
IS_ACKNOWLEDGED = Translatable("Alert %(id)s is acknowledged by %(who)s.")


def acknowledge_alerts(ids: Iterable[int], *, by: str) -> VerbResult:
    """Acknowledge alerts: they cause no more notifications, and stay open."""
    return _each("acknowledge", ids, by=by)


def resolve_alerts(ids: Iterable[int], *, by: str) -> VerbResult:
    """Close alerts by hand. While the cause is there and gets no worse, they do not open again."""
    return _each("resolve", ids, by=by)


def silence_alerts(ids: Iterable[int], *, minutes: int, by: str) -> VerbResult:
    """Send no notification about alerts for some minutes. Raises OptionNotValid."""
    if not 1 <= minutes <= LONGEST_SILENCE_MIN:
        raise OptionNotValid(
            f"An alert can be silenced for 1 to {LONGEST_SILENCE_MIN} minutes; it is {minutes}."
        )
    return _each("silence", ids, by=by, minutes=minutes)


def assign_alerts(ids: Iterable[int], owner: str | None, *, by: str) -> VerbResult:
    """Set the owner of alerts; None: nobody."""
    return _each("assign", ids, by=by, owner=clean(owner, OWNER_LIMIT_BYTES) if owner else None)


def begin_maintenance(starts_at: datetime, ends_at: datetime, *, reason: str, by: str) -> int:
    """Start a time in which nobody is notified. Return its id. Raises OptionNotValid."""
    words = clean(reason.strip(), REASON_LIMIT_BYTES)
    if not words:
        raise OptionNotValid("A time of maintenance needs a reason.")
    with database.transaction() as cursor:
        id_ = store.insert_maintenance(cursor, starts_at, ends_at, reason=words, by=by)
        if id_ is None:
            raise OptionNotValid("It must end after it begins, and in the future.")
        period = {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
        record.tell(
            cursor,
            AuditRecord(actor=by, verb="maintain", kind="maintenance", targets=[str(id_)],
                  after=period, reason=words),
        )  # fmt: skip
    return id_


def end_maintenance(id_: int, *, by: str) -> bool:
    """End a time of maintenance now. Return True if it was not over."""
    with database.transaction() as cursor:
        if not store.end_maintenance(cursor, id_):
            return False
        record.tell(
            cursor,
            AuditRecord(actor=by, verb="end_maintenance", kind="maintenance", targets=[str(id_)]),
        )
    return True


def _each(verb: str, ids: Iterable[int], *, by: str, **values: Any) -> VerbResult:
    def change(cursor: Cursor, rows: list[Row]) -> Facts:
        store.change_alerts(cursor, [row["id"] for row in rows], verb, by=by, **values)
        return {"after": values or None}

    return ALERTS.each(ids, verb, partial(_why_not, verb), change, by=by)


def _why_not(verb: str, row: Row) -> Translatable | None:
    if row["closed_at"] is not None:
        return IS_CLOSED.about(id=row["id"])
    if verb == "acknowledge" and row["acknowledged_by"]:
        return IS_ACKNOWLEDGED.about(id=row["id"], who=row["acknowledged_by"])
    return None


ALERTS = RecordSet("alert", store.lock_alerts, NO_ALERT)
