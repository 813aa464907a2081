"""The firing of due schedules by one consumer, ten times a second."""

from __future__ import annotations

import time

from mahaam.consumer.cycle.signal_sender import SignalSender
from mahaam.postgres.reconnecting import ReconnectingConnection
from mahaam.schedules import firing

LOOK_EVERY_S = 0.1
RELEASE_EVERY_S = 0.5


class ScheduleLoop:
    """Fires due schedules on the scheduler's connection. The clock of this machine only sets the pace."""

    def __init__(self, link: ReconnectingConnection, signal_sender: SignalSender) -> None:
        self._link = link
        self._signal_sender = signal_sender
        self._look_at = 0.0
        self._release_at = 0.0

    def look(self) -> None:
        """Fire due schedules, unless that was done a moment ago. Raises ConnectionBroken."""
        now = time.monotonic()
        if now < self._look_at:
            return
        notices, is_more = firing.fire_due(self._link.run)
        self._look_at = now if is_more else now + LOOK_EVERY_S
        if now >= self._release_at:
            self._release_at = now + RELEASE_EVERY_S
            notices += firing.release(self._link.run)
        firing.ring(notices)
        if notices:
            self._signal_sender.enqueued([notice.id for notice in notices])
