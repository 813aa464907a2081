"""The user of the embedded servers: PostgreSQL does not run as root."""

from __future__ import annotations

import fcntl
import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

from .faults import ProgramMissing

SYSTEM_ACCOUNT = "mahaam"


class OsUser:
    """The user that a server runs as; without a name it is the one who started us."""

    def __init__(self, entry: pwd.struct_passwd | None) -> None:
        self.entry = entry

    def popen_options(self) -> dict[str, Any]:
        """Return the options with which subprocess becomes this user."""
        if self.entry is None:
            return {}
        return {"user": self.entry.pw_uid, "group": self.entry.pw_gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or folder to this user alone."""
        path.chmod(0o700 if path.is_dir() else 0o600)
        if self.entry is not None:
            os.chown(path, self.entry.pw_uid, self.entry.pw_gid)

    def open_way_to(self, *paths: Path) -> None:
        """Let this user pass, not read, the folders above: root's own are closed to him."""
        folders = {folder for path in paths for folder in path.parents}
        closed = sorted(folder for folder in folders if not self._may_pass(folder))
        for folder in closed:
            folder.chmod(folder.stat().st_mode | 0o001)
        if closed:
            names = ", ".join(str(folder) for folder in closed)
            print(f"Other users may now pass, not read, {names}: PostgreSQL refuses to be root.")

    def _may_pass(self, folder: Path) -> bool:
        if self.entry is None:
            return True
        found = folder.stat()
        return bool(found.st_mode & 0o001) or found.st_uid == self.entry.pw_uid


def server_account() -> OsUser:
    """Return the user: ourselves; for root a system account."""
    return OsUser(_system_account() if os.geteuid() == 0 else None)


def _system_account() -> pwd.struct_passwd:
    # Two useradd at once both succeed, and the second gives the user another number: one at a time.
    with Path("/etc/passwd").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return pwd.getpwnam(SYSTEM_ACCOUNT)
        except KeyError:
            _add_system_account()
            return pwd.getpwnam(SYSTEM_ACCOUNT)


def _add_system_account() -> None:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_ACCOUNT]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or error
        raise ProgramMissing(
            f"PostgreSQL does not run as root, and the user {SYSTEM_ACCOUNT} could not be added "
            f"({str(reason).strip()}): run as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from None
