"""The processes of a server, found by the folder that they stand in."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

import psutil


def processes_of(folder: Path, program_name: str) -> list[psutil.Process]:
    """Find the processes of a server by the folder they stand in: pids in files go stale."""
    return [p for p in psutil.process_iter(["name"]) if _stands_in(p, folder, program_name)]


def send(process: psutil.Process, signal_number: signal.Signals) -> None:
    """Signal a process that may have ended meanwhile."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal_number)


def first_of(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that started the others; PostgreSQL's backends end with their postmaster."""
    pids = {process.pid for process in processes}
    return [process for process in processes if _parent_of(process) not in pids]


def _parent_of(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def _stands_in(process: psutil.Process, folder: Path, program_name: str) -> bool:
    try:
        return process.info["name"] == program_name and Path(process.cwd()) == folder
    except psutil.Error:
        return False
