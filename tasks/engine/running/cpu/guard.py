"""The guard of a task that computes: holds a process for it."""

from __future__ import annotations

from types import TracebackType

from tasks.engine.running.cpu.pool import pool
from tasks.engine.running.guard import Guard


class CpuGuard(Guard):
    """A guard whose time begins when the process is ready."""

    __slots__ = ()

    def __enter__(self) -> None:
        try:
            self._run.process = pool.take()
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
        if self._run.process is not None:
            pool.give_back(self._run.process)
            self._run.process = None
