"""The CPU processes of a consumer: started when one is needed, kept for the next task."""

from __future__ import annotations

import time

from mahaam.huey_adapter.cpu.process import CpuProcess

IDLE_S = 60.0


class ProcessPool:
    """At most one process for each running task; those that are idle for long are ended."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._idle: list[tuple[CpuProcess, float]] = []  # the most recently used one at the end

    def take(self) -> CpuProcess:
        """Return a process that is ready. Raises ProcessEnded when none can be started."""
        while self._idle:
            process, _ = self._idle.pop()
            if process.is_alive:
                return process
            process.end()
        return CpuProcess()

    def give_back(self, process: CpuProcess) -> None:
        """Keep a process for the next task, if it can run one."""
        if process.is_free:
            self._idle.append((process, time.monotonic()))

    def retire(self) -> None:
        """End the processes that were idle for a while."""
        oldest = time.monotonic() - self._idle_s
        tired = [process for process, since in self._idle if since <= oldest]
        self._idle = [(process, since) for process, since in self._idle if since > oldest]
        for process in tired:
            process.end()

    def close(self) -> None:
        """End all idle processes."""
        for process, _ in self._idle:
            process.end()
        self._idle = []


pool = ProcessPool()
