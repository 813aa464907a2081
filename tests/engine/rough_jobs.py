"""Tasks that are rough with their process: they fork, freeze it, set signal handlers, run asyncio."""

from __future__ import annotations

import multiprocessing
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gevent import monkey

from tasks import current_job, enqueue, task
from tests.engine import jobs

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
