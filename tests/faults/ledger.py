"""A record of attempts that no server can lose: one line in a file for each start and each end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LEDGER = "FAULTS_LEDGER"  # the environment variable with the file's path


class Pen:
    """Writes lines; the file is opened to append, so that lines of many processes never mix."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    @contextmanager
    def attempt(self, job_id: str, number: int) -> Iterator[None]:
        """Note the start and how it ended: end, fail (an error of the task) or cut (stopped)."""
        self._note("start", job_id, number)
        word = "cut"
        try:
            yield
            word = "end"
        except Exception:
            word = "fail"
            raise
        finally:
            self._note(word, job_id, number)

    def _note(self, word: str, job_id: str, number: int) -> None:
        at_ns = time.monotonic_ns()
        ahead_s = (time.time_ns() - at_ns) // 10**9
        line = f"{word} {job_id} {number} {os.getpid()} {at_ns} {ahead_s}\n"
        os.write(self._file, line.encode())


@dataclass(slots=True)
class Run:
    """One attempt as the ledger has it; `word` is None while no line says how it ended.

    `ahead_s` is how far its process's time of day was ahead of the monotonic time.
    """

    job_id: str
    number: int
    pid: int
    started_ns: int
    closed_ns: int | None = None
    word: str | None = None
    ahead_s: int = 0


class Ledger:
    """Reads the file as it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._offset = 0
        self._open: dict[tuple[str, str, str], Run] = {}
        self.runs: list[Run] = []
        self.closed = 0

    def read(self) -> None:
        """Take in the whole lines that were added."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.decode().splitlines():
            self._take_in(*line.split())

    def _take_in(
        self, word: str, job_id: str, number: str, pid: str, at_ns: str, ahead_s: str
    ) -> None:
        key = job_id, number, pid
        if word == "start":
            run = Run(job_id, int(number), int(pid), int(at_ns), ahead_s=int(ahead_s))
            self._open[key] = run
            self.runs.append(run)
        else:
            run = self._open.pop(key)
            run.closed_ns, run.word = int(at_ns), word
            self.closed += 1

    def by_job(self) -> dict[str, list[Run]]:
        """The attempts of each job in the order of their starts."""
        found: dict[str, list[Run]] = {}
        for run in sorted(self.runs, key=lambda run: run.started_ns):
            found.setdefault(run.job_id, []).append(run)
        return found
