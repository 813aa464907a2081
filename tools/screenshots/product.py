"""The whole product on a folder of its own, with the shop's tasks, for as long as it is needed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mahaam.config import PROJECT_DIR

EMAIL, PASSWORD = "sara@example.com", "correct horse battery"
START_TIMEOUT_S = 60
SHOWN = Path(__file__).with_name("shown")


@contextmanager
def running_product() -> Iterator[str]:
    """Its address; this process sees the same settings as its parts. Nothing is left of it."""
    folder = Path(tempfile.mkdtemp(prefix="mahaam-shown-"))
    folder.chmod(0o711)  # PostgreSQL may run as another user
    port = _free_port()
    os.environ |= {
        "APP_ENV": "development",
        "VAR_DIR": str(folder / "var"),
        "PORT": str(port),
        "ADMIN_EMAIL": EMAIL,
        "ADMIN_PASSWORD": PASSWORD,
        "TASK_MODULES": "shop",
        "PYTHONPATH": str(SHOWN),
    }
    sys.path.insert(0, str(SHOWN))
    output = folder / "output"
    with output.open("wb") as out:
        launcher = subprocess.Popen(
            [sys.executable, "-m", "launch"], cwd=PROJECT_DIR, stdout=out, stderr=out
        )
    try:
        _wait_until_ready(launcher, output)
        yield f"http://127.0.0.1:{port}"
    finally:
        launcher.send_signal(signal.SIGTERM)
        launcher.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(launcher: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while "Mahaam is ready" not in output.read_text("utf-8"):
        if launcher.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The product does not start:\n{output.read_text('utf-8')}")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
