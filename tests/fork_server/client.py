"""What tests ask the fork server, and the processes that it made for them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from threading import Lock, current_thread, main_thread
from typing import Any

from launch.processes import signal_on_death_of
from mahaam.config import PROJECT_DIR

TICK_S = 0.005


class ForkServer:
    """One process that forks consumers for this one, and ends with it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    @property
    def pid(self) -> int | None:
        """Its number in the system; None before its start."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it, unless it runs; it ends with the thread that calls this."""
        if self._process is not None:
            return
        assert current_thread() is main_thread()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server"],
            cwd=PROJECT_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=partial(signal_on_death_of, os.getpid(), signal.SIGKILL),  # noqa: PLW1509
        )

    def stop(self) -> None:
        """End it, and all that it made."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def fork(self, environment: Mapping[str, str], log_path: Path, *arguments: str) -> Forked:
        """Start a consumer whose standard output and error go to `log_path`."""
        log_path.write_bytes(b"")  # it is read before the child has opened it
        order = {
            "environment": dict(environment),
            "log": str(log_path),
            "arguments": [*map(str, arguments)],
        }
        return Forked(self.ask(**order))

    def ask(self, **request: Any) -> Any:
        """Send a request, and return the answer."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        with self._lock:
            process.stdin.write(f"{json.dumps(request)}\n".encode())
            process.stdin.flush()
            answer = process.stdout.readline()
        assert answer, "The fork server has ended."
        return json.loads(answer)


fork_server = ForkServer()


class Forked:
    """A process that the fork server made; as much of `subprocess.Popen` as is needed."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        if self.returncode is None:
            self.returncode = fork_server.ask(poll=self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, when it has ended. Raises subprocess.TimeoutExpired."""
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("a forked consumer", timeout or 0)
            time.sleep(TICK_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)
