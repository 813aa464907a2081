"""The consumer's side of the freeze watch: its signs of life, and the watcher process."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path

import gevent
from gevent import monkey, subprocess

from mahaam.config import Settings, get_settings
from mahaam.workers.freeze.job_table import FreezeTable
from mahaam.workers.lease import Lease

log = logging.getLogger("mahaam.freeze")

start_thread = monkey.get_original("_thread", "start_new_thread")
native_sleep = monkey.get_original("time", "sleep")

TURN_S = 0.1  # how often the hub records that greenlets run
TICK_S = 0.25  # how often that is sent to the watcher
SPARE_S = 2.0  # time of a lease that is reserved, at most, for giving jobs up
ALIVE, FROZEN = b".", b"F"
PROGRAM = "mahaam.workers.freeze.give_up"
WATCHER = Path(__file__).with_name("watcher.py")
DUMP_SIGNAL = signal.SIGRTMAX - 1  # no program uses it by itself


def silent_limit_s(settings: Settings) -> float:
    """Return how long no thread of a consumer may run: it must be ended before its lease is over."""
    left_s = settings.lease_s - settings.beat_s
    return min(settings.freeze_limit_s, left_s - min(SPARE_S, left_s / 4))


class FreezeWatch:
    """The signs of life of one consumer, sent from its greenlets by a native thread to the watcher."""

    def __init__(self, lease: Lease) -> None:
        self.slots = FreezeTable()
        self._lease = lease
        self._limit_s = get_settings().freeze_limit_s
        self._dump = tempfile.TemporaryFile(prefix="mahaam-dump-")  # noqa: SIM115 (as long as this)
        self._turns = 0
        self._timer = gevent.get_hub().loop.timer(0, TURN_S, ref=False)
        self._watcher: subprocess.Popen[bytes] | None = None
        self._pipe: int | None = None
        os.register_at_fork(after_in_child=self._leave)

    def start(self) -> None:
        """Start the watcher and the thread that sends signs of life."""
        faulthandler.register(DUMP_SIGNAL, file=self._dump, all_threads=True, chain=False)
        self._timer.start(self._note_turn)
        self._spawn()
        start_thread(self._keep, ())

    def look(self) -> None:
        """Start another watcher if the last one has ended."""
        if self._watcher is not None and self._watcher.poll() is not None:
            log.warning("The process that watches this consumer ended; another one is started.")
            self._spawn()

    def close(self) -> None:
        """End the watcher by closing its pipe, and wait for its end."""
        self._timer.stop()
        watcher, self._watcher = self._watcher, None
        self._close_pipe()
        if watcher is not None:
            watcher.wait()

    def _note_turn(self) -> None:
        self._turns += 1

    def _spawn(self) -> None:
        self._close_pipe()
        self.slots.name(self._lease.worker_id)
        files = (self.slots.number, self._dump.fileno())
        orders = {
            "pid": os.getpid(), "signal": DUMP_SIGNAL, "program": PROGRAM, "slots": files[0],
            "dump": files[1], "limit_s": self._limit_s, "silent_limit_s": silent_limit_s(get_settings()),
        }  # fmt: skip
        read_end, self._pipe = os.pipe()
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", str(WATCHER), json.dumps(orders)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
            stdin=read_end,
            stdout=subprocess.DEVNULL,
            pass_fds=files,
            start_new_session=True,
        )
        os.close(read_end)

    def _close_pipe(self) -> None:
        if self._pipe is not None:
            pipe, self._pipe = self._pipe, None
            os.close(pipe)

    def _leave(self) -> None:
        """Close the pipe in the child of a fork, so that the watcher sees when the consumer has ended."""
        self._close_pipe()
        self._watcher = None

    # The native thread from here on.

    def _keep(self) -> None:
        seen, silent_s = -1, 0.0
        while self._watcher is not None:
            native_sleep(TICK_S)
            # Ticks are counted, not time: a process that was stopped (SIGSTOP) was not frozen.
            silent_s = silent_s + TICK_S if self._turns == seen else 0.0
            seen = self._turns
            self._send(FROZEN if silent_s >= self._limit_s else ALIVE)

    def _send(self, word: bytes) -> None:
        pipe = self._pipe
        self.slots.name(self._lease.worker_id)
        with contextlib.suppress(OSError):  # the watcher has ended, or is being replaced
            if pipe is not None:
                os.write(pipe, word)
