"""A consumer as a real process: `huey_consumer.py` with a log to read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from launch.processes import signal_on_death_of
from mahaam.config import PROJECT_DIR
from tests.fork_server.client import Forked, fork_server
from tests.waiting import wait_until

READY = "Consumer ready."
START_TIMEOUT_S = 20
LOADER = ("LD_PRELOAD", "PYTHONPATH")  # what only a new interpreter reads


def start(
    environment: Mapping[str, str], log_path: Path, *arguments: str, is_cold: bool = False
) -> Forked | subprocess.Popen[bytes]:
    """Start a consumer: as a fork, where a fork server runs and the environment allows it."""
    needs_loader = any(environment.get(name) != os.environ.get(name) for name in LOADER)
    if not (is_cold or needs_loader or fork_server.pid is None):
        return fork_server.fork(environment, log_path, *arguments)
    with log_path.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "huey_consumer.py", *arguments],
            cwd=PROJECT_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=partial(signal_on_death_of, os.getpid(), signal.SIGKILL),  # noqa: PLW1509
        )


class Consumer:
    """One `huey_consumer.py`; what still runs at the end of the block is killed."""

    def __init__(
        self, environment: dict[str, str], log_path: Path, *arguments: str, is_cold: bool = False
    ) -> None:
        """`is_cold`: start a new interpreter, for tests of the start itself."""
        self._log_path = log_path
        if not is_cold:
            fork_server.start()
        self._process = start(os.environ | environment, log_path, *arguments, is_cold=is_cold)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _fault: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def log(self) -> str:
        """Everything that it has printed so far."""
        return self._log_path.read_text("utf-8", "replace")

    @property
    def pid(self) -> int:
        """Its number in the system."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def wait_ready(self) -> Self:
        """Return when it takes jobs."""
        wait_until(
            lambda: READY in self.log or not self.is_running,
            timeout_s=START_TIMEOUT_S,
            otherwise=lambda: self.log,
        )
        assert self.is_running, self.log
        return self

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self, timeout_s: float = 20) -> int:
        """Its exit code, as soon as it has ended."""
        wait_until(
            lambda: not self.is_running,
            timeout_s=timeout_s,
            otherwise=lambda: f"Still running:\n{self.log}",
        )
        assert self._process.returncode is not None
        return self._process.returncode

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        self.send(signal.SIGTERM)
        return self.wait()
