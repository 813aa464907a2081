"""The web server as it runs in production: gunicorn, on a port of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from launch.processes import signal_on_death_of
from launch.product import web_command
from mahaam.config import PROJECT_DIR
from tests.launch.running_product import free_port
from tests.waiting import wait_until


@contextmanager
def web_server(log_path: Path) -> Iterator[str]:
    """Its address, as soon as it answers."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            web_command(),
            cwd=PROJECT_DIR,
            env=os.environ | {"HOST": "127.0.0.1", "PORT": str(port)},
            stdout=log,
            stderr=log,
            preexec_fn=partial(signal_on_death_of, os.getpid(), signal.SIGKILL),  # noqa: PLW1509
        )
    try:
        wait_until(
            lambda: _answers(f"http://{address}/healthz"),
            timeout_s=30,
            otherwise=lambda: log_path.read_text("utf-8"),
        )
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait()
        faults = [line for line in log_path.read_text("utf-8").splitlines() if "Traceback" in line]
        assert not faults, log_path.read_text("utf-8")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False
