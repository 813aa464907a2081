"""The server: import the consumer once, then fork one for each request that comes on standard input."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any, BinaryIO

# The real ones: gevent's start a hub, and children would inherit it.
fork, waitpid = os.fork, os.waitpid
PROGRAM = "huey_consumer.py"

import gevent  # noqa: E402

import huey_consumer  # noqa: E402 (with its handlers of signals, and patched by gevent)
from launch.processes import signal_on_death_of  # noqa: E402
from mahaam.config import get_settings  # noqa: E402


def main() -> None:
    """Answer requests until standard input ends; in a child, be the consumer that was asked for."""
    assert not get_settings.cache_info().currsize, "a setting was read by an import"
    with os.fdopen(0, "rb", closefd=False) as requests:
        order = serve(requests)
    if order is not None:
        become(order)


def serve(requests: BinaryIO) -> dict[str, Any] | None:
    """Start processes and tell how they ended; return the order to carry out, in a child alone."""
    here = os.getpid()
    for line in requests:
        request = json.loads(line)
        if "poll" in request:
            answer(code_of(request["poll"]))
            continue
        pid = fork()
        if pid == 0:
            signal_on_death_of(here, signal.SIGKILL)
            return request
        answer(pid)
    return None


def answer(number: int | None) -> None:
    """Write one line to whoever asked."""
    os.write(1, f"{json.dumps(number)}\n".encode())


def code_of(pid: int) -> int | None:
    """Return the exit code of a child; None while it runs."""
    ended, status = waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def become(order: dict[str, Any]) -> None:
    """Run the program in this process as if it had been started anew."""
    gevent.reinit()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(order["log"], os.O_WRONLY)
    for output in (1, 2):
        os.dup2(log, output)
    os.close(log)
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    sys.argv = [PROGRAM, *order["arguments"]]
    sys.orig_argv = [sys.executable, *sys.argv]
    sys.modules["__main__"] = huey_consumer
    sys.exit(huey_consumer.main())


if __name__ == "__main__":
    main()
