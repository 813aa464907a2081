"""Clients that hold a connection and do next to nothing with it, as an attacker's would."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

DRIP_S = 0.5
SMALL_BUFFER_BYTES = 4096  # so that an answer does not vanish in this side's buffers

SILENT = b""
SLOW_HEADER = b"GET /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
SLOW_BODY = (
    b"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
)


def slow_reader(path: str, cookie: str) -> bytes:
    """The request of a client that asks for a file and hardly reads it."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode()


class SlowClients:
    """Connections that are open until `close`; those that have begun a request drip on."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sockets: list[tuple[socket.socket, bytes]] = []
        self._done = threading.Event()
        self._dripping = threading.Thread(target=self._drip, daemon=True)

    def open(self, count: int, beginning: bytes, *, drip: bytes = b"") -> None:
        """Open `count` connections that send `beginning`, and then `drip` twice a second."""
        for _ in range(count):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
            client.settimeout(30)
            client.connect(("127.0.0.1", self._port))
            client.sendall(beginning)
            client.setblocking(False)
            self._sockets.append((client, drip))

    def begin_dripping(self) -> None:
        """From now on be slow instead of silent."""
        self._dripping.start()

    def open_count(self) -> int:
        """How many the server has not closed."""
        watch = select.poll()
        for client, _ in self._sockets:
            watch.register(client, select.POLLRDHUP)
        return len(self._sockets) - len(watch.poll(0))  # a reset is told without being asked for

    def close(self) -> None:
        """Hang up."""
        self._done.set()
        if self._dripping.is_alive():
            self._dripping.join()
        for client, _ in self._sockets:
            client.close()

    def _drip(self) -> None:
        while not self._done.wait(DRIP_S):
            for client, drip in self._sockets:
                with suppress(OSError):  # the server has had enough of it
                    client.sendall(drip) if drip else client.recv(1)


@contextmanager
def slow_clients(port: int) -> Iterator[SlowClients]:
    """Slow clients that are gone at the end."""
    made = SlowClients(port)
    try:
        yield made
    finally:
        made.close()


def two_hundred(clients: SlowClients, export_path: str, cookie: str) -> None:
    """Open fifty of each kind: silent, slow with the header, with the body, and in reading a file."""
    clients.open(50, slow_reader(export_path, cookie))
    clients.open(50, SILENT)
    clients.open(50, SLOW_HEADER, drip=b"x")
    clients.open(50, SLOW_BODY, drip=b"x")
    clients.begin_dripping()
