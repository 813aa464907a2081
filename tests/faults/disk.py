"""A small file system of its own for PostgreSQL, which can be filled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import new_folder


@contextmanager
def small_disk(size_mb: int) -> Iterator[Path]:
    """Mount a file system of so many MB on a new folder; that takes root."""
    assert os.geteuid() == 0, "A file system is mounted by root alone: run this campaign as root."
    with new_folder() as folder:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=711", "tmpfs", folder], check=True
        )
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
