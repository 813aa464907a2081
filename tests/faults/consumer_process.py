"""Consumers as real processes, and a supervisor that starts a new one where one has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.machine import within
from tests.mahaam.consumer_process import start

END_TIMEOUT_S = 20
CANNOT_START = 1  # one that finds no server says so and ends; a supervisor tries again
READY = b"Consumer ready."


class ConsumerProcess:
    """One `huey_consumer.py`."""

    def __init__(self, environment: dict[str, str], log_path: Path, *arguments: str) -> None:
        self.log_path = log_path
        self.ready_ns: int | None = None  # since when it takes jobs, monotonic
        self._process = start(environment, log_path, *arguments)
        self.pid = self._process.pid
        self.asked_to_end = False

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal that killed it."""
        return self._process.poll()

    @property
    def was_ready(self) -> bool:
        """Whether it ever took jobs."""
        if self.ready_ns is None and READY in self.log_path.read_bytes():
            self.ready_ns = time.monotonic_ns()
        return self.ready_ns is not None

    @property
    def is_ready(self) -> bool:
        """Whether it runs and takes jobs."""
        return self.was_ready and self.exit_code is None

    def kill(self) -> int:
        """End it as the kernel does when memory is short; returns when, in monotonic ns."""
        self._process.kill()
        self._process.wait()
        return time.monotonic_ns()

    def terminate(self) -> None:
        """Ask it to end gracefully."""
        self.asked_to_end = True
        self._process.terminate()

    def wait(self) -> int:
        """The exit code, after at most END_TIMEOUT_S; one that does not end by then is killed."""
        try:
            return self._process.wait(within(END_TIMEOUT_S))
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def freeze(self) -> int:
        """Stop all its threads where they are; returns when, in monotonic ns."""
        os.kill(self.pid, signal.SIGSTOP)
        return time.monotonic_ns()

    def thaw(self) -> int:
        """Let it go on; returns when, in monotonic ns."""
        at_ns = time.monotonic_ns()
        os.kill(self.pid, signal.SIGCONT)
        return at_ns


class Supervisor:
    """Keeps a number of consumers running, as systemd does."""

    def __init__(self, environments: list[dict[str, str]], folder: Path, *arguments: str) -> None:
        """One consumer for each environment."""
        self._environments = environments
        self._folder = folder
        self._arguments = arguments
        self._starts = 0
        self.deaths: dict[int, int] = {}  # pid -> when, monotonic ns
        self.lives: list[tuple[int, int]] = []  # from when to when each took jobs, monotonic ns
        self.faults: list[str] = []  # ends that nobody had asked for
        self.consumers = [self._started(place) for place in range(len(environments))]

    def ready(self) -> list[ConsumerProcess]:
        """The consumers that take jobs."""
        return [consumer for consumer in self.consumers if consumer.is_ready]

    def restart_ended(self) -> None:
        """Start a new consumer in each place whose one has ended."""
        for place, consumer in enumerate(self.consumers):
            if not consumer.is_ready and consumer.exit_code is not None:
                self._note_end(consumer)
                self.consumers[place] = self._started(place)

    def kill(self, consumer: ConsumerProcess) -> None:
        """Kill -9."""
        self.deaths[consumer.pid] = consumer.kill()

    def stop(self) -> None:
        """End all gracefully and hold against them what was not."""
        for consumer in self.consumers:
            if consumer.exit_code is None:
                consumer.terminate()
        for consumer in self.consumers:
            try:
                consumer.wait()
                self._note_end(consumer)
            except subprocess.TimeoutExpired:
                self.faults.append(f"Consumer {consumer.pid} did not end within {END_TIMEOUT_S} s.")

    def kill_all(self) -> None:
        """Leave no process."""
        for consumer in self.consumers:
            if consumer.exit_code is None:
                consumer.kill()

    def _started(self, place: int) -> ConsumerProcess:
        self._starts += 1
        log_path = self._folder / f"consumer-{self._starts:03d}.log"
        return ConsumerProcess(self._environments[place], log_path, *self._arguments)

    def _note_end(self, consumer: ConsumerProcess) -> None:
        ended_ns = self.deaths.get(consumer.pid, time.monotonic_ns())
        if consumer.was_ready and consumer.ready_ns is not None:
            self.lives.append((consumer.ready_ns, ended_ns))
        if consumer.pid in self.deaths:
            return
        code = consumer.exit_code
        if not consumer.was_ready and code == CANNOT_START:
            return
        if not consumer.asked_to_end:
            self.deaths[consumer.pid] = ended_ns
            self.faults.append(f"Consumer {consumer.pid} ended by itself with code {code}.")
        elif code != 0 and consumer.was_ready:  # while it loads, it holds nothing
            self.faults.append(f"Consumer {consumer.pid} ended with code {code} after SIGTERM.")
