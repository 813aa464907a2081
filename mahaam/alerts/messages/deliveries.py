"""SQL of deliveries: made in the transaction that has something to notify, ended by their job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from mahaam.alerts.messages import effects
from mahaam.alerts.messages.alert_message import Item, Message
from mahaam.enqueuing.enqueue import enqueue_with
from mahaam.jobs.notice import Notice
from mahaam.postgres.database import Cursor

TASK = "mahaam.alerts.tasks.deliver"
QUEUE = "notifications"
PRIORITY = 10

MAKE = """
INSERT INTO alert_delivery (channel_id, about, message, alert_ids, dead_letter_id, created_by)
VALUES (%(channel)s, %(about)s, %(message)s, %(alerts)s, %(letter)s, %(by)s) RETURNING id
"""
FIND = """
SELECT delivery.id, delivery.about, delivery.message, delivery.state, channel.id, channel.kind,
       channel.recipients, channel.url, channel.secret, channel.language, channel.is_enabled
FROM alert_delivery AS delivery JOIN channel ON channel.id = channel_id WHERE delivery.id = %s
"""
SENT = """
UPDATE alert_delivery SET state = 'sent', tries = tries + 1, fault = NULL, ended_at = now()
WHERE id = %s AND state = 'waiting'
"""
TRIED = """
UPDATE alert_delivery
SET tries = tries + 1, fault = %(fault)s, state = CASE WHEN %(is_last)s THEN 'failed' ELSE state END,
    ended_at = CASE WHEN %(is_last)s THEN now() END
WHERE id = %(id)s AND state = 'waiting'
"""
AGAIN = """
UPDATE alert_delivery SET state = 'waiting', ended_at = NULL WHERE id = %s AND state = 'failed'
RETURNING id
"""
# Its job has ended without an outcome: it was cancelled, or ended its consumers. Index:
# alert_delivery_waiting.
LEFT_BEHIND = """
UPDATE alert_delivery AS delivery
SET state = 'failed', ended_at = now(), fault = coalesce(fault, 'Its job ended as ' || job.state || '.')
FROM job WHERE delivery.state = 'waiting' AND job.id = delivery.job_id::uuid
  AND job.state IN ('failed', 'cancelled', 'expired', 'completed')
  AND job.finished_at < now() - interval '5 s'
"""
LANGUAGES = 'SELECT email, language FROM "user" WHERE email = ANY(%s) AND language IS NOT NULL'


class NewDelivery(NamedTuple):
    """A message and the channel that it goes through."""

    id: int
    about: str
    message: dict[str, Any]
    state: str
    channel_id: int
    kind: str
    recipients: list[str]
    url: str | None
    secret: str | None
    language: str
    is_enabled: bool

    @property
    def told(self) -> Message:
        """Return the message."""
        items = [Item.of_kept(item) for item in self.message["items"]]
        return Message(self.id, self.about, items, self.message["count"])


def make(
    cursor: Cursor,
    channel: int,
    about: str,
    items: Sequence[Item],
    *,
    count: int | None = None,
    letter: int | None = None,
    by: str | None = None,
) -> Notice:
    """Insert a message and the job that delivers it. Return the notice to send after the commit."""
    message = {"items": [item.kept() for item in items], "count": count or len(items)}
    alerts = [item.id for item in items if item.id is not None]
    cursor.execute(
        MAKE,
        {
            "channel": channel,
            "about": about,
            "message": json.dumps(message),
            "alerts": alerts,
            "letter": letter,
            "by": by,
        },
    )
    row = cursor.fetchone()
    assert row is not None
    return _job(cursor, int(row[0]), by)


def again(cursor: Cursor, id_: int, *, by: str) -> Notice | None:
    """Try a failed delivery once more. Return the notice of its job, or None when it has not failed."""
    cursor.execute(AGAIN, (id_,))
    if cursor.fetchone() is None:
        return None
    effects.again(cursor, id_)
    return _job(cursor, id_, by)


def _job(cursor: Cursor, id_: int, by: str | None) -> Notice:
    ring = enqueue_with(
        cursor, TASK, (id_,), created_by=by or "alerts", queue=QUEUE, priority=PRIORITY
    )
    cursor.execute("UPDATE alert_delivery SET job_id = %s WHERE id = %s", (ring.id, id_))
    return ring


def find(cursor: Cursor, id_: int) -> NewDelivery | None:
    """Return a delivery, or None when it or its channel is gone."""
    cursor.execute(FIND, (id_,))
    row = cursor.fetchone()
    return NewDelivery._make(row) if row else None


def note_sent(cursor: Cursor, id_: int) -> None:
    """Note that it has been delivered."""
    cursor.execute(SENT, (id_,))


def note_fault(cursor: Cursor, id_: int, fault: str, *, is_last: bool) -> None:
    """Note that a try failed; the last one ends it."""
    cursor.execute(TRIED, {"id": id_, "fault": fault[:500], "is_last": is_last})


def end_left_behind(cursor: Cursor) -> None:
    """End those whose job has ended without an outcome."""
    cursor.execute(LEFT_BEHIND)


def languages_of(cursor: Cursor, addresses: Sequence[str], default: str) -> dict[str, str]:
    """Return the language of each address: its account's choice, else the channel's."""
    cursor.execute(LANGUAGES, ([address.lower() for address in addresses],))
    chosen = dict(cursor.fetchall())
    return {address: chosen.get(address.lower(), default) for address in addresses}
