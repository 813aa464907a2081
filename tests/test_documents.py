"""What the documents say of the code: every file that they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mahaam.config import PROJECT_DIR

DOCUMENTS = [
    *(PROJECT_DIR / "docs").glob("*.md"),
    *(PROJECT_DIR / name for name in ("README.md", "CONTRIBUTING.md")),
]
CODE = (
    "mahaam",
    "dashboard",
    "tasks",
    "launch",
    "tests",
    "bench",
    "tools",
    "templates",
    "static",
    "migrations",
    "docs",
)
NAMED = re.compile(rf"`((?:{'|'.join(CODE)})/[\w./-]*)`")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text("utf-8")
    named = {PROJECT_DIR / path for path in NAMED.findall(text)}
    linked = {document.parent / path for path in LINK.findall(text)}
    assert [str(path) for path in sorted(named | linked) if not path.exists()] == []


def test_contributing_names_where_each_kind_of_thing_goes() -> None:
    text = (PROJECT_DIR / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"^\| (.+?) \| .*`(?:mahaam|dashboard|tasks|config)", text, re.MULTILINE)
    for kind in (
        "a task",
        "a state",
        "an option of a job",
        "a verb",
        "a kind of schedule",
        "a kind of alert rule",
        "a channel",
        "a page",
        "a command",
        "a setting",
    ):
        assert any(row.startswith(kind) for row in rows) or f"To add {kind}" in text, kind


def test_the_twelve_files_of_the_core_loop_can_be_read_at_a_sitting() -> None:
    text = (PROJECT_DIR / "docs" / "architecture.md").read_text("utf-8")
    table = text.split("\n\n")[2]
    files = re.findall(r"^\| `(.+?\.py)`", table, re.MULTILINE)
    assert len(files) == 12
    assert sum(len((PROJECT_DIR / file).read_text("utf-8").splitlines()) for file in files) <= 3000
