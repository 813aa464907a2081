"""The thread beside web and consumer.

It makes the first account, reports when all is ready, and notices a server's end.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import time

from mahaam.config import PROJECT_DIR, Settings

from .children import Children
from .faults import AccountFailed, LaunchFault, ServerFailed
from .servers import Servers

FIRST_ADMIN = [sys.executable, "-m", "flask", "--app", "wsgi", "users", "first-admin"]
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104


class StartupWatch:
    """The watch over one run of the product."""

    def __init__(
        self,
        settings: Settings,
        servers: Servers,
        environment: dict[str, str],
        *,
        has_new_tables: bool,
    ) -> None:
        self._settings = settings
        self._servers = servers
        self._environment = environment
        self._has_new_tables = has_new_tables
        self._command: subprocess.Popen[str] | None = None
        self._fault: LaunchFault | None = None

    def run(self, children: Children) -> None:
        """Watch until the product stops; a fault stops it."""
        try:
            # The command loads the whole application, so an old database is not kept waiting
            # for the answer that it has its administrator.
            if self._has_new_tables:
                self._make_first_account(children)
            self._wait_for_page(children)
            self._tell()
            if not self._has_new_tables:
                self._make_first_account(children)
            self._wait_for_end(children)
        except LaunchFault as fault:
            self._fault = fault
            children.terminate()

    def end(self) -> None:
        """End the watch after the last child: nothing of ours continues.

        Raises the fault that stopped it all.
        """
        if self._command is not None and self._command.poll() is None:
            self._command.kill()
        if self._fault is not None:
            raise self._fault

    def _make_first_account(self, children: Children) -> None:
        self._command = subprocess.Popen(
            FIRST_ADMIN,
            cwd=PROJECT_DIR,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        words, _ = self._command.communicate()
        if self._command.returncode and not children.is_stopping:
            raise AccountFailed(f"The first account could not be made:\n{words.strip()}")
        _show(*words.splitlines())

    def _wait_for_page(self, children: Children) -> None:
        while not children.is_stopping and not _answers(self._host, self._settings.port):
            self._check_servers()
            time.sleep(0.05)

    def _tell(self) -> None:
        host = f"[{self._host}]" if ":" in self._host else self._host
        address = f"http://{host}:{self._settings.port}/admin/"
        _show(f"Mahaam is ready: {address}", "Ctrl-C stops it.")

    def _wait_for_end(self, children: Children) -> None:
        while not children.is_stopping:
            self._check_servers()
            time.sleep(0.2)

    def _check_servers(self) -> None:
        for server in self._servers.values():
            if server.pid is None:
                raise ServerFailed(
                    f"{server.title} ended by itself, so everything was stopped; "
                    f"{server.log_path} ends with:\n{server.log_tail()}"
                )

    @property
    def _host(self) -> str:
        return EVERYWHERE.get(self._settings.host, self._settings.host)


def _show(*lines: str) -> None:
    """Print what a person must not overlook among the lines of web and consumer."""
    if lines:
        print("", *(f"  {line}" for line in lines), "", sep="\n", flush=True)


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
