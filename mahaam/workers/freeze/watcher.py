"""The process that watches a consumer from outside; run by its path, with the standard library only.

A frozen consumer cannot act by itself: where C code holds the interpreter, none of its threads runs.
A consumer sends a byte several times a second as long as it is well. If no byte comes, or one that
says that greenlets do not run, this process makes the consumer dump its stacks, ends it with SIGKILL,
and has its jobs given up by another program, before the lease is over.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

TICK_S = 0.1
DUMP_S = 1.0
SETTLED_S = 0.2
FROZEN = b"F"


def main() -> None:
    """Watch the consumer until it is frozen or has ended."""
    orders = json.loads(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)  # meant for the consumer, sent to its whole group
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a rescuer that is not needed
    silent_s, rescuer = 0.0, None
    while os.getppid() == orders["pid"]:
        if select.select([0], [], [], TICK_S)[0]:
            said = os.read(0, 4096)
            if not said:
                return
            if FROZEN in said:
                rescuer = rescuer or FrozenConsumer(orders)
                give_up(orders, orders["limit_s"], rescuer)
            let_go(rescuer)
            silent_s, rescuer = 0.0, None
            continue
        # Only time in which the consumer could run counts. It is counted in ticks, because this
        # process may have been stopped together with the consumer.
        silent_s += 0.0 if is_stopped(orders["pid"]) else TICK_S
        if rescuer is None and silent_s >= orders["silent_limit_s"] / 2:
            rescuer = FrozenConsumer(orders)  # its start takes a while, and the lease runs
        if rescuer is not None and silent_s >= orders["silent_limit_s"]:
            give_up(orders, orders["silent_limit_s"], rescuer)
            let_go(rescuer)
            silent_s, rescuer = 0.0, None


class FrozenConsumer:
    """The program that gives jobs up, waiting for the report of a freeze."""

    def __init__(self, orders: dict[str, Any]) -> None:
        read_end, self._pipe = os.pipe()
        if os.fork() == 0:
            os.dup2(read_end, 0)
            os.execv(  # noqa: S606 (another program, in this process's child)
                sys.executable, [sys.executable, "-P", "-m", orders["program"]]
            )
        os.close(read_end)

    def tell(self, told: dict[str, Any]) -> None:
        """Send the report to the program, and wait until the program has ended."""
        with os.fdopen(self._pipe, "w") as file:
            json.dump(told, file)
        try:
            os.wait()
        except ChildProcessError:
            return  # SIGCHLD is ignored: no child is left to wait for

    def dismiss(self) -> None:
        """End the program by closing its input without a report."""
        os.close(self._pipe)


def let_go(rescuer: FrozenConsumer | None) -> None:
    """Dismiss the rescuer, if there is one."""
    if rescuer is not None:
        rescuer.dismiss()


def is_stopped(pid: int) -> bool:
    """Return True if a process is stopped, by a signal or a debugger."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        return stat.rpartition(b")")[2].split()[0] in (b"T", b"t")
    except (OSError, IndexError):
        return False


def give_up(orders: dict[str, Any], frozen_s: float, rescuer: FrozenConsumer) -> None:
    """Kill the consumer, have its jobs given up, and exit. Returns only if the consumer runs again."""
    dump = dumped(orders)
    if select.select([0], [], [], 0)[0] and FROZEN not in os.read(0, 4096):
        return
    os.kill(orders["pid"], signal.SIGKILL)
    told = {"pid": orders["pid"], "frozen_s": frozen_s, "dump": dump}
    told["slots"] = os.pread(orders["slots"], 1 << 20, 0).rstrip(b"\0").hex()
    rescuer.tell(told)
    sys.exit()


def dumped(orders: dict[str, Any]) -> str:
    """Return the stack dump of the consumer, written by a C handler, which needs no interpreter."""
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
