"""What people do to rules: make, edit, switch, delete; and what a rule would have found."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from mahaam.alerts.rule_types import KINDS
from mahaam.alerts.rule_types.rule_type import RuleNotValid, RuleType, firings
from mahaam.audit import record
from mahaam.audit.record import AuditRecord
from mahaam.core.translatable import Translatable
from mahaam.postgres import database
from mahaam.postgres.database import Cursor

log = logging.getLogger("mahaam.alerts")

SEVERITIES = ("critical", "warning", "info")
LONGEST_NAME = 200
LONGEST_COOLDOWN_S = 7 * 86400
MOST_CHANNELS = 50
FIELDS = ("name", "kind", "parameters", "severity", "is_enabled", "cooldown_s", "channels")
DEFAULTS: dict[str, Any] = {
    "parameters": {}, "severity": "warning", "is_enabled": True, "cooldown_s": 300, "channels": [],
}  # fmt: skip

BAD_NAME = Translatable("Enter a name of 1 to %(most)s characters on one line.")
TAKEN = Translatable("Another rule has this name.")
NO_KIND = Translatable("Choose one of the list.")
BAD_COOLDOWN = Translatable("Enter a whole number from %(low)s to %(high)s.")
NO_CHANNEL = Translatable("There is no channel %(id)s.")
UNKNOWN = Translatable("A rule has no such field.")

INSERT = """
INSERT INTO alert_rule (name, kind, parameters, severity, is_enabled, cooldown_s, channels, created_by)
VALUES (%(name)s, %(kind)s, %(parameters)s, %(severity)s, %(is_enabled)s, %(cooldown_s)s, %(channels)s,
        %(by)s)
ON CONFLICT (name) DO NOTHING RETURNING id
"""
UPDATE = """
UPDATE alert_rule
SET name = %(name)s, kind = %(kind)s, parameters = %(parameters)s, severity = %(severity)s,
    is_enabled = %(is_enabled)s, cooldown_s = %(cooldown_s)s, channels = %(channels)s, fault = NULL,
    changed_by = %(by)s, changed_at = now()
WHERE id = %(id)s
"""
LOCK = f"SELECT {', '.join(FIELDS)} FROM alert_rule WHERE id = %s FOR UPDATE"
# What the old rule found is over when the rule means something else.
CLOSE = """
UPDATE alert SET gone_at = now(), closed_at = coalesce(closed_at, now())
WHERE rule_id = %s AND gone_at IS NULL
"""

Row = dict[str, Any]


def create_rule(given: Mapping[str, Any], *, by: str) -> int:
    """Make a rule of FIELDS; its id. Raises RuleNotValid, DatabaseUnavailable."""
    with database.transaction() as cursor:
        row = _checked(cursor, DEFAULTS | dict(given))
        cursor.execute(INSERT, _kept(row) | {"by": by})
        made = cursor.fetchone()
        if made is None:
            raise RuleNotValid("name", TAKEN)
        _tell(cursor, "create", row["name"], by=by, after=row)
    log.info("Rule made. rule=%s by=%s", row["name"], by)
    return int(made[0])


def edit_rule(id_: int, given: Mapping[str, Any], *, by: str) -> bool:
    """Change a rule; whether anything changed. Raises LookupError, RuleNotValid."""
    with database.transaction() as cursor:
        before = _locked(cursor, id_)
        row = _checked(cursor, before | dict(given))
        if row == before:
            return False
        cursor.execute("SELECT FROM alert_rule WHERE name = %s AND id <> %s", (row["name"], id_))
        if cursor.fetchone():
            raise RuleNotValid("name", TAKEN)
        cursor.execute(UPDATE, _kept(row) | {"id": id_, "by": by})
        if (row["kind"], row["parameters"]) != (before["kind"], before["parameters"]):
            cursor.execute(CLOSE, (id_,))
        _tell(cursor, "edit", before["name"], by=by, before=before, after=row)
    return True


def delete_rule(id_: int, *, by: str) -> None:
    """Delete a rule with its alerts. Raises LookupError."""
    with database.transaction() as cursor:
        before = _locked(cursor, id_)
        cursor.execute("DELETE FROM alert_rule WHERE id = %s", (id_,))
        _tell(cursor, "delete", before["name"], by=by, before=before)


def would_have_fired(kind: str, parameters: Mapping[str, Any]) -> int | None:
    """How often such a rule would have opened an alert in the last seven days; None: nobody knows.

    Raises RuleNotValid, DatabaseUnavailable.
    """
    known = _kind(kind)
    checked = known.checked(parameters)
    if known.past is None:
        return None
    look = known.past
    with database.transaction() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '5s'")
        moments = list(look(cursor, checked))
    return firings(moments, known.gap)


def _checked(cursor: Cursor, row: Row) -> Row:
    if unknown := sorted(row.keys() - set(FIELDS)):
        raise RuleNotValid(str(unknown[0])[:50], UNKNOWN)
    name = row.get("name").strip() if isinstance(row.get("name"), str) else ""  # type: ignore[union-attr]
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise RuleNotValid("name", BAD_NAME.about(most=LONGEST_NAME))
    kind = _kind(row.get("kind"))
    if row["severity"] not in SEVERITIES:
        raise RuleNotValid("severity", NO_KIND)
    cooldown = row["cooldown_s"]
    if type(cooldown) is not int or not 0 <= cooldown <= LONGEST_COOLDOWN_S:
        raise RuleNotValid("cooldown_s", BAD_COOLDOWN.about(low=0, high=LONGEST_COOLDOWN_S))
    return {
        "name": name,
        "kind": kind.name,
        "parameters": kind.checked(row["parameters"]),
        "severity": row["severity"],
        "is_enabled": bool(row["is_enabled"]),
        "cooldown_s": cooldown,
        "channels": _channels(cursor, row["channels"]),
    }


def _kind(name: Any) -> RuleType:
    if name not in KINDS:
        raise RuleNotValid("kind", NO_KIND)
    return KINDS[name]


def _channels(cursor: Cursor, ids: Any) -> list[int]:
    wanted = sorted({id_ for id_ in ids if type(id_) is int and 0 < id_ < 2**63})[:MOST_CHANNELS]
    cursor.execute("SELECT id FROM channel WHERE id = ANY(%s)", (wanted,))
    missing = set(wanted) - {row[0] for row in cursor.fetchall()}
    if missing or len(wanted) != len(set(ids)):
        raise RuleNotValid("channels", NO_CHANNEL.about(id=min(missing, default=0)))
    return wanted


def _locked(cursor: Cursor, id_: int) -> Row:
    cursor.execute(LOCK, (id_,))
    row = cursor.fetchone()
    if row is None:
        raise LookupError
    return dict(zip(FIELDS, row, strict=True))


def _kept(row: Row) -> Row:
    return row | {"parameters": json.dumps(row["parameters"])}


def _tell(cursor: Cursor, verb: str, name: str, *, by: str, **more: Any) -> None:
    record.tell(cursor, AuditRecord(actor=by, verb=verb, kind="alert_rule", targets=[name], **more))
