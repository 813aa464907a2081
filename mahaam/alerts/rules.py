"""What people do to rules: make, edit, switch, delete; and what a rule would have found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mahaam.alerts import store
from mahaam.alerts.rule_types import KINDS
from mahaam.alerts.rule_types.rule_type import RuleType, firings
from mahaam.core.field import FieldNotValid, check_fields, one_of, short_name, whole_number
from mahaam.core.translatable import Translatable
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.records import crud
from mahaam.records.crud import Given, NamedKind
from mahaam.records.table import RecordTable, Row

SEVERITIES = ("critical", "warning", "info")
LONGEST_COOLDOWN_S = 7 * 86400
MOST_CHANNELS = 50
FIELDS = ("name", "kind", "parameters", "severity", "is_enabled", "cooldown_s", "channels")
DEFAULTS: dict[str, Any] = {
    "parameters": {}, "severity": "warning", "is_enabled": True, "cooldown_s": 300, "channels": [],
}  # fmt: skip

TAKEN = Translatable("Another rule has this name.")
NO_CHANNEL = Translatable("There is no channel %(id)s.")
UNKNOWN = Translatable("A rule has no such field.")

RULES = RecordTable(
    name="alert_rule",
    fields=FIELDS,
    json=frozenset({"parameters"}),
    touched="fault = NULL, changed_by = %(by)s, changed_at = now()",
)


def create_rule(given: Given, *, by: str) -> int:
    """Make a rule of FIELDS. Return its id. Raises FieldNotValid, DatabaseUnavailable."""
    return crud.create(RULE, given, by=by)


def edit_rule(id_: int, given: Given, *, by: str) -> bool:
    """Change a rule. Return True if anything changed. Raises LookupError, FieldNotValid."""
    return crud.change(RULE, id_, given, by=by)


def delete_rule(id_: int, *, by: str) -> None:
    """Delete a rule with its alerts. Raises LookupError."""
    crud.delete(RULE, id_, by=by)


def would_have_fired(kind: str, parameters: Mapping[str, Any]) -> int | None:
    """Return how often such a rule would have opened an alert in the last seven days.

    None: nobody knows. Raises FieldNotValid, DatabaseUnavailable.
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


def _checked(cursor: Cursor, given: Given, before: Row | None) -> Row:
    check_fields(given, FIELDS, UNKNOWN)
    row = {**(before or DEFAULTS), **given}
    name = short_name("name", row.get("name"))
    kind = _kind(row.get("kind"))
    one_of("severity", row["severity"], SEVERITIES)
    cooldown = whole_number("cooldown_s", row["cooldown_s"], 0, LONGEST_COOLDOWN_S)
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
    return KINDS[one_of("kind", name, KINDS)]


def _channels(cursor: Cursor, ids: Any) -> list[int]:
    wanted = sorted({id_ for id_ in ids if type(id_) is int and 0 < id_ < 2**63})[:MOST_CHANNELS]
    missing = set(wanted) - store.known_channels(cursor, wanted)
    if missing or len(wanted) != len(set(ids)):
        raise FieldNotValid("channels", NO_CHANNEL.about(id=min(missing, default=0)))
    return wanted


def _close_old(cursor: Cursor, before: Row, after: Row | None) -> None:
    """Close what the old rule found when the meaning of the rule has changed."""
    if after and any(after[name] != before[name] for name in ("kind", "parameters")):
        store.close_gone(cursor, before["id"], [])


RULE = NamedKind(name="alert_rule", store=RULES, taken=TAKEN, check=_checked, with_it=_close_old)
