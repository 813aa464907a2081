"""SQL that writes alerts: opened, found again, gone; and further values that rules read."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from mahaam.alerts.rule_types.rule_type import Cause
from mahaam.postgres.database import Cursor
from mahaam.records.table import Row, rows

EVERY_S = 15

# One consumer evaluates; the others find the row locked, or that it was done a moment ago.
BEGIN = """
SELECT ended_at IS NULL OR ended_at <= now() - %(every_s)s * interval '1 second'
FROM alert_pass FOR UPDATE SKIP LOCKED
"""
END = "UPDATE alert_pass SET ended_at = clock_timestamp(), took_ms = %(took_ms)s"
RULES = """
SELECT id, name, kind, parameters, severity, cooldown_s, channels, changed_at FROM alert_rule
WHERE is_enabled ORDER BY id
"""
LIVE = "SELECT rule_id, subject FROM alert WHERE gone_at IS NULL"
DEPTHS = """
INSERT INTO queue_depth (minute, queue, waiting)
SELECT date_trunc('minute', now()), * FROM unnest(%s::text[], %s::bigint[])
ON CONFLICT (minute, queue) DO UPDATE SET waiting = greatest(queue_depth.waiting, excluded.waiting)
"""

_FOUND = """
jsonb_to_recordset(%(found)s::jsonb) AS found(subject text, what jsonb, path text, news_at timestamptz)
"""
# An alert that somebody closed, and whose cause became worse since, opens again. Index: alert_live.
RENEW = f"""
UPDATE alert SET gone_at = now() FROM {_FOUND}
WHERE rule_id = %(rule)s AND alert.subject = found.subject AND gone_at IS NULL
  AND closed_at IS NOT NULL AND found.news_at > closed_at
"""
OPEN = f"""
INSERT INTO alert (rule_id, subject, severity, what, path)
SELECT %(rule)s, subject, %(severity)s, what, path FROM {_FOUND} ORDER BY subject
ON CONFLICT (rule_id, subject) WHERE gone_at IS NULL
DO UPDATE SET seen_at = now(), what = excluded.what, path = excluded.path
RETURNING id, subject, xmax = 0
"""
GONE = """
UPDATE alert SET gone_at = now(), closed_at = coalesce(closed_at, now())
WHERE rule_id = %(rule)s AND gone_at IS NULL AND subject <> ALL(%(subjects)s)
"""
GONE_WITH_RULES = """
UPDATE alert SET gone_at = now(), closed_at = coalesce(closed_at, now())
FROM alert_rule AS rule WHERE rule.id = rule_id AND gone_at IS NULL AND NOT is_enabled
"""
FORGET = """
DELETE FROM alert WHERE id IN (
  SELECT id FROM alert WHERE gone_at IS NOT NULL AND closed_at < now() - interval '90 days'
  ORDER BY closed_at LIMIT 1000);
DELETE FROM queue_depth WHERE minute < now() - interval '8 days';
DELETE FROM incident WHERE happened_at < now() - interval '30 days'
  AND kind NOT IN ('primary', 'redis_memory_began');
DELETE FROM maintenance WHERE ends_at < now() - interval '90 days';
DELETE FROM alert_delivery WHERE id IN (
  SELECT id FROM alert_delivery WHERE created_at < now() - interval '30 days' AND state <> 'waiting'
  ORDER BY created_at LIMIT 1000)
