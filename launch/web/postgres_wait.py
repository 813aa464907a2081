"""Waits of psycopg2 for PostgreSQL that let other requests continue, and that end.

With a wait callback libpq's own `connect_timeout` does not count, and a server that has vanished is
waited for as long as the network allows.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg2
from gevent.socket import wait_read, wait_write
from psycopg2 import extensions

CONNECT_S = 5.0
ANSWER_S = 60.0  # longer than any statement of a page may run in PostgreSQL
READY = (extensions.STATUS_READY, extensions.STATUS_BEGIN, extensions.STATUS_PREPARED)
WAITS = {extensions.POLL_READ: wait_read, extensions.POLL_WRITE: wait_write}


def install() -> None:
    """Have every connection of this process wait like this."""
    extensions.set_wait_callback(wait)


def wait(connection: Any) -> None:
    """Wait until the connection has its answer. Raises psycopg2.OperationalError."""
    limit_s = ANSWER_S if connection.status in READY else CONNECT_S
    deadline = time.monotonic() + limit_s
    while (state := connection.poll()) != extensions.POLL_OK:
        if state not in WAITS:
            raise psycopg2.OperationalError(f"The connection is in an unknown state: {state!r}.")
        left_s = max(deadline - time.monotonic(), 0.001)
        late = psycopg2.OperationalError(f"PostgreSQL did not answer within {limit_s:g} seconds.")
        WAITS[state](connection.fileno(), timeout=left_s, timeout_exc=late)
