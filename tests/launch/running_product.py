"""The product as a person starts it: a real launcher, in a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from launch.processes import processes_of
from launch.redis import Redis
from mahaam.config import PROJECT_DIR
from tests.machine import within
from tests.servers import new_folder
from tests.waiting import wait_until


class Product:
    """One `python -m launch` after another on the same folder and port."""

    def __init__(self, var_path: Path) -> None:
        self.var_path = var_path
        self.port = free_port()
        self.output_path = var_path.with_suffix(".out")
        self._launcher: subprocess.Popen[bytes] | None = None
        self._seen: set[psutil.Process] = set()

    @property
    def launcher(self) -> subprocess.Popen[bytes]:
        assert self._launcher is not None
        return self._launcher

    @property
    def output(self) -> str:
        """What the launcher that was started last has printed."""
        return self.output_path.read_text("utf-8")

    def launch(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start a launcher without waiting for anything."""
        with self.output_path.open("wb") as output:
            self._launcher = subprocess.Popen(
                [sys.executable, "-m", "launch"],
                cwd=PROJECT_DIR,
                env=os.environ | self._environment() | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._launcher

    def start(self, **environment: str) -> None:
        """Start and wait until it is ready."""
        self.launch(**environment)
        wait_until(self._is_ready, timeout_s=60, otherwise=lambda: self.output)
        self._seen |= set(self.processes())

    def stop(self, signal_number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop and wait; the exit code."""
        self.launcher.send_signal(signal_number)
        return self.wait_for_end()

    def wait_for_end(self, timeout_s: float = 40) -> int:
        """Wait until the launcher ends by itself; the exit code."""
        return self.launcher.wait(within(timeout_s))

    def refused(self, **environment: str) -> tuple[int, str]:
        """Start another launcher that ought to refuse; its exit code and words."""
        done = subprocess.run(
            [sys.executable, "-m", "launch"],
            cwd=PROJECT_DIR,
            env=os.environ | self._environment() | environment,
            capture_output=True,
            text=True,
            timeout=within(20),
        )
        return done.returncode, done.stdout + done.stderr

    def processes(self) -> list[psutil.Process]:
        """Everything below the launcher."""
        return psutil.Process(self.launcher.pid).children(recursive=True)

    def process(self, words: str) -> psutil.Process:
        """The process nearest to the launcher whose command line has these words."""
        return min(self.processes_with(words), key=lambda p: p.pid)

    def processes_with(self, words: str) -> list[psutil.Process]:
        """Those whose command line has these words."""
        return [p for p in self.processes() if words in _command_line(p)]

    def survivors(self) -> list[psutil.Process]:
        """What still runs of all that was started, servers included."""
        postgres = processes_of(self.var_path / "postgres", "postgres")
        redis = processes_of(self.var_path / "redis", *Redis.program_names)
        return [*(p for p in self._seen if is_alive(p)), *postgres, *redis]

    def kill_everything(self) -> None:
        """kill -9, the launcher first, so that it cannot tidy up."""
        for process in (psutil.Process(self.launcher.pid), *self.processes()):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.launcher.wait()
        wait_until(lambda: not self.survivors(), otherwise=lambda: str(self.survivors()))

    def kill_what_is_left(self) -> None:
        """After a test that failed in the middle: end all that still runs."""
        if self._launcher is not None and self._launcher.poll() is None:
            self.kill_everything()
        for process in self.survivors():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _is_ready(self) -> bool:
        assert self.launcher.poll() is None, self.output
        return "Mahaam is ready" in self.output

    def _environment(self) -> dict[str, str]:
        return {
            "APP_ENV": "test",
            "VAR_DIR": str(self.var_path),
            "PORT": str(self.port),
            "ADMIN_PASSWORD": "correct horse battery",
        }


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it ended meanwhile, or waits to be reaped
        return ""


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; one that only waits to be reaped does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def product_in_new_folder() -> Iterator[Product]:
    """A product that has never run; whatever is left of it is killed."""
    with new_folder() as folder:
        product = Product(folder / "var")
        try:
            yield product
        finally:
            product.kill_what_is_left()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
