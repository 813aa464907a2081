"""Connections of ours that the child of a fork inherits: there they lead nowhere.

Whatever closes one in the child would otherwise tell the server good-bye, in the parent's name.
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

links: WeakSet[psycopg2.extensions.connection] = WeakSet()  # to PostgreSQL, all of this process
clients: WeakSet[redis.Redis] = WeakSet()  # of Redis


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
