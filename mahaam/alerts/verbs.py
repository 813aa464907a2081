"""What people do to alerts: acknowledge, silence, close, take on; and to times of maintenance."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.errors import OptionNotValid
from mahaam.core.payload import clean
from mahaam.core.translatable import Translatable
from mahaam.operations.verb_result import LARGEST_ID, Id, VerbResult
from mahaam.postgres import database

log = logging.getLogger("mahaam.alerts")

OWNER_LIMIT_BYTES = 254
REASON_LIMIT_BYTES = 500
LONGEST_SILENCE_MIN = 7 * 1440

NO_ALERT = Translatable("No alert %(id)s exists.")
IS_CLOSED = Translatable("Alert %(id)s is closed.")
IS_ACKNOWLEDGED = Translatable("Alert %(id)s is acknowledged by %(who)s.")

# Index: alert_pkey.
LOCK = """
SELECT id, closed_at, acknowledged_by, silenced_until, owner FROM alert
WHERE id = ANY(%s) ORDER BY id FOR UPDATE
"""
CHANGES = {
    "acknowledge": "acknowledged_at = now(), acknowledged_by = %(by)s, owner = coalesce(owner, %(by)s)",
    "resolve": "closed_at = now(), closed_by = %(by)s",
    "silence": "silenced_until = now() + %(minutes)s * interval '1 minute', silenced_by = %(by)s",
    "assign": "owner = %(owner)s",
}


def acknowledge_alerts(ids: Iterable[int], *, by: str) -> VerbResult:
    """Say that somebody is on it: nobody is told any more, and it stays open."""
    return _each("acknowledge", ids, by=by)


def resolve_alerts(ids: Iterable[int], *, by: str) -> VerbResult:
    """Close alerts by hand. While the cause is there and gets no worse, they do not open again."""
    return _each("resolve", ids, by=by)


def silence_alerts(ids: Iterable[int], *, minutes: int, by: str) -> VerbResult:
    """Tell nobody of alerts for some minutes. Raises OptionNotValid."""
    if not 1 <= minutes <= LONGEST_SILENCE_MIN:
        raise OptionNotValid(
            f"An alert can be silenced for 1 to {LONGEST_SILENCE_MIN} minutes; it is {minutes}."
        )
    return _each("silence", ids, by=by, minutes=minutes)


def assign_alerts(ids: Iterable[int], owner: str | None, *, by: str) -> VerbResult:
    """Say who is on it; None: nobody."""
    return _each("assign", ids, by=by, owner=clean(owner, OWNER_LIMIT_BYTES) if owner else None)


def begin_maintenance(starts_at: datetime, ends_at: datetime, *, reason: str, by: str) -> int:
    """Let a time pass in which nobody is told; its id. Raises OptionNotValid."""
    words = clean(reason.strip(), REASON_LIMIT_BYTES)
    if not words:
        raise OptionNotValid("A time of maintenance needs a reason.")
    with database.transaction() as cursor:
        cursor.execute("SELECT %s > now(), %s > %s", (ends_at, ends_at, starts_at))
        row = cursor.fetchone()
        if row != (True, True):
            raise OptionNotValid("It must end after it begins, and in the future.")
        cursor.execute(
            "INSERT INTO maintenance (starts_at, ends_at, reason, created_by) VALUES (%s, %s, %s, %s)"
            " RETURNING id",
            (starts_at, ends_at, words, by),
        )
        made = cursor.fetchone()
        assert made is not None
        period = {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
        record.tell(
            cursor,
            AuditRecord(actor=by, verb="maintain", kind="maintenance", targets=[str(made[0])],
                  after=period, reason=words),
        )  # fmt: skip
    return int(made[0])


def end_maintenance(id_: int, *, by: str) -> bool:
    """End a time of maintenance now; whether it was to go on."""
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE maintenance SET ends_at = greatest(now(), starts_at + interval '1 microsecond')"
            " WHERE id = %s AND ends_at > now() RETURNING id",
            (id_,),
        )
        if cursor.fetchone() is None:
            return False
        record.tell(
            cursor,
            AuditRecord(actor=by, verb="end_maintenance", kind="maintenance", targets=[str(id_)]),
        )
    return True


def _each(verb: str, ids: Iterable[int], *, by: str, **values: Any) -> VerbResult:
    wanted = list(dict.fromkeys(ids))
    with database.transaction() as cursor:
        cursor.execute(LOCK, ([id_ for id_ in wanted if 0 < id_ <= LARGEST_ID],))
        names = ("id", "closed_at", "acknowledged_by", "silenced_until", "owner")
        found = {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
        refused: dict[Id, Translatable] = {
            id_: why for id_ in wanted if (why := _why_not(verb, id_, found.get(id_))) is not None
        }
        done = [id_ for id_ in wanted if id_ not in refused]
        if done:
            cursor.execute(
                f"UPDATE alert SET {CHANGES[verb]} WHERE id = ANY(%(ids)s)",
                {"ids": done, "by": by, **values},
            )
            record.tell(
                cursor,
                AuditRecord(actor=by, verb=verb, kind="alert", targets=list(map(str, done)),
                      after=values or None),
            )  # fmt: skip
    log.info("Alerts changed. verb=%s count=%s by=%s", verb, len(done), by)
    return VerbResult(tuple(done), refused)


def _why_not(verb: str, id_: int, row: Mapping[str, Any] | None) -> Translatable | None:
    if row is None:
        return NO_ALERT.about(id=id_)
    if row["closed_at"] is not None:
        return IS_CLOSED.about(id=id_)
    if verb == "acknowledge" and row["acknowledged_by"]:
        return IS_ACKNOWLEDGED.about(id=id_, who=row["acknowledged_by"])
    return None
