"""The time limit of a CPU-bound task, which holds a process for the task."""

from __future__ import annotations

from types import TracebackType

from mahaam.huey_adapter.cpu.process import CpuProcess
from mahaam.huey_adapter.cpu.process_pool import pool
from mahaam.huey_adapter.tasks.time_limit import TimeLimit
from mahaam.run.run import Run


class CpuTimeLimit(TimeLimit):
    """A time limit whose time begins when the process is ready."""

    __slots__ = ("_process",)

    def __init__(self, run: Run, timeout_s: float | None) -> None:
        super().__init__(run, timeout_s)
        self._process: CpuProcess | None = None

    def __enter__(self) -> None:
        try:
            self._run.process = self._process = pool.take()
            super().__enter__()
        except BaseException:
            self._run.ended = True
            self._give_back()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._give_back()
        super().__exit__(kind, fault, traceback)

    def _give_back(self) -> None:
        if self._process is not None:
            pool.give_back(self._process)
            self._run.process = self._process = None
