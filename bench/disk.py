"""The disk under the servers: how long it takes to confirm, and a way to make it slower."""

from __future__ import annotations

import os
import shutil
import statistics
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figure import Figure, percentile, reported

SOURCE = Path(__file__).parent / "slow_disk.c"
SAMPLES = 300
BLOCK = b"x" * 8192


def confirmation_ms(folder: Path) -> list[float]:
    """Write a block and wait for the disk, many times. Return how long each took."""
    path = folder / "disk-probe"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        return [_confirm(descriptor) for _ in range(SAMPLES)]
    finally:
        os.close(descriptor)
        path.unlink()


def _confirm(descriptor: int) -> float:
    begun = time.perf_counter()
    os.pwrite(descriptor, BLOCK, 0)
    os.fdatasync(descriptor)
    return (time.perf_counter() - begun) * 1000


def figure(folder: Path) -> Figure:
    """Return the median and the 99th percentile of fdatasync, to be read beside all other figures."""
    took_ms = confirmation_ms(folder)
    return reported(
        "this machine's disk: fdatasync of 8 kB, p50",
        statistics.median(took_ms),
        unit="ms",
        detail=f"p99 {percentile(took_ms, 0.99):.2f} ms, {os.cpu_count()} cores",
    )


class SlowDisk:
    """Makes fdatasync slower for servers that were started with its `environment`.

    The environment is empty, and nothing is ever slower, where there is no C compiler.
    """

    def __init__(self, folder: Path) -> None:
        self._shim, self._wish = folder / "slow_disk.so", folder / "slow_disk_us"
        self.is_possible = self._is_built()
        self._wish.write_bytes(struct.pack("l", 0))
        self._wish.chmod(0o644)

    @property
    def environment(self) -> dict[str, str]:
        """Return what a server's process needs to know."""
        if not self.is_possible:
            return {}
        return {"LD_PRELOAD": str(self._shim), "SLOW_DISK": str(self._wish)}

    @contextmanager
    def taking(self, milliseconds: float) -> Iterator[None]:
        """Let the disk take at least so long until the block ends."""
        self._set(int(milliseconds * 1000))
        try:
            yield
        finally:
            self._set(0)

    def _set(self, microseconds: int) -> None:
        with self._wish.open("r+b") as file:  # servers have mapped it: never replace the file
            file.write(struct.pack("l", microseconds))

    def _is_built(self) -> bool:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            return False
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(self._shim), str(SOURCE), "-ldl"]
        return subprocess.run(command, check=False).returncode == 0
