"""Processes: those of a server, found by their folder, and those that end with their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1  # prctl(2); Linux alone has it


def processes_of(folder: Path, *program_names: str) -> list[psutil.Process]:
    """Return the processes of a server by their working folder: pids in files go stale."""
    return [p for p in psutil.process_iter(["name"]) if _stands_in(p, folder, program_names)]


def send(process: psutil.Process, signal_number: signal.Signals) -> None:
    """Signal a process that may have ended meanwhile."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal_number)


def first_of(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that started the others; PostgreSQL's backends end with their postmaster."""
    pids = {process.pid for process in processes}
    return [process for process in processes if _parent_of(process) not in pids]


def signal_on_death_of(parent_pid: int, signal_number: int) -> None:
    """Have the kernel send `signal_number` to this process when the parent ends, however it ends."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent_pid:  # the parent ended before we asked
        os.kill(os.getpid(), signal_number)


def _parent_of(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def _stands_in(process: psutil.Process, folder: Path, program_names: tuple[str, ...]) -> bool:
    try:
        return process.info["name"] in program_names and Path(process.cwd()) == folder
    except psutil.Error:
        return False
