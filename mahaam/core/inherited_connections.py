"""Connections that the child of a fork inherits, which are redirected to the null device there.

Otherwise closing one in the child would end the session of the parent in the server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

import psycopg2
import redis

links: WeakSet[psycopg2.extensions.connection] = WeakSet()  # all of this process to PostgreSQL
clients: WeakSet[redis.Redis] = WeakSet()  # all Redis clients of this process


def _lead_nowhere() -> None:
    with Path(os.devnull).open("r+b") as nowhere:
        for number in (*_of_links(), *_of_clients()):
            os.dup2(nowhere.fileno(), number, inheritable=False)


def _of_links() -> Iterator[int]:
    for link in list(links):
        with suppress(psycopg2.Error):  # closed already
            yield link.fileno()


def _of_clients() -> Iterator[int]:
    for client in list(clients):
        pool: Any = client.connection_pool
        for connection in (*pool._available_connections, *pool._in_use_connections):
            if connection._sock is not None and connection._sock.fileno() >= 0:
                yield connection._sock.fileno()


os.register_at_fork(after_in_child=_lead_nowhere)
