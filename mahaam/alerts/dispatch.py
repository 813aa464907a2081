"""Notifications about opened and closed alerts: once, through the rule's channels, unless silenced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from mahaam.alerts.messages import deliveries
from mahaam.alerts.messages.alert_message import Item
from mahaam.alerts.messages.recipients import recipients
from mahaam.alerts.rule_types.job_failed import group_ids
from mahaam.config import get_settings
from mahaam.core.translatable import Translatable
from mahaam.jobs.notice import Notice
from mahaam.postgres.database import Cursor
from mahaam.set_aside import isolate

DIGEST_FROM = 4  # more messages than this at once through a channel become one
# No channel is notified that its own messages fail; the second is the name of earlier releases.
OWN_TASKS = r"^(mahaam|tasks)\.alerts\."

IN_MAINTENANCE = "SELECT EXISTS (SELECT FROM maintenance WHERE now() BETWEEN starts_at AND ends_at)"
# Index: alert_open, alert_rule_opened. Without alerts that are acknowledged, silenced, or notified
# within the cooldown of their rule.
OPENED = """
SELECT alert.id, rule.name, rule.channels, alert.severity, what, path, subject, opened_at, NULL
FROM alert JOIN alert_rule AS rule ON rule.id = rule_id
WHERE closed_at IS NULL AND notified_at IS NULL AND acknowledged_at IS NULL
  AND (silenced_until IS NULL OR silenced_until <= now())
  AND cardinality(rule.channels) > 0 AND coalesce(what #>> '{values,task}', '') !~ %s
  AND NOT EXISTS (
    SELECT FROM alert AS other WHERE other.rule_id = alert.rule_id AND other.subject = alert.subject
      AND other.notified_at > now() - rule.cooldown_s * interval '1 second')
ORDER BY alert.id FOR UPDATE OF alert SKIP LOCKED
"""
# Index: alert_untold. Only alerts whose opening was notified.
CLOSED = """
SELECT alert.id, rule.name, CASE WHEN notified_at IS NULL THEN '{}' ELSE rule.channels END,
       alert.severity, what, path, subject, opened_at, closed_at
FROM alert JOIN alert_rule AS rule ON rule.id = rule_id
WHERE closed_at IS NOT NULL AND told_closed_at IS NULL
ORDER BY alert.id LIMIT 1000 FOR UPDATE OF alert SKIP LOCKED
"""
CHANNELS = "SELECT id, kind, recipients FROM channel WHERE is_enabled AND id = ANY(%s)"
MARK_OPENED = "UPDATE alert SET notified_at = now() WHERE id = ANY(%s)"
MARK_CLOSED = "UPDATE alert SET told_closed_at = now() WHERE id = ANY(%s)"
# The newest dead letters of the causes that people were notified of. Index: dead_letter_open_cause.
MARK_LETTERS = """
UPDATE dead_letter SET notified_at = now() WHERE id IN (
  SELECT letter.id FROM error_group AS cause CROSS JOIN LATERAL (
    SELECT id FROM dead_letter WHERE fingerprint = cause.fingerprint AND resolved_at IS NULL
      AND reprocessed_at IS NULL AND notified_at IS NULL ORDER BY id DESC LIMIT 1000) AS letter
  WHERE cause.id = ANY(%s))
"""


class AlertChange(NamedTuple):
    """An alert that opened or closed, and the channels of the notification."""

    id: int
    rule: str
    channels: list[int]
    severity: str
    what: dict[str, Any]
    path: str
    subject: str
    opened_at: Any
    closed_at: Any

    @property
    def item(self) -> Item:
        """Return what the message says of it."""
        return Item(
            what=Translatable.of_kept(self.what),
            path=self.path,
            severity=self.severity,
            rule=self.rule,
            id=self.id,
            opened_at=self.opened_at.isoformat(),
            closed_at=self.closed_at and self.closed_at.isoformat(),
        )


def tell(cursor: Cursor) -> list[Notice]:
    """Make the messages of what opened and closed. Return the notices to send after the commit."""
    cursor.execute(IN_MAINTENANCE)
    row = cursor.fetchone()
    if row and row[0]:
        return []
    cursor.execute(OPENED, (OWN_TASKS,))
    opened = _readable(cursor, cursor.fetchall())
    cursor.execute(CLOSED)
    closed = _readable(cursor, cursor.fetchall())
    usable = usable_channels(cursor, {id_ for change in opened + closed for id_ in change.channels})
    told = [change for change in opened if usable & set(change.channels)]
    notices = _messages(cursor, "opened", told, usable) + _messages(
        cursor, "closed", closed, usable
    )
    _mark(cursor, told, closed)
    return notices


def usable_channels(cursor: Cursor, ids: Iterable[int]) -> set[int]:
    """Return those of some channels that are on and have recipients."""
    cursor.execute(CHANNELS, (list(ids),))
    return {
        id_
        for id_, kind, own in cursor.fetchall()
        if kind != "email" or (get_settings().sends_mail and recipients(own))
    }


def _readable(cursor: Cursor, rows: Sequence[tuple[Any, ...]]) -> list[AlertChange]:
    """Return the changes that can be notified; an alert that cannot be read does not delay the others."""

    def read(_cursor: Cursor, row: tuple[Any, ...]) -> AlertChange:
        change = AlertChange._make(row)
        assert change.item.kept()
        return change

    rows_by_id = {str(row[0]): partial(read, row=row) for row in rows}
    return isolate.each(isolate.inside(cursor), "alerts", rows_by_id)


def _messages(
    cursor: Cursor, about: str, changes: Sequence[AlertChange], usable: set[int]
) -> list[Notice]:
    steps = {
        str(channel): partial(
            _messages_of,
            channel=channel,
            about=about,
            items=[change.item for change in changes if channel in change.channels],
        )
        for channel in sorted(usable)
    }
    made = isolate.each(isolate.inside(cursor), "channels", steps)
    return [ring for notices in made for ring in notices]


def _messages_of(
    cursor: Cursor, *, channel: int, about: str, items: Sequence[Item]
) -> list[Notice]:
    if len(items) >= DIGEST_FROM:
        return [deliveries.make(cursor, channel, "digest", items[:100], count=len(items))]
    return [deliveries.make(cursor, channel, about, [item]) for item in items]


def _mark(cursor: Cursor, told: Sequence[AlertChange], closed: Sequence[AlertChange]) -> None:
    if told:
        cursor.execute(MARK_OPENED, ([change.id for change in told],))
        cursor.execute(MARK_LETTERS, (group_ids(change.subject for change in told),))
    if closed:
        cursor.execute(MARK_CLOSED, ([change.id for change in closed],))
