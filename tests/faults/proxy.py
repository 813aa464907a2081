"""A TCP proxy before a server's socket, which can swallow what is sent without closing anything."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path
from threading import Thread

PIECE_BYTES = 65_536
START_TIMEOUT_S = 10


class Proxy:
    """Listens on a free port of this machine and passes everything on, until told to swallow."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0
        self._forgotten: list[asyncio.Event] = []  # the gates of connections that are silent

    def start(self) -> None:
        """Listen; `port` is known from then on."""
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(
            START_TIMEOUT_S
        )

    def swallow(self) -> None:
        """From now on nothing comes through, and no connection is closed."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def forward(self) -> None:
        """Let everything through again, what was held back first."""
        self._loop.call_soon_threadsafe(self._open.set)

    def forget(self) -> None:
        """Nothing comes through any more on the connections that are open now; new ones work."""
        self._loop.call_soon_threadsafe(self._forget)

    def stop(self) -> None:
        """Close all connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(START_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> int:
        self._open = self._new_gate()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def _new_gate(self) -> asyncio.Event:
        gate = asyncio.Event()
        gate.set()
        return gate

    def _forget(self) -> None:
        self._open.clear()  # for good: who came through it has no other
        self._forgotten.append(self._open)
        self._open = self._new_gate()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        gate = self._open
        await gate.wait()
        try:
            there_reader, there_writer = await asyncio.open_unix_connection(self._socket)
        except OSError:  # the server is down: the client sees its connection end
            writer.close()
            return
        ways = (
            self._pass_on(reader, there_writer, gate),
            self._pass_on(there_reader, writer, gate),
        )
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*ways)
        for end in (writer, there_writer):
            end.close()

    async def _pass_on(
        self, reader: StreamReader, writer: StreamWriter, gate: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                await gate.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
