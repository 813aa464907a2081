"""gunicorn's gevent worker, with limits for slow clients.

A greenlet waits for each connection, so that slow ones hold nothing but memory; the time that they
may take is bounded, and when there are too many, the one that has waited longest is closed.
"""

from __future__ import annotations

import resource
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker

from mahaam.config import get_settings

from . import postgres_wait
from .client import Client, ClientLimits, WaitingClient

SPARE_FILES = 200  # descriptors for everything that is not a client
CROWDED = 0.9  # of all connections


class PatientWorker(GeventWorker):  # type: ignore[misc]
    """The worker that serves the console."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        settings = get_settings()
        self._limits = ClientLimits(
            header_s=settings.web_header_timeout_s,
            body_s=settings.web_body_timeout_s,
            idle_s=settings.web_idle_timeout_s,
            send_s=settings.web_send_timeout_s,
        )
        self._waiting = WaitingClient()
        self._open = 0
        self.worker_connections: int = min(settings.web_connections, _allowed_files() - SPARE_FILES)

    def patch(self) -> None:
        """Let this process wait for many things at once; nothing of the application is loaded yet."""
        super().patch()
        postgres_wait.install()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop: browsers that hold a connection open, or send slowly, are not waited for."""
        super().handle_exit(sig, frame)
        gevent.spawn(self._waiting.drop_readers)

    def timeout_ctx(self) -> AbstractContextManager[None]:
        """Return no limit of gunicorn's own: the client's connection has them."""
        return nullcontext()

    def handle(self, fetcher: Any, client: Any, addr: Any) -> None:
        """Serve one connection to its end."""
        self._open += 1
        if self._open > self.worker_connections * CROWDED:
            self._waiting.drop_longest()
        try:
            super().handle(fetcher, Client(client, self._limits, self._waiting), addr)
        finally:
            self._open -= 1

    def handle_request(self, listener_name: Any, req: Any, sock: Client, addr: Any) -> Any:
        """Answer one request."""
        sock.expect_body()
        answered = super().handle_request(listener_name, req, sock, addr)
        sock.expect_request()
        return answered


def _allowed_files() -> int:
    """Return how many files this process may have open, raised as far as possible."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1_000_000
