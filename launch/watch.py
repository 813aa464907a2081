"""Beside web and consumer: says when the page answers, and sees a server end."""

from __future__ import annotations

import http.client
import time

from config import Settings
from launch.children import Children
from launch.faults import ServerFailed
from launch.servers import Servers

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104


class Watch:
    """Watches one run of the product."""

    def __init__(self, settings: Settings, servers: Servers) -> None:
        self._settings = settings
        self._servers = servers
        self._ended: str | None = None

    def run(self, children: Children) -> None:
        """Watch until the product stops."""
        told = False
        while not children.is_stopping:
            told = told or self._tell_when_ready()
            self._stop_without_server(children)
            time.sleep(0.1)

    def raise_if_a_server_ended(self) -> None:
        """Raises ServerFailed when the product stopped for that."""
        if self._ended is not None:
            server = self._servers[self._ended]
            raise ServerFailed(
                f"{server.title} ended by itself, so everything was stopped; "
                f"{server.log_path} ends with:\n{server.log_tail()}"
            )

    def _stop_without_server(self, children: Children) -> None:
        self._ended = next((n for n, s in self._servers.items() if s.pid is None), None)
        if self._ended is not None:
            children.terminate()

    def _tell_when_ready(self) -> bool:
        host = EVERYWHERE.get(self._settings.host, self._settings.host)
        if not _answers(host, self._settings.port):
            return False
        shown = f"[{host}]" if ":" in host else host
        print(f"\n  Mahaam is ready: http://{shown}:{self._settings.port}/admin/")
        print("  Ctrl-C stops it.\n", flush=True)
        return True


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
