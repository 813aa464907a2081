"""One launcher per folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .faults import AlreadyRunning, FolderNotWritable


def make_folder(folder: Path) -> None:
    """Make a folder that we can write in. Raises FolderNotWritable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error.strerror) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _not_writable(folder, "Permission denied")
    _refuse_strangers_folder(folder)


def _refuse_strangers_folder(folder: Path) -> None:
    """Raise FolderNotWritable when root was about to write in another user's folder.

    Root may write everywhere, but its owner could not use again what root writes there.
    """
    owner = folder.stat().st_uid
    if os.geteuid() == 0 and owner != 0:
        raise FolderNotWritable(
            f"{folder} belongs to another user (id {owner}): "
            "run this as that user, or set VAR_DIR to another folder."
        )


def _not_writable(folder: Path, reason: str | None) -> FolderNotWritable:
    return FolderNotWritable(
        f"Cannot write in {folder} ({reason}): "
        "give it to your user, or set VAR_DIR to another folder."
    )


@contextmanager
def only_one(lock_path: Path) -> Iterator[None]:
    """Hold the lock of this folder. Raises AlreadyRunning.

    The kernel drops the lock with the last process that holds it, so no crash leaves it behind.
    """
    with _open(lock_path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = lock_path.read_text("utf-8").strip() or "unknown"
            raise AlreadyRunning(
                f"Mahaam already runs here, or is still stopping (process {pid}): "
                "stop it first, or set VAR_DIR and PORT for a second one."
            ) from None
        lock.truncate(0)
        os.pwrite(lock.fileno(), str(os.getpid()).encode(), 0)
        yield


def _open(lock_path: Path) -> IO[str]:
    try:
        return lock_path.open("a")
    except OSError as error:
        raise _not_writable(lock_path.parent, error.strerror) from None
