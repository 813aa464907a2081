"""Messages between a consumer and its CPU processes: a length, then JSON."""

from __future__ import annotations

import json
import signal
import struct
from contextlib import AbstractContextManager
from typing import Any, Protocol

LENGTH = struct.Struct("!Q")
CHUNK_BYTES = 1 << 20

# Interrupts the task. Not SIGTERM, which systemd sends to every process of a service that it stops:
# the consumer then decides how its jobs end.
INTERRUPT = signal.SIGUSR2

Message = dict[str, Any]


class Socket(Protocol):
    """The interface of a socket for a channel, be it gevent's or the system's."""

    def sendall(self, data: bytes, /) -> None: ...
    def recv(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class MessageChannel:
    """One end of a socket; `free` keeps two senders from sending at the same time."""

    def __init__(self, socket: Socket, free: AbstractContextManager[Any]) -> None:
        self._socket = socket
        self._free = free

    def send(self, message: Message) -> None:
        """Send plain data. Raises OSError when the other end is gone."""
        data = json.dumps(message).encode()
        with self._free:
            self._socket.sendall(LENGTH.pack(len(data)) + data)

    def receive(self) -> Message | None:
        """Wait for the next message. Return None when the other end is gone."""
        try:
            head = self._read(LENGTH.size)
            body = self._read(LENGTH.unpack(head)[0])
        except (EOFError, OSError):
            return None
        message: Message = json.loads(body)
        return message

    def close(self) -> None:
        """Close the channel, so that the other end knows that nothing follows."""
        self._socket.close()

    def _read(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self._socket.recv(min(size - len(parts), CHUNK_BYTES))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)
