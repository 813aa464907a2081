"""A CPU process as its consumer sees it."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Any

import gevent
from gevent import socket, subprocess
from gevent.lock import Semaphore
from huey.api import Task

from mahaam.core.errors import TaskStopped
from mahaam.core.payload import dump, load
from mahaam.huey_adapter.cpu import remote_error
from mahaam.huey_adapter.cpu.channel import INTERRUPT, Message, MessageChannel
from mahaam.huey_adapter.cpu.remote_error import ProcessEnded
from mahaam.huey_adapter.cpu.remote_value import RemoteValue
from mahaam.run.log_buffer import said
from mahaam.run.run import Run

SERVER = "mahaam.huey_adapter.cpu_server"  # by name: importing it would load all of Huey
START_S = 60.0
CLEAN_UP_S = 0.3  # between the interrupt, upon which the task's `finally` blocks run, and SIGKILL


class CpuProcess:
    """A process that runs one CPU-bound task after the other."""

    def __init__(self) -> None:
        """Start the process. Raises ProcessEnded when it does not get ready."""
        here, there = socket.socketpair()
        there.set_inheritable(True)
        self._channel = MessageChannel(here, Semaphore())
        with there:
            self._process = subprocess.Popen(
                # -P: no module of the working directory comes before the installed ones.
                [sys.executable, "-P", "-m", SERVER, str(there.fileno()), str(os.getpid())],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self.is_free = False
        try:
            self._wait_ready()
        except BaseException:
            self.end()
            raise

    @property
    def pid(self) -> int:
        """Return the process id."""
        return int(self._process.pid)

    @property
    def is_alive(self) -> bool:
        """Return True if the process has not ended."""
        return self._process.poll() is None

    def compute(self, run: Run, task: Task) -> Any:
        """Run a task in the process. Return what the task returns.

        Raises what the task raises, TaskStopped, and ProcessEnded. An exception that interrupts the
        waiting here ends the process, and the task with it.
        """
        self.is_free = False
        run.on_stop = self._send_stop
        try:
            answer = self._answer(run, task)
        except BaseException:
            self.end()
            raise
        finally:
            run.on_stop = None
        self.is_free = True
        return _value_of(answer)

    def end(self) -> None:
        """End the process, whether a task runs or not."""
        self.is_free = False
        # In a greenlet of its own: the greenlet that waits for it may be interrupted a second time.
        gevent.spawn(self._kill).join()

    def _wait_ready(self) -> None:
        with gevent.Timeout(START_S, False):
            if self._channel.receive() is not None:
                self.is_free = True
                return
        raise ProcessEnded(
            f"A process for a CPU-bound task did not start within {START_S:g} s or ended: see the log."
        )

    def _answer(self, run: Run, task: Task) -> Message:
        args = dump(list(task.args), what="The arguments")
        kwargs = dump(task.kwargs, what="The arguments")
        claim = run.claim._replace(args=args, kwargs=kwargs)
        try:
            self._channel.send({"kind": "task", "claim": claim, "stopped_by": run.stopped_by})
        except OSError:
            raise self._ended() from None
        while (message := self._channel.receive()) is not None:
            if message["kind"] != "said":
                return message
            _add_logged(run, message)
        raise self._ended()

    def _send_stop(self, by: str) -> None:
        with suppress(OSError):  # the process has just ended
            self._channel.send({"kind": "stop", "by": by})

    def _ended(self) -> ProcessEnded:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=CLEAN_UP_S)
        code = self._process.poll()
        how = f"by {signal.Signals(-code).name}" if code and code < 0 else f"with code {code}"
        return ProcessEnded(f"The process that computed this task ended {how}.")

    def _kill(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(INTERRUPT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=CLEAN_UP_S)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._channel.close()


def _add_logged(run: Run, message: Message) -> None:
    """Add what the task logged, and its progress, to its run."""
    for at, level, logger, text in message["lines"]:
        said.line(run, level, text, logger=logger, at=at)
    if message["progress"]:
        said.progress(run, *message["progress"])
    run.lines_left_out += message["left_out"]


def _value_of(answer: Message) -> Any:
    match answer["kind"]:
        case "value":
            return load(answer["value"])
        case "far value":
            return RemoteValue.of(answer["name"], answer["module"], answer["shown"])
        case "stopped":
            raise TaskStopped(answer["message"])
    raise remote_error.raised(answer)