"""

# Index: alert_pkey.
LOCK_ALERTS = """
SELECT id, closed_at, acknowledged_by FROM alert WHERE id = ANY(%s) ORDER BY id FOR UPDATE
"""
CHANGES = {
    "acknowledge": "acknowledged_at = now(), acknowledged_by = %(by)s, owner = coalesce(owner, %(by)s)",
    "resolve": "closed_at = now(), closed_by = %(by)s",
    "silence": "silenced_until = now() + %(minutes)s * interval '1 minute', silenced_by = %(by)s",
    "assign": "owner = %(owner)s",
}
MAINTAIN = """
INSERT INTO maintenance (starts_at, ends_at, reason, created_by)
SELECT %(starts_at)s, %(ends_at)s, %(reason)s, %(by)s
WHERE %(ends_at)s > now() AND %(ends_at)s > %(starts_at)s
RETURNING id
"""
END_MAINTENANCE = """
UPDATE maintenance SET ends_at = greatest(now(), starts_at + interval '1 microsecond')
WHERE id = %s AND ends_at > now()
"""


class StoredRule(NamedTuple):
    """A rule that is evaluated."""

    id: int
    name: str
    kind: str
    parameters: dict[str, Any]
    severity: str
    cooldown_s: int
    channels: list[int]
    changed_at: datetime


def begin(cursor: Cursor) -> bool:
    """Return True if this transaction is to evaluate the rules."""
    cursor.execute(BEGIN, {"every_s": EVERY_S})
    row = cursor.fetchone()
    return bool(row and row[0])


def end(cursor: Cursor, *, took_ms: int) -> None:
    """Note that the rules were evaluated."""
    cursor.execute(END, {"took_ms": took_ms})


def rules(cursor: Cursor) -> list[StoredRule]:
    """Return the rules that are switched on."""
    cursor.execute(RULES)
    return [StoredRule._make(row) for row in cursor.fetchall()]


def live(cursor: Cursor) -> dict[int, set[str]]:
    """Return the subjects whose cause existed the last time, by rule."""
    cursor.execute(LIVE)
    found: dict[int, set[str]] = {}
    for rule, subject in cursor.fetchall():
        found.setdefault(rule, set()).add(subject)
    return found


def note_depths(cursor: Cursor, depths: Mapping[str, int]) -> None:
    """Note how many jobs wait in each queue in this minute."""
    cursor.execute(DEPTHS, ([*depths], [*depths.values()]))


def open_all(cursor: Cursor, rule: StoredRule, findings: Sequence[Cause]) -> list[tuple[int, str]]:
    """Open what was found and is not open, and note the others as found again.

    Return id and subject of the alerts that opened.
    """
    if not findings:
        return []
    found = [
        {
            "subject": finding.subject,
            "what": finding.what.kept(),
            "path": finding.path,
            "news_at": finding.news_at and finding.news_at.isoformat(),
        }
        for finding in findings
    ]
    values = {"rule": rule.id, "severity": rule.severity, "found": json.dumps(found)}
    cursor.execute(RENEW, values)
    cursor.execute(OPEN, values)
    return [(id_, subject) for id_, subject, is_new in cursor.fetchall() if is_new]


def close_gone(cursor: Cursor, rule_id: int, subjects: Collection[str]) -> None:
    """Close the alerts whose cause was not found any more."""
    cursor.execute(GONE, {"rule": rule_id, "subjects": list(subjects)})


def close_with_rules(cursor: Cursor) -> None:
    """Close the alerts of rules that are switched off."""
    cursor.execute(GONE_WITH_RULES)


def note_fault(cursor: Cursor, rule_id: int, fault: str | None) -> bool:
    """Note why a rule could not be evaluated (None: it could). Return True if that was not noted before."""
    cursor.execute(
        "UPDATE alert_rule SET fault = %(fault)s WHERE id = %(id)s AND fault IS DISTINCT FROM %(fault)s",
        {"id": rule_id, "fault": fault},
    )
    return bool(cursor.rowcount)


def lock_alerts(cursor: Cursor, ids: Sequence[int]) -> dict[int, Row]:
    """Return alerts by id, locked until the transaction ends."""
    cursor.execute(LOCK_ALERTS, (list(ids),))
    return {row["id"]: row for row in rows(cursor)}


def change_alerts(cursor: Cursor, ids: Sequence[int], verb: str, **values: Any) -> None:
    """Do one of CHANGES to alerts."""
    cursor.execute(
        f"UPDATE alert SET {CHANGES[verb]} WHERE id = ANY(%(ids)s)", {"ids": list(ids), **values}
    )


def insert_maintenance(
    cursor: Cursor, starts_at: datetime, ends_at: datetime, *, reason: str, by: str
) -> int | None:
    """Insert a time of maintenance. Return its id, or None if it would be over, or end before it begins."""
    cursor.execute(
        MAINTAIN, {"starts_at": starts_at, "ends_at": ends_at, "reason": reason, "by": by}
    )
    made = cursor.fetchone()
    return int(made[0]) if made else None


def end_maintenance(cursor: Cursor, id_: int) -> bool:
    """End a time of maintenance now. Return True if it was not over."""
    cursor.execute(END_MAINTENANCE, (id_,))
    return bool(cursor.rowcount)


def known_channels(cursor: Cursor, ids: Sequence[int]) -> set[int]:
    """Return those of `ids` that are channels."""
    cursor.execute("SELECT id FROM channel WHERE id = ANY(%s)", (list(ids),))
    return {row[0] for row in cursor.fetchall()}


def rule_of_channel(cursor: Cursor, id_: int) -> str | None:
    """Return the name of a rule that notifies through a channel; None when there is none."""
    cursor.execute("SELECT name FROM alert_rule WHERE %s = ANY(channels) LIMIT 1", (id_,))
    row = cursor.fetchone()
    return str(row[0]) if row else None


def prune(cursor: Cursor) -> None:
    """Delete what is past its retention."""
    cursor.execute(FORGET)
