"""Processes that a test left behind: its children, and all that inherited its mark."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress

import psutil

from tests.fork_server.client import fork_server
from tests.machine import within

MARK = "MAHAAM_TEST_RUN"

known: dict[int, psutil.Process | None] = {}  # by pid, those that are ours


def mark_this_run() -> None:
    """Give every process that tests start a mark; embedded servers have an environment without."""
    os.environ[MARK] = uuid.uuid4().hex


def marked_processes() -> set[psutil.Process]:
    """All processes with this run's mark, and the forks of this process.

    A process is looked at once: twice for each test, the environments of a whole machine cost more
    than many tests do, and so do their entries in /proc.
    """
    running = {int(name) for name in os.listdir("/proc") if name.isdecimal()}  # noqa: PTH208
    for gone in known.keys() - running:
        del known[gone]
    for pid in running - known.keys():
        known[pid] = _ours(pid)
    return {process for process in known.values() if process is not None}


def _ours(pid: int) -> psutil.Process | None:
    try:
        process, here = psutil.Process(pid), psutil.Process()
    except psutil.Error:  # it ended meanwhile
        return None
    return process if process != here and _is_ours(process, here) else None


def _is_ours(process: psutil.Process, here: psutil.Process) -> bool:
    return _mark_of(process) == os.environ[MARK] or _is_fork(process, here)


def end_strays(before: set[psutil.Process]) -> list[str]:
    """Kill what runs now and did not before, after a moment to end by itself; their commands.

    What a process of before has started is its own to end: a consumer that many tests share.
    """
    kept = {child for process in before - _fork_server() for child in _children_of(process)}
    new = marked_processes() - before - kept - _fork_server()
    if not new:
        return []
    _, alive = psutil.wait_procs(list(new), timeout=within(2))
    commands = [_command_of(process) for process in alive]
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=within(2))
    return commands


def _fork_server() -> set[psutil.Process]:
    """The fork server, whose children are the tests'."""
    return {psutil.Process(fork_server.pid)} if fork_server.pid else set()


def _children_of(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except psutil.Error:
        return None


def _is_fork(process: psutil.Process, parent: psutil.Process) -> bool:
    try:
        return (
            process.cmdline() == parent.cmdline()
            and parent in process.parents()
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.Error:
        return False


def _command_of(process: psutil.Process) -> str:
    try:
        return f"{process.pid}: {' '.join(process.cmdline())}"
    except psutil.Error:
        return str(process.pid)
