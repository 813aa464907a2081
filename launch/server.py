"""A server process that belongs to one data folder and to the launcher that started it."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import psutil

from .faults import FolderNotWritable, ServerFailed
from .os_user import OsUser
from .processes import first_of, processes_of, send, signal_on_death_of

SOCKET_PATH_LIMIT = 100  # Linux takes 107 bytes, others 103
READY_TIMEOUT_S = 60  # PostgreSQL may have to replay its log first
STOP_TIMEOUT_S = 4
LOG_LIMIT_BYTES = 10_000_000
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class Server(ABC):
    """An embedded server that is started, watched and stopped."""

    title: str
    program_names: tuple[str, ...]  # it may be another one after an upgrade
    socket_name: str
    stop_signal: signal.Signals
    force_signal: signal.Signals
    ends_with_parent = False  # for tests; a launcher's servers outlive web and consumer

    def __init__(self, folder: Path, *, account: OsUser, log_path: Path) -> None:
        self.folder = folder.resolve()
        self.account = account
        self.log_path = log_path
        self.environment = dict(ENVIRONMENT)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Return the URL of the server for clients."""

    @property
    @abstractmethod
    def urls(self) -> dict[str, str]:
        """Return every address of it, by the name of its setting."""

    @property
    @abstractmethod
    def program(self) -> Path:
        """Return the program that serves. Raises ProgramMissing."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data folder when there is none, and clear what a crash left in it."""

    @abstractmethod
    def _arguments(self) -> list[str]:
        """Return the command line after the program."""

    @abstractmethod
    def _answers(self) -> bool:
        """Return True if the server takes connections."""

    @property
    def pid(self) -> int | None:
        """Return the process, or None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def socket_folder(self) -> Path:
        """Return the data folder; for a deep one, whose path no socket takes, a short one in /tmp."""
        if len(os.fsencode(self.folder / self.socket_name)) < SOCKET_PATH_LIMIT:
            return self.folder
        key = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path("/tmp") / f"mahaam-{key}"  # noqa: S108 - made ours and checked in _own_socket_folder

    def start(self) -> None:
        """Start and wait until it answers. Raises ServerFailed."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.account.open_way_to(self.folder, self.program)
        self.end_leftovers()
        self._prepare()
        self._own_socket_folder()
        try:
            self._run()
        except OSError as error:
            raise ServerFailed(f"{self.title} could not be started: {error}.") from None
        self._wait_until_ready()

    def ask_to_stop(self) -> None:
        """Tell the server to stop, without waiting."""
        if self.pid is not None:
            os.kill(self.pid, self.stop_signal)

    def stop(self) -> None:
        """Stop, and wait until it has."""
        if self._process is None:
            return
        self.ask_to_stop()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(self.force_signal)
            self._process.wait()
        if self.socket_folder != self.folder:
            shutil.rmtree(self.socket_folder, ignore_errors=True)

    def kill(self) -> None:
        """End the server as a crash does."""
        for process in self._processes():
            send(process, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def end_leftovers(self) -> None:
        """End what a killed launcher left running on this folder, in the order of a stop."""
        leftovers = self._processes()
        for process in first_of(leftovers):
            send(process, self.stop_signal)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        # Searched again each time: waiting for a process means waiting for the parent that must
        # reap it.
        while leftovers and time.monotonic() < deadline:
            time.sleep(0.02)
            leftovers = self._processes()
        for process in leftovers:
            send(process, signal.SIGKILL)

    def log_tail(self) -> str:
        """Return the last lines that the server wrote."""
        return "\n".join(self.log_path.read_text("utf-8", "replace").splitlines()[-5:])

    def _processes(self) -> list[psutil.Process]:
        return processes_of(self.folder, *self.program_names)

    def _run(self) -> None:
        with self._open_log() as log:
            self._process = subprocess.Popen(
                [str(self.program), *self._arguments()],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the launcher: servers stop last
                umask=0o077,
                preexec_fn=self._tie() if self.ends_with_parent else None,  # noqa: PLW1509 - tests only
                **self.account.popen_options(),
            )

    def _tie(self) -> Callable[[], None]:
        return partial(signal_on_death_of, os.getpid(), self.force_signal)

    def _own_socket_folder(self) -> None:
        folder = self.socket_folder
        if folder == self.folder:
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        # Any user may make a folder in /tmp: never follow a link, never use another user's.
        if folder.is_symlink() or folder.stat().st_uid not in self._trusted_uids():
            raise FolderNotWritable(f"{folder} belongs to somebody else: remove it.")
        self.account.own(folder)

    def _trusted_uids(self) -> set[int]:
        entry = self.account.entry
        return {os.geteuid(), entry.pw_uid if entry else os.geteuid()}

    def _open_log(self) -> IO[bytes]:
        self.log_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.log_path.exists() and self.log_path.stat().st_size > LOG_LIMIT_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        return self.log_path.open("ab")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._answers():
            if self.pid is None or time.monotonic() > deadline:
                tail = self.log_tail()
                self.stop()
                raise ServerFailed(
                    f"{self.title} did not start; {self.log_path} ends with:\n{tail}"
                )
            time.sleep(0.02)
