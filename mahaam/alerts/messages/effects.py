"""Marks of a message for each of its recipients, each in a commit of its own.

A mark is written right after the effect: a try after a crash, a rejection or a time-out sends to
those who have not got it, and to no one else.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from mahaam.core.payload import clean
from mahaam.postgres import database
from mahaam.postgres.database import Cursor

FAULT_LIMIT_BYTES = 300
SENT, REFUSED, WAITING = "sent", "refused", "waiting"

# Recipients that a channel no longer has, and who got nothing, are dropped.
BEGIN = """
DELETE FROM delivery_effect WHERE delivery_id = %(id)s AND state <> 'sent' AND target <> ALL(%(targets)s)
"""
ENTER = """
INSERT INTO delivery_effect (delivery_id, target)
SELECT %(id)s, target FROM unnest(%(targets)s) AS target ON CONFLICT DO NOTHING
"""
LEFT = """
SELECT target FROM delivery_effect WHERE delivery_id = %(id)s AND state = 'waiting' ORDER BY target
"""
MARK = """
UPDATE delivery_effect SET state = %(state)s, fault = %(fault)s, tries = tries + 1, changed_at = now()
WHERE delivery_id = %(id)s AND target = %(target)s AND state = 'waiting'
"""
COUNTS = """
SELECT count(*) FILTER (WHERE state = 'sent'), count(*) FILTER (WHERE state = 'refused'), count(*)
FROM delivery_effect WHERE delivery_id = %(id)s
"""
AGAIN = """
UPDATE delivery_effect SET state = 'waiting', changed_at = now()
WHERE delivery_id = %(id)s AND state = 'refused'
"""


class Counts(NamedTuple):
    """How many recipients have got a message, how many will not, and how many there are."""

    sent: int
    refused: int
    all: int


class Effects:
    """The marks of one delivery."""

    def __init__(self, delivery_id: int) -> None:
        self._id = delivery_id

    def begin(self, targets: Sequence[str]) -> list[str]:
        """Enter the recipients. Return those who have neither got it nor refused it."""
        wanted = {"id": self._id, "targets": list(targets)}

        def entered(cursor: Cursor) -> list[str]:
            cursor.execute(BEGIN, wanted)
            cursor.execute(ENTER, wanted)
            cursor.execute(LEFT, wanted)
            return [target for (target,) in cursor.fetchall()]

        return database.repeatable(entered, atomic=True)

    def sent(self, target: str) -> None:
        """Mark that one has got it."""
        self._mark(target, SENT, None)

    def refused(self, target: str, why: str) -> None:
        """Mark that one will never get it; it is not tried again."""
        self._mark(target, REFUSED, why)

    def put_off(self, target: str, why: str) -> None:
        """Mark that one has not got it yet."""
        self._mark(target, WAITING, why)

    def counts(self) -> Counts:
        """Return the counts of the delivery."""
        return database.repeatable(partial(_counts, id_=self._id))

    def _mark(self, target: str, state: str, why: str | None) -> None:
        fault = None if why is None else clean(why, FAULT_LIMIT_BYTES)
        values = {"id": self._id, "target": target, "state": state, "fault": fault}
        database.repeatable(lambda cursor: cursor.execute(MARK, values))


def again(cursor: Cursor, delivery_id: int) -> None:
    """Let those who refused a message be tried again."""
    cursor.execute(AGAIN, {"id": delivery_id})


def _counts(cursor: Cursor, id_: int) -> Counts:
    cursor.execute(COUNTS, {"id": id_})
    row = cursor.fetchone()
    assert row is not None
    return Counts._make(row)
