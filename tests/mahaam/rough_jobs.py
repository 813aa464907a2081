"""Tasks that are rough with their process: they fork, freeze it, set signal handlers, run asyncio."""

from __future__ import annotations

import _signal
import asyncio
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gevent import monkey

from mahaam import current_job, enqueue, task
from tests.mahaam import tasks as jobs

native_sleep = monkey.get_original("time", "sleep")


@task(max_retries=0)
def fork_and_fall_out(file: str, how: str = "return") -> int:
    """Fork; the child writes its number down and leaves the task as the parent does, or else."""
    pid = os.fork()
    if pid:
        return os.WEXITSTATUS(os.waitpid(pid, 0)[1])
    with Path(file).open("a") as told:
        told.write(f"{os.getpid()}\n")
    time.sleep(0.5)
    return {"return": _one, "raise": _fall, "exit": sys.exit, "sleep": _sleep}[how]()


def _one() -> int:
    return 1


def _fall() -> int:
    raise ValueError("in the child")


def _sleep() -> int:
    time.sleep(60)
    return 1


def _double(number: int) -> int:
    time.sleep(0.1)
    return 2 * number


def _tell(pipe: Any) -> None:
    ran = subprocess.run(["echo", "from below"], capture_output=True, check=True)
    pipe.send([os.getpid(), ran.stdout.decode().strip(), str(enqueue(jobs.nothing).id)])


@task(max_retries=0)
def use_a_process() -> list[Any]:
    """Have a process of one's own compute, enqueue and start a program."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_tell, args=(theirs,))
    process.start()
    process.join()
    told: list[Any] = ours.recv()
    return [*told, process.exitcode, os.getpid()]


@task(max_retries=0)
def end_a_process() -> int | None:
    """Start a process that would go on, and end it."""
    process = multiprocessing.Process(target=time.sleep, args=(60,))
    process.start()
    time.sleep(0.2)
    process.terminate()
    process.join()
    return process.exitcode


@task(max_retries=0)
def use_a_pool() -> list[int]:
    """Have a pool compute, as code does that knows nothing of greenlets."""
    with multiprocessing.Pool(2) as pool:
        return pool.map(_double, range(4))


use_a_pool_apart = task(max_retries=0, cpu_bound=True, name="use_a_pool_apart")(use_a_pool.func)
fork_apart = task(max_retries=0, cpu_bound=True, name="fork_apart")(fork_and_fall_out.func)


@task(max_retries=0)
def start_programs(count: int) -> list[str]:
    """Start programs one after the other."""
    ran = [
        subprocess.run(["echo", str(it)], capture_output=True, check=True) for it in range(count)
    ]
    return [each.stdout.decode().strip() for each in ran]


def note(file: str, word: str) -> None:
    """Append a line to a file that outlives the process."""
    with Path(file).open("a") as told:
        told.write(f"{word} {current_job.attempt} {os.getpid()} {time.monotonic()}\n")


@task
def wait_in_python(file: str, seconds: float) -> None:
    """Compute without ever yielding; other threads of the process run."""
    note(file, "start")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass
    note(file, "end")


@task
def block_in_c(file: str, seconds: float) -> None:
    """Wait in C, with the interpreter let go of."""
    note(file, "start")
    native_sleep(seconds)
    note(file, "end")


@task
def compute_in_c(file: str, letters: int) -> None:
    """Hold the interpreter in C: twice as long for each letter more."""
    note(file, "start")
    re.match("(a|a)*b", "a" * letters)
    note(file, "end")


@task(max_retries=0)
def limit_by_alarm() -> str:
    """Limit one's time with SIGALRM, as in a program of one's own."""
    signal.signal(signal.SIGALRM, _alarmed)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        time.sleep(10)
    except TimeoutError:
        return "in time"
    finally:
        signal.alarm(0)
    return "too late"


def _alarmed(*_: Any) -> None:
    raise TimeoutError


limit_by_alarm_apart = task(max_retries=0, cpu_bound=True, name="limit_by_alarm_apart")(
    limit_by_alarm.func
)


@task(max_retries=0)
def touch_signals(how: str) -> str:
    """Change what happens upon signals; return what refused it."""
    try:
        TOUCHES[how]()
    except ValueError as refused:
        return str(refused)
    return "done"


TOUCHES: dict[str, Callable[[], object]] = {
    "SIGTERM": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "SIGCHLD": lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
    "alarm": lambda: signal.alarm(1),
    "timer": lambda: signal.setitimer(signal.ITIMER_VIRTUAL, 1),
    "mask": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}),
    "wakeup": lambda: signal.set_wakeup_fd(-1),
}


@task(max_retries=0)
def replace_handlers_behind() -> None:
    """Replace handlers where no guard is."""
    for number in (signal.SIGTERM, signal.SIGUSR1):
        _signal.signal(number, _signal.SIG_IGN)


@task(max_retries=0, cpu_bound=True)
def leave_an_alarm() -> None:
    """Leave a timer and a handler behind."""
    signal.signal(signal.SIGALRM, _alarmed)
    signal.setitimer(signal.ITIMER_REAL, 0.3)


sleep_apart = task(max_retries=0, cpu_bound=True, name="sleep_apart")(jobs.nap.func)


async def _gathered(seconds: float) -> list[Any]:
    await asyncio.gather(*[asyncio.sleep(seconds) for _ in range(3)])
    made = await asyncio.to_thread(enqueue, jobs.nothing)
    found = await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)
    current_job.log("said in a coroutine")
    return [current_job.id, str(made.id), len(found) > 0]


@task(max_retries=0)
def run_asyncio(seconds: float) -> list[Any]:
    """Run coroutines."""
    return asyncio.run(_gathered(seconds))


run_asyncio_apart = task(max_retries=0, cpu_bound=True, name="run_asyncio_apart")(run_asyncio.func)


@task(max_retries=0)
def run_a_loop_of_its_own(seconds: float) -> list[Any]:
    """Run coroutines without asyncio.run, twice."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(asyncio.sleep(seconds))
        return loop.run_until_complete(_gathered(0))
    finally:
        loop.close()


@task(max_retries=0)
def wait_in_asyncio(file: str) -> None:
    """Wait in a coroutine that says when it is cancelled."""

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            note(file, "cancelled")

    asyncio.run(wait())


@task(max_retries=0)
def fail_in_asyncio(how: str) -> None:
    """Raise in a coroutine."""

    async def fail() -> None:
        raise {"error": ValueError("in a coroutine"), "exit": SystemExit(3)}[how]

    asyncio.run(fail())


@task(max_retries=0)
def start_a_program_in_asyncio() -> None:
    """Start a program as asyncio does."""
    asyncio.run(asyncio.create_subprocess_exec("true"))
