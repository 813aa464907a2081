"""Send a notification about dead letters on request, from the console or a task."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam.alerts.dispatch import usable_channels
from mahaam.alerts.messages import deliveries
from mahaam.alerts.messages.alert_message import MOST_SHOWN, Item
from mahaam.alerts.messages.delivery_errors import NobodyToTell
from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.core.translatable import Translatable
from mahaam.enqueuing import accept
from mahaam.jobs.notice import Notice
from mahaam.postgres import database
from mahaam.postgres.database import Cursor
from mahaam.redaction.redact import masked_text

# The channels of the rules about failed jobs; without such a rule, all.
CHANNELS = """
SELECT channel.id FROM channel WHERE is_enabled AND (
  id IN (SELECT unnest(channels) FROM alert_rule WHERE kind = 'job_failed' AND is_enabled)
  OR NOT EXISTS (SELECT FROM alert_rule WHERE kind = 'job_failed' AND is_enabled
                 AND cardinality(channels) > 0))
"""
LETTERS = """
SELECT id, task, error_class, left(error_message, 500) FROM dead_letter WHERE id = ANY(%s)
ORDER BY id DESC
"""
MARK = "UPDATE dead_letter SET notified_at = now() WHERE id = ANY(%s)"
WHAT = Translatable("%(task)s: %(error)s")


def send(ids: Sequence[int], *, by: str, count: int | None = None) -> int:
    """Send one message about dead letters, which stand for `count`, through each channel.

    Return the number of channels. Raises NobodyToTell, DatabaseUnavailable.
    """
    with database.transaction() as cursor:
        notices = tell(cursor, ids, by=by, count=count)
    accept.ring(notices)
    return len(notices)


def tell(cursor: Cursor, ids: Sequence[int], *, by: str, count: int | None = None) -> list[Notice]:
    """Make one message about some dead letters for each channel.

    Return the notices to send after the commit. The dead letters stand for `count`, when there are
    more. Raises NobodyToTell.
    """
    cursor.execute(LETTERS, (list(ids),))
    rows = cursor.fetchall()
    cursor.execute(CHANNELS)
    channels = usable_channels(cursor, [row[0] for row in cursor.fetchall()])
    if not channels:
        raise NobodyToTell(
            "No channel reaches anybody: set MAIL_SERVER and ADMIN_EMAILS, or add one."
        )
    if not rows:
        return []
    items = [
        Item(
            WHAT.about(task=task, error=error),
            address_of(LinkedPage.DEAD_LETTER, id_),
            severity="critical",
            detail=masked_text(message, task),
        )
        for id_, task, error, message in rows[:MOST_SHOWN]
    ]
    letter = rows[0][0] if len(rows) == 1 else None
    total = max(count or 0, len(rows))
    rings = [
        deliveries.make(cursor, channel, "letter", items, count=total, letter=letter, by=by)
        for channel in sorted(channels)
    ]
    cursor.execute(MARK, ([row[0] for row in rows],))
    return rings
