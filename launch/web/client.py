"""A client's connection, which may be slow, but only within limits."""

from __future__ import annotations

import errno
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

SLICE_BYTES = 65_536
AT_ONCE = struct.pack("ii", 1, 0)  # closing resets the connection
SEND_BUFFER_BYTES = 131_072  # what the kernel keeps of an answer that is not read


@dataclass(frozen=True)
class ClientLimits:
    """How long a client may take, in seconds.

    `header_s`: from the first byte of a request (on a new connection, from its beginning) to the
    end of its header. `body_s`: for the whole body. `idle_s`: until the next request. `send_s`: for
    each 64 kB of an answer.
    """

    header_s: float
    body_s: float
    idle_s: float
    send_s: float


class HungUp(ConnectionResetError):
    """The client has taken too long, or must go; gunicorn closes the connection and logs nothing."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "the server has hung up")


class WaitingClient:
    """The connections that wait for their clients, the one that waits longest first."""

    def __init__(self) -> None:
        self._clients: dict[Client, None] = {}

    @contextmanager
    def with_(self, client: Client) -> Iterator[None]:
        """Hold `client` among the waiting ones."""
        self._clients[client] = None
        try:
            yield
        finally:
            self._clients.pop(client, None)

    def drop_longest(self) -> None:
        """Close the connection that has waited longest, if there is one."""
        for client in self._clients:
            del self._clients[client]
            client.hang_up()
            return

    def drop_readers(self) -> None:
        """Close the connections on which no request has come to its end."""
        for client in [client for client in self._clients if client.is_reading]:
            client.hang_up()


class Client:
    """A socket whose reads and writes end in time; all else is the socket's own."""

    def __init__(self, sock: Any, limits: ClientLimits, waiting: WaitingClient) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._sock = sock
        self._limits = limits
        self._waiting = waiting
        self._is_idle = False
        self._deadline = time.monotonic() + limits.header_s
        self.is_reading = False
        self._is_hung_up = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def expect_body(self) -> None:
        """Apply the limit of the body: the header is complete."""
        self._is_idle = False
        self._deadline = time.monotonic() + self._limits.body_s

    def expect_request(self) -> None:
        """Apply the limit of the next request: the answer has been given."""
        self._is_idle = True
        self._deadline = time.monotonic() + self._limits.idle_s

    def recv(self, *arguments: Any) -> bytes:
        """Receive as the socket does. Raises HungUp."""
        self.is_reading = True
        with self._at_most(self._deadline - time.monotonic()):
            received: bytes = self._sock.recv(*arguments)
        self.is_reading = False
        if self._is_idle:
            self._is_idle = False
            self._deadline = time.monotonic() + self._limits.header_s
        return received

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send as the socket does. Raises HungUp."""
        view = memoryview(data)
        for start in range(0, len(view), SLICE_BYTES):
            with self._at_most(self._limits.send_s):
                self._sock.sendall(view[start : start + SLICE_BYTES], flags)

    def sendfile(self, *arguments: Any, **named: Any) -> Any:
        """Send a file as the socket does. Raises HungUp; the limit holds for each part that is sent."""
        with self._at_most(self._limits.send_s):
            return self._sock.sendfile(*arguments, **named)

    def hang_up(self) -> None:
        """End every wait for this client."""
        self._is_hung_up = True
        with suppress(OSError):  # the client may have gone meanwhile
            self._sock.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _at_most(self, left_s: float) -> Iterator[None]:
        self._sock.settimeout(max(left_s, 0.001))
        try:
            with self._waiting.with_(self):
                yield
        except TimeoutError:
            # Let the kernel drop what was not read, too, instead of offering it for minutes.
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            raise HungUp from None
        except OSError:
            if self._is_hung_up:  # gevent reports to its waiters that the descriptor is closed
                raise HungUp from None
            raise
