"""The step before Python: what a bare machine lacks is said in one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mahaam.config import PROJECT_DIR

NOBODY = 65534


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in which nothing has been prepared."""
    (tmp_path / "launch").mkdir()
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "launch/prepare.sh"):
        shutil.copy(PROJECT_DIR / name, tmp_path / name)
    return tmp_path


def make(
    checkout: Path, arguments: list[str], **options: object
) -> subprocess.CompletedProcess[str]:
    # What `make test` hands to its children is not for another make.
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    return subprocess.run(
        ["make", *arguments],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        **options,
    )


def make_run(checkout: Path, **options: object) -> subprocess.CompletedProcess[str]:
    arguments = ["run", f"PYTHON={options.pop('python', '')}"]
    return make(checkout, arguments, **options)


def python_that(checkout: Path, script: str) -> Path:
    path = checkout / "python-for-test"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_missing_python_is_told(checkout: Path) -> None:
    words = sentence(make_run(checkout, python="/nowhere/python3"))
    assert words.startswith("Mahaam needs Python 3.11 or newer; found:")
    assert "/nowhere/python3" in words


def test_a_python_that_is_too_old_is_told(checkout: Path) -> None:
    old = python_that(checkout, '[ "$1" = --version ] && echo Python 3.9.2; exit 1')
    words = sentence(make_run(checkout, python=old))
    assert words.startswith("Mahaam needs Python 3.11 or newer; found: Python 3.9.2.")


def test_a_python_without_ensurepip_is_told(checkout: Path) -> None:
    bare = python_that(checkout, 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac')
    assert "apt install python3-venv" in sentence(make_run(checkout, python=bare))


def test_a_folder_that_cannot_be_written_is_told(checkout: Path) -> None:
    checkout.chmod(0o555)
    as_nobody = as_somebody_else(checkout) if os.geteuid() == 0 else {}
    try:
        assert sentence(make_run(checkout, **as_nobody)).startswith(f"Cannot write in {checkout}:")
    finally:
        checkout.chmod(0o755)


def as_somebody_else(checkout: Path) -> dict[str, object]:
    """Root may write everywhere, so another user must try."""
    for parent in checkout.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o001)
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def test_what_is_prepared_is_not_prepared_again(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "ready").touch()
    done = make(checkout, ["-n", "run"])
    assert done.stdout.split() == [".venv/bin/python", "-m", "launch"]
