"""The start and the stop of the whole product: what `make run` does."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from mahaam.config import PROJECT_DIR, Settings

from .children import Children
from .lock import make_folder, only_one
from .migrations import migrate
from .preflight import check_port
from .servers import Servers, embedded_servers
from .startup_watch import StartupWatch

WEB_STOP_TIMEOUT_S = 5
STOP_MARGIN_S = 0.8  # for a consumer to release its jobs after its own time-out


def run(settings: Settings) -> None:
    """Run everything until a signal comes. Raises LaunchFault."""
    signal.signal(signal.SIGTERM, _leave)
    make_folder(settings.var_path)
    with only_one(settings.var_path / "run.lock"):
        check_port(settings.host, settings.port)
        with embedded_servers(settings) as servers:
            environment = _environment(settings, servers)
            has_new_tables = migrate(environment | _owner(servers))
            watch = StartupWatch(settings, servers, environment, has_new_tables=has_new_tables)
            _run_children(settings, environment, watch)


def _leave(_signal_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _environment(settings: Settings, servers: Servers) -> dict[str, str]:
    urls = {name: server.url for name, server in servers.items()}
    return {**os.environ, **urls, "SECRET_KEY": settings.secret_key, "PYTHONUNBUFFERED": "1"}


def _owner(servers: Servers) -> dict[str, str]:
    """Return the URLs for migrations when the server is ours; web and consumer do not get them."""
    return servers["DATABASE_URL"].urls if "DATABASE_URL" in servers else {}


def _run_children(settings: Settings, environment: dict[str, str], watch: StartupWatch) -> None:
    # Later Pythons start helpers through a server process that no signal of ours would reach.
    multiprocessing.set_start_method("fork", force=True)
    stop_timeout_s = max(settings.shutdown_timeout_s, WEB_STOP_TIMEOUT_S) + STOP_MARGIN_S
    children = Children(stop_timeout_s=stop_timeout_s, watch=watch.run)
    children.add("web", web_command(), environment)
    children.add("consumer", [sys.executable, "-m", "launch.supervisor"], environment)
    children.loop()
    watch.end()
    children.raise_if_one_ended()


def web_command() -> list[str]:
    """Return the command that serves the console at HOST and PORT; tests and benchmarks use the same."""
    options = ["--config", str(PROJECT_DIR / "gunicorn.conf.py"), "--chdir", str(PROJECT_DIR)]
    return [sys.executable, "-m", "gunicorn", *options, "wsgi:app"]
