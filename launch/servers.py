"""The servers that the configuration leaves to us, and the file that tells other processes about them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from mahaam.config import Settings

from .os_user import server_account
from .postgres import Postgres
from .preflight import check_servers
from .redis import Redis
from .server import Server

Servers = dict[str, Server]


@contextmanager
def embedded_servers(settings: Settings) -> Iterator[Servers]:
    """Start what is not configured, by the name of its setting; stop it at the end."""
    check_servers(settings)
    servers = _missing_servers(settings)
    try:
        for server in servers.values():
            server.start()
        _tell_other_shells(settings, servers)
        yield servers
    finally:
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            # An impatient second signal orphans no server.
            signal.signal(signal_number, signal.SIG_IGN)
        settings.servers_file.unlink(missing_ok=True)
        for server in servers.values():
            server.ask_to_stop()
        for server in servers.values():
            server.stop()


def _missing_servers(settings: Settings) -> Servers:
    var_path = settings.var_path
    account = server_account()
    servers: Servers = {}
    if settings.given_database_url is None:
        log_path = var_path / "log" / "postgres.log"
        servers["DATABASE_URL"] = Postgres(
            var_path / "postgres", account=account, log_path=log_path
        )
    if settings.given_redis_url is None:
        log_path = var_path / "log" / "redis.log"
        servers["REDIS_URL"] = Redis(var_path / "redis", account=account, log_path=log_path)
    return servers


def _tell_other_shells(settings: Settings, servers: Servers) -> None:
    urls = {name.lower(): url for server in servers.values() for name, url in server.urls.items()}
    draft = settings.servers_file.with_suffix(".new")
    draft.write_text(json.dumps({"launcher_pid": os.getpid(), **urls}), "utf-8")
    draft.chmod(0o600)
    draft.replace(settings.servers_file)
