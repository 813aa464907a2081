"""The detection of a failover of PostgreSQL, and of accepted jobs that are missing since.

With asynchronous replication a promoted standby may lack the last jobs that were accepted. Their ids
may be in Redis, or the jobs may run here: an id of that time without a row is a missing job.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import gevent
import redis

from mahaam.doorbell.doorbell import Doorbell
from mahaam.doorbell.pop import ID
from mahaam.failover import store as failover_store
from mahaam.postgres.database import Cursor
from mahaam.postgres.reconnecting import ConnectionBroken, ReconnectingConnection

log = logging.getLogger("mahaam.failover")

WATCHED_S = 3600.0  # how long after a failover ids without a row are checked
NOTICED_S = 60.0  # within which the maintenance's connection breaks, too
BEFORE, CLOCKS = timedelta(days=1), timedelta(minutes=1)  # when such a job was accepted
STEP = 1000
PAUSE_S = 5.0
NAMED = 20  # ids in one line of the log


class Failover:
    """Checks the server whenever the connection of `link` was opened anew.

    `unclaimed` is the dispatcher's list of ids that were popped or had run but are no row of this
    worker, each with its monotonic time.
    """

    def __init__(
        self, link: ReconnectingConnection, doorbell: Doorbell, unclaimed: deque[tuple[float, str]]
    ) -> None:
        self._link = link
        self._doorbell = doorbell
        self._unclaimed = unclaimed
        self._is_opened = True
        self._at: datetime | None = None
        self._until = 0.0
        link.on_open = self._note_opening

    def look(self) -> None:
        """Check the server after its connection was opened, and the ids without a row."""
        if self._is_opened:
            self._look_at_server()
        now, unclaimed = time.monotonic(), self._unclaimed
        while unclaimed and unclaimed[0][0] < now - NOTICED_S:
            unclaimed.popleft()
        if unclaimed and self._at is not None and now < self._until:
            ids = [unclaimed.popleft()[1] for _ in range(len(unclaimed))]
            self._note(self._link, ids, self._at)

    def _note_opening(self, _cursor: Cursor) -> None:
        self._is_opened = True

    def _look_at_server(self) -> None:
        noticed = self._link.run(failover_store.look, atomic=True)
        self._is_opened = False
        self._at, self._until = noticed.at, time.monotonic() + WATCHED_S
        if noticed.is_new and noticed.at is not None:
            log.warning(
                "PostgreSQL was failed over or restored: accepted jobs may be missing. Compare with "
                "the old server: flask queue reconcile --old-primary URL"
            )
            gevent.spawn(self._look_through_redis, noticed.at)

    def _look_through_redis(self, at: datetime) -> None:
        """Look for the rows of all ids that Redis holds. Consumers may claim some of them meanwhile."""
        link = ReconnectingConnection("mahaam failover", timeout_s=30)
        while True:
            try:
                for queue in self._doorbell.queues():
                    for members in self._doorbell.steps(queue, size=STEP):
                        self._note(link, [m.decode() for m in members if ID.fullmatch(m)], at)
            except (
                ConnectionBroken,
                redis.RedisError,
            ):  # other loops log both faults
                gevent.sleep(PAUSE_S)
            else:
                link.close()
                return

    def _note(self, link: ReconnectingConnection, ids: Iterable[str], at: datetime) -> None:
        recent = [id_ for id_ in ids if at - BEFORE < made_at(id_) < at + CLOCKS]
        if not recent:
            return
        missing = link.run(partial(failover_store.note_missing, ids=recent))
        if missing:
            log.error(
                "Accepted jobs are missing since PostgreSQL was failed over. count=%s jobs=%s",
                len(missing),
                ",".join(missing[:NAMED]) + ("…" if len(missing) > NAMED else ""),
            )


def made_at(id_: str) -> datetime:
    """Return the time in a UUIDv7, or 1970 for any other id."""
    number = UUID(id_)
    milliseconds = number.int >> 80 if number.version == 7 else 0
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
