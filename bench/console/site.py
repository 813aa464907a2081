"""The real web server on one database, and somebody who has logged in to it."""

from __future__ import annotations

import http.client
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import psutil

from bench.servers import PROJECT, BenchServers
from launch.product import web_command

HOST = "127.0.0.1"
EMAIL, START_LIMIT_S = "bench@example.com", 30
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
FORM = "application/x-www-form-urlencoded"


class Site:
    """One client of one web server; it keeps its connection and its cookie."""

    def __init__(self, port: int, process: psutil.Process) -> None:
        self.port = port
        self.process = process
        self._cookie = ""
        self._link = self._connect()

    def get(self, path: str, *, live: bool = False) -> tuple[int, str]:
        """Status and text of a page; `live`: only what changes, as a page asks that is open."""
        status, body = self._ask("GET", path, headers={"HX-Request": "true"} if live else {})
        return status, body.decode()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._link.close()

    def open(self, path: str) -> http.client.HTTPResponse:
        """A page that is read bit by bit, on a connection of its own."""
        link = self._connect()
        link.request("GET", path, headers={"Cookie": self._cookie})
        return link.getresponse()

    def log_in(self, password: str) -> None:
        """Begin a session."""
        token = TOKEN.search(self.get("/admin/login/")[1])
        assert token, "there is no form to log in with"
        form = {"email": EMAIL, "password": password, "csrf_token": token[1]}
        status, _ = self._ask("POST", "/admin/login/", urlencode(form), {"Content-Type": FORM})
        assert status == 303, status

    @property
    def cookie(self) -> str:
        """What the server knows this client by."""
        return self._cookie

    def workers(self) -> list[psutil.Process]:
        """The processes that answer requests."""
        return self.process.children() or [self.process]

    def cpu_s(self) -> float:
        """Processor time that all of them have used."""
        return sum(sum(one.cpu_times()[:2]) for one in self.workers())

    def memory_bytes(self) -> int:
        """What all of them hold."""
        return sum(one.memory_info().rss for one in self.workers())

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self.port, timeout=60)

    def _ask(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        sent = {"Cookie": self._cookie, **(headers or {})}
        try:
            self._link.request(method, path, body, sent)
            answer = self._link.getresponse()
        except (http.client.HTTPException, OSError):  # the server closes what was idle
            self._link.close()
            self._link = self._connect()
            self._link.request(method, path, body, sent)
            answer = self._link.getresponse()
        for kept in answer.headers.get_all("Set-Cookie", []):
            self._cookie = kept.split(";")[0]
        return answer.status, answer.read()


@contextmanager
def site(servers: BenchServers, database: str) -> Iterator[Site]:
    """Serve `database` as the launcher would, with one administrator in it who has logged in."""
    servers.use(database)
    port, password = _free_port(), secrets.token_urlsafe(12)
    environment = servers.environment | {
        "HOST": HOST,
        "PORT": str(port),
        "SECRET_KEY": secrets.token_hex(32),
    }
    command = ["-m", "flask", "--app", "wsgi", "users", "create", EMAIL, "--role", "admin"]
    servers.output(*command, "--password", password, SECRET_KEY=environment["SECRET_KEY"])
    with servers.log_path.open("ab") as log:
        process = subprocess.Popen(web_command(), cwd=PROJECT, env=environment, stderr=log)
    try:
        _wait_for(port, process)
        served = Site(port, psutil.Process(process.pid))
        served.log_in(password)
        yield served
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the web server did not start within {START_LIMIT_S} s")
