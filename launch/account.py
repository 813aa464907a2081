"""Who the embedded servers run as: PostgreSQL refuses to be root."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

from launch.faults import ProgramMissing

SYSTEM_ACCOUNT = "mahaam"


class Account:
    """The user that a server runs as; without a name it is the one who started us."""

    def __init__(self, entry: pwd.struct_passwd | None) -> None:
        self.entry = entry

    def popen_options(self) -> dict[str, Any]:
        """What subprocess needs to become this user."""
        if self.entry is None:
            return {}
        return {"user": self.entry.pw_uid, "group": self.entry.pw_gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or folder to this user alone."""
        path.chmod(0o700 if path.is_dir() else 0o600)
        if self.entry is not None:
            os.chown(path, self.entry.pw_uid, self.entry.pw_gid)

    def open_way_to(self, path: Path) -> None:
        """Let this user pass, not read, the folders above `path`: root's are closed to him."""
        for folder in path.parents:
            mode = folder.stat().st_mode
            if self._may_pass(folder, mode):
                continue
            folder.chmod(mode | 0o001)
            print(f"{folder} may now be passed, not read, by other users: PostgreSQL needs it.")

    def open_programs(self, program: Path) -> None:
        """Let this user read what pip installed under a strict umask."""
        if self.entry is None or program.stat().st_mode & 0o005 == 0o005:
            return
        for path in (program.parent.parent, *program.parent.parent.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode | 0o004 | (0o001 if mode & 0o100 else 0))

    def _may_pass(self, folder: Path, mode: int) -> bool:
        if self.entry is None or mode & 0o001:
            return True
        return folder.stat().st_uid == self.entry.pw_uid


def server_account(var_path: Path) -> Account:
    """Choose the user: ourselves; for root the owner of the folder, or a system account."""
    if os.geteuid() != 0:
        return Account(None)
    owner = var_path.stat().st_uid
    return Account(pwd.getpwuid(owner) if owner else _system_account())


def _system_account() -> pwd.struct_passwd:
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
