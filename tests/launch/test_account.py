"""The user whom PostgreSQL runs as, on a machine that does not have it yet."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest

from mahaam.config import PROJECT_DIR

ADD = """
import sys
from launch import os_user
os_user.SYSTEM_ACCOUNT = sys.argv[1]
print(os_user.server_account().entry.pw_uid)
"""


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a user that does not exist; it is gone afterwards."""
    name = f"mahaam-{uuid4().hex[:8]}"
    yield name
    subprocess.run(["userdel", name], capture_output=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root needs another user.")
def test_two_that_add_the_user_at_once_get_the_same_one(name: str) -> None:
    command = [sys.executable, "-c", ADD, name]
    racers = [
        subprocess.Popen(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    numbers = {int(racer.communicate()[0]) for racer in racers}

    assert numbers == {pwd.getpwnam(name).pw_uid}
