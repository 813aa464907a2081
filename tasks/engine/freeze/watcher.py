"""The process that watches a consumer from outside; started by its path, with Python's own library alone.

A consumer that is frozen cannot help itself: where C code holds the interpreter, no thread of it
runs. It sends a byte several times a second as long as it is well. When none comes, or one that
says that its greenlets stand, this process has it dump its stacks, ends it with SIGKILL, and
becomes the program that gives its jobs up, before its lease is over.
"""

import json
import os
import select
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TICK_S = 0.1
DUMP_S = 1.0
SETTLED_S = 0.2
FROZEN = b"F"


def main() -> None:
    """Watch until the consumer is frozen, or has ended."""
    orders = json.loads(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)  # meant for the consumer, sent to its whole group
    silent_s = 0.0
    while os.getppid() == orders["pid"]:
        if not select.select([0], [], [], TICK_S)[0]:
            # Only what passes while the consumer could run counts; as ticks, for this process may
            # have been stopped together with it.
            silent_s += 0.0 if is_stopped(orders["pid"]) else TICK_S
            if silent_s >= orders["silent_limit_s"]:
                give_up(orders, orders["silent_limit_s"])
                silent_s = 0.0
            continue
        said = os.read(0, 4096)
        if not said:
            return
        silent_s = 0.0
        if FROZEN in said:
            give_up(orders, orders["limit_s"])


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped, by a signal or a debugger."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        return stat.rpartition(b")")[2].split()[0] in (b"T", b"t")
    except (OSError, IndexError):
        return False


def give_up(orders: dict[str, Any], frozen_s: float) -> None:
    """End the consumer and become the program that gives its jobs up."""
    dump = dumped(orders)
    if select.select([0], [], [], 0)[0] and FROZEN not in os.read(0, 4096):
        return  # it came back in the last moment
    os.kill(orders["pid"], signal.SIGKILL)
    told = {"pid": orders["pid"], "frozen_s": frozen_s, "dump": dump}
    told["slots"] = os.pread(orders["slots"], 1 << 20, 0).rstrip(b"\0").hex()
    with tempfile.TemporaryFile("w+") as file:
        json.dump(told, file)
        file.seek(0)
        os.dup2(file.fileno(), 0)
        os.execv(  # noqa: S606 (this process goes on as another program)
            sys.executable, [sys.executable, "-P", "-m", orders["program"]]
        )


def dumped(orders: dict[str, Any]) -> str:
    """What the consumer is doing, as its C handler writes it, which needs no interpreter."""
    before = os.fstat(orders["dump"]).st_size
    os.kill(orders["pid"], orders["signal"])
    size, until = before, time.monotonic() + DUMP_S
    while time.monotonic() < until:
        time.sleep(SETTLED_S)
        now = os.fstat(orders["dump"]).st_size
        if now == size and now > before:
            break
        size = now
    return os.pread(orders["dump"], 1 << 20, before).decode("utf-8", "replace")


if __name__ == "__main__":
    main()
