"""Tasks that harm the consumer in which they run, where nothing from outside could."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import gevent

from mahaam import task
from mahaam.consumer import log_writer
from mahaam.consumer.maintenance import stop_requests
from mahaam.store import due
from mahaam.workers import lease


def lease_threads() -> list[int]:
    """The native threads that renew the lease at this moment."""
    return [
        id_
        for id_, frame in sys._current_frames().items()
        if frame.f_code.co_filename == lease.__file__
    ]


@task(max_retries=0)
def end_lease_thread() -> int:
    """Have SystemExit raised in the thread that renews the lease."""
    ended = lease_threads()
    for id_ in ended:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(id_), ctypes.py_object(SystemExit)
        )
    return len(ended)


@task(max_retries=0)
def break_sleep() -> None:
    """Let the clock's sleep fail, as it does under some libraries that fake the time."""

    def fail(_: float) -> None:
        raise OSError(22, "Invalid argument")

    lease.native_sleep = fail


@task(max_retries=0)
def fail_log_writer(times: int) -> None:
    """Let the loop that writes logs meet an error that nobody has thought of, `times` times."""
    write, left = log_writer.LogWriter.write, iter(range(times))

    def fail(self: log_writer.LogWriter) -> None:
        if next(left, None) is not None:
            raise ZeroDivisionError("sabotage")
        write(self)

    log_writer.LogWriter.write = fail  # type: ignore[method-assign]


@task(max_retries=0)
def fail_watch() -> None:
    """Let the main greenlet meet an error once."""
    press, left = stop_requests.StopRequests.press, iter(range(1))

    def fail(self: stop_requests.StopRequests) -> None:
        if next(left, None) is not None:
            raise ZeroDivisionError("sabotage")
        press(self)

    stop_requests.StopRequests.press = fail  # type: ignore[method-assign]


@task(max_retries=0)
def halt_scheduler() -> None:
    """Let the scheduler wait for something that never comes, once."""
    make_due, left = due.make_due, iter(range(1))

    def halt(*args: Any, **options: Any) -> Any:
        if next(left, None) is not None:
            with gevent.Timeout(None):
                gevent.sleep(3600)
        return make_due(*args, **options)

    due.make_due = halt
