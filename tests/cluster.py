"""The data of a PostgreSQL with all tables, made once for a whole run and copied for each server."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from launch.migrations import migrate
from launch.os_user import server_account
from launch.postgres import Postgres

FOLDER = "MAHAAM_TEST_CLUSTER"  # the variable by which all processes of a run find it
FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB", "autovacuum": "off"}


def make_room() -> bool:
    """Choose the folder for this run, unless a process above has; return whether it is ours."""
    if FOLDER in os.environ:
        return False
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="mahaam-test-cluster-")
    Path(os.environ[FOLDER]).chmod(0o711)
    return True


def remove() -> None:
    """Remove the folder."""
    shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


def copy_cluster(target: Path) -> None:
    """Put a cluster with all tables at `target`, which must not be there yet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--reflink=auto", str(_cluster()), str(target)], check=True)


def _cluster() -> Path:
    """Make the cluster where nobody has; one process does, the others wait."""
    if make_room():
        atexit.register(remove)
    folder = Path(os.environ[FOLDER])
    made = folder / "postgres"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _make(folder / "draft").replace(made)
    return made


def _make(folder: Path) -> Path:
    server = Postgres(
        folder, account=server_account(), log_path=folder.with_suffix(".log"), options=FAST
    )
    server.start()
    try:
        migrate(os.environ | server.urls)
    finally:
        server.stop()
    return folder
