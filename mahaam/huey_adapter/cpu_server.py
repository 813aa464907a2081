"""A CPU process: runs the tasks that its consumer sends, and ends with it."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import sys
import threading
import time
from queue import SimpleQueue
from types import FrameType
from typing import NoReturn

from mahaam.config import get_settings
from mahaam.core.errors import ArgumentNotStorable, TaskStopped
from mahaam.core.exception_text import shown
from mahaam.core.payload import dump
from mahaam.enqueuing import catalog
from mahaam.huey_adapter.api import huey
from mahaam.huey_adapter.cpu import remote_error
from mahaam.huey_adapter.cpu.channel import INTERRUPT, Message, MessageChannel
from mahaam.huey_adapter.tasks.time_limit import exited
from mahaam.jobs.claim import Claim
from mahaam.logs import log_setup
from mahaam.run import fork, job_log
from mahaam.run.log_buffer import said
from mahaam.run.run import RESULT_SHOWN_BYTES, Run, enter
from mahaam.run.signal_guard import Handlers
from mahaam.run.streams import Streams

log = logging.getLogger("mahaam.cpu")

PR_SET_PDEATHSIG = 1  # prctl(2); Linux alone has it
SAY_S = 0.1


class TaskServer:
    """The loop that runs one task after the other.

    The main thread runs the task, so that a signal interrupts it. One thread reads from the
    consumer, one sends what tasks log.
    """

    def __init__(self, channel: MessageChannel) -> None:
        self._channel = channel
        self._waiting: SimpleQueue[Run] = SimpleQueue()
        self._run: Run | None = None
        self._is_ending = False
        self._speaking = threading.Lock()
        self._streams = Streams()

    def work(self) -> None:
        """Run tasks until told to end."""
        signal.signal(INTERRUPT, self._interrupt)
        self._handlers = Handlers()
        for loop in (self._listen, self._speak):
            threading.Thread(target=loop, daemon=True).start()
        self._channel.send({"kind": "ready"})
        while not self._is_ending:
            run = self._waiting.get()
            answer = _answer(run)
            self._streams.mend(run, is_alone=True)
            self._handlers.restore()
            self._send_logged(run)
            self._run = None
            self._channel.send(answer)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> NoReturn:
        self._is_ending = True
        raise TaskStopped("The process is ended: the task was stopped, or its time is over.")

    def _listen(self) -> None:
        while (message := self._channel.receive()) is not None:
            if message["kind"] == "task":
                run = Run(Claim._make(message["claim"]))
                run.stopped_by = message["stopped_by"]
                self._run = run
                self._waiting.put(run)
            elif self._run is not None:
                self._run.ask_to_stop(message["by"])
        os._exit(0)  # the consumer is gone, and nobody waits for the result

    def _speak(self) -> None:
        while True:
            time.sleep(SAY_S)
            if (run := self._run) is not None:
                self._send_logged(run)

    def _send_logged(self, run: Run) -> None:
        """Send what the task has logged since the last time."""
        with self._speaking:
            # Lines of a thread that an earlier task has left behind belong to no run any more.
            own = [line for line in said.take_lines(sys.maxsize) if line[:2] == run.claim.fence]
            lines = [(line.said_at, *line[4:]) for line in own]
            words = [word for word in said.take_progress() if word.claim == run.claim]
            progress = [(word.percent, word.words) for word in words]
            left_out, run.lines_left_out = run.lines_left_out, 0
            if lines or progress or left_out:
                self._channel.send(
                    {
                        "kind": "said",
                        "lines": lines,
                        "progress": progress[-1] if progress else None,
                        "left_out": left_out,
                    }
                )


def main() -> None:
    """Serve tasks, with the settings and the task modules of the consumer."""
    number, parent_pid = map(int, sys.argv[1:])
    _die_with(parent_pid)
    fork.watch()
    for telling in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(telling, _leave_to_the_consumer)
    settings = get_settings()
    log_setup.set_up_logging(settings.log_level, settings.log_format)
    job_log.listen()
    catalog.load()
    log_setup.restore()
    _call_startup_hooks()
    here = socket.socket(fileno=number)
    here.setblocking(True)  # gevent made it non-blocking
    os.register_at_fork(after_in_child=here.close)  # its end tells the consumer that we ended
    try:
        TaskServer(MessageChannel(here, threading.Lock())).work()
    except (TaskStopped, BrokenPipeError):
        log.debug("Ended by the consumer.")


def _leave_to_the_consumer(_number: int, _frame: FrameType | None) -> None:
    """Do nothing. A handler, because programs that a task starts would inherit SIG_IGN."""


def _call_startup_hooks() -> None:
    for name, hook in huey._startup.items():
        try:
            hook()
        except Exception:
            log.exception("A startup hook failed in a CPU process. hook=%s", name)


def _answer(run: Run) -> Message:
    """Run a task. Return the message about how it ended."""
    enter(run)
    try:
        task = huey.task_of(run)
        if task.timeout:
            task._deadline = time.monotonic() + task.timeout
        return _message_of_value(task.execute())
    except TaskStopped as stop:
        return {"kind": "stopped", "message": str(stop)}
    except Exception as failed:  # noqa: BLE001 (a task may raise anything; it is told to Huey)
        return remote_error.told(failed)
    except BaseException as odd:  # noqa: BLE001
        left = exited(odd)
        left.__cause__ = odd
        return remote_error.told(left)
    finally:
        enter(None)


def _message_of_value(value: object) -> Message:
    try:
        return {"kind": "value", "value": dump(value, what="The result")}
    except ArgumentNotStorable:
        kind = type(value)
        names = {"name": kind.__name__, "module": kind.__module__}
        return {"kind": "far value", **names, "shown": shown(value, RESULT_SHOWN_BYTES)}


def _die_with(parent_pid: int) -> None:
    """Have the kernel kill this process when the parent ends, however it ends and whatever runs here."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # the parent ended before we asked
        sys.exit()


if __name__ == "__main__":
    main()
