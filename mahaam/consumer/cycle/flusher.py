"""The flusher, which waits for the disk on its own connection, while the dispatcher goes on.

PostgreSQL writes one log for all connections, in order: when a commit here is on disk, so is every
commit that PostgreSQL had answered before, also those that did not wait for the disk.

That holds for one server and one run of it. The dispatcher therefore accepts a flush only if both
connections are to the same server, and if its own has answered once more after the flush was
confirmed: a crash in between would have broken it.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import gevent
from gevent.event import Event

from mahaam.core.liveness import get_on
from mahaam.postgres.database import Cursor
from mahaam.postgres.reconnecting import ConnectionBroken, ReconnectingConnection

SQL_TIMEOUT_S = 10.0
IDLE_S = 2.0  # how often an idle flusher gives a sign of life
PAUSE_S = 1.0  # after a flush that failed; the dispatcher waits for the disk itself meanwhile

# A transaction that writes to the log, to nothing else, and is committed durably.
FLUSH = "SELECT pg_logical_emit_message(true, 'mahaam', '')"
SERVER = "SELECT pg_postmaster_start_time()"


class FlushMark(NamedTuple):
    """The number of completions that the dispatcher had written, its connection, and the server."""

    connection: int
    server: datetime | None
    written: int


class Flusher:
    """Flushes the completions up to a mark to disk; `confirmed` is the last mark that is on disk."""

    def __init__(self) -> None:
        self.confirmed: FlushMark | None = None
        self._asked: FlushMark | None = None
        self._is_asked = Event()
        self._server: datetime | None = None
        self._link = ReconnectingConnection("mahaam flusher", timeout_s=SQL_TIMEOUT_S)
        self._link.on_open = self._note_server

    def ask(self, mark: FlushMark) -> bool:
        """Request a flush, without waiting. Return False if one is under way already."""
        if self._asked is not None:
            return False
        self._asked = mark
        self._is_asked.set()
        return True

    def loop(self) -> None:
        """Flush on request, for ever. The connection is opened before the first request."""
        self._asked = None  # the dispatcher itself does what a loop before this one was asked for
        self.flush(FlushMark(0, None, 0))
        while True:
            get_on()
            if not self._is_asked.wait(IDLE_S):
                continue
            self._is_asked.clear()
            mark = self._asked
            if mark is not None and not self.flush(mark):
                gevent.sleep(PAUSE_S)
            self._asked = None

    def flush(self, mark: FlushMark) -> bool:
        """Wait for the disk. Return True if this confirms the mark of the dispatcher's server."""
        try:
            self._link.run(_flush)
        except ConnectionBroken:
            return False
        if self._server == mark.server:
            self.confirmed = mark
        return self._server == mark.server

    def _note_server(self, cursor: Cursor) -> None:
        self._server = server(cursor)


def server(cursor: Cursor) -> datetime | None:
    """Return when the server of a connection was started, which identifies the server."""
    cursor.execute(SERVER)
    row = cursor.fetchone()
    return row[0] if row else None


def _flush(cursor: Cursor) -> None:
    cursor.execute(FLUSH)
