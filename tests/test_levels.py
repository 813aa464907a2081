"""Every line from WARNING on stands in the table of docs/operations.md, under its level."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from mahaam.config import PROJECT_DIR

LEVELS = {
    "warning": "WARNING", "warn": "WARNING", "error": "ERROR", "exception": "ERROR", "critical": "CRITICAL",
}  # fmt: skip
ROW = re.compile(r"^\| (WARNING|ERROR|CRITICAL) \| (.*?) \| ", re.MULTILINE)
FACTS = re.compile(r"(^|\s+)\w+=.*", re.DOTALL)
PLACE = re.compile(r"%(\.\d+)?[sgdf]")


def sentence(template: str) -> str:
    """A line as the table has it: its facts left out, an ellipsis for what is filled in."""
    if template.startswith("%s job="):
        return "… job=…"
    shown = FACTS.sub("", PLACE.sub("…", template)).strip()
    return shown.removesuffix(" …") if shown.endswith(". …") else shown


def lines() -> Iterator[tuple[str, str, str]]:
    """Level, sentence and place of every call that logs from WARNING on."""
    for package in ("mahaam", "tasks", "dashboard", "launch"):
        for path in sorted((PROJECT_DIR / package).rglob("*.py")):
            for call in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                    yield from _line(call, call.func, f"{path.name}:{call.lineno}")


def _line(call: ast.Call, func: ast.Attribute, place: str) -> Iterator[tuple[str, str, str]]:
    is_log = isinstance(func.value, ast.Name) and func.value.id == "log"
    is_repeated = func.attr == "warn" and len(call.args) > 0
    if func.attr not in LEVELS or not (is_log or is_repeated):
        return
    first = call.args[0]
    is_sentence = isinstance(first, ast.Constant) and isinstance(first.value, str)
    if is_sentence and ("." in first.value or first.value.startswith("%s")):  # type: ignore[union-attr]
        yield LEVELS[func.attr], sentence(first.value), place


@cache
def table() -> dict[str, set[str]]:
    """The sentences of the table, by level."""
    found: dict[str, set[str]] = {}
    text = (PROJECT_DIR / "docs" / "operations.md").read_text("utf-8")
    for level, cell in ROW.findall(text):
        found.setdefault(level, set()).update(re.findall(r"`([^`]+)`", cell))
    return found


LINES = sorted(set(lines()))


def test_the_walk_finds_the_lines() -> None:
    assert len(LINES) > 60
    assert "Worker lost." in {line for _level, line, _place in LINES}


@pytest.mark.parametrize("level", ["WARNING", "ERROR", "CRITICAL"])
def test_each_line_is_in_the_table_and_no_other_is(level: str) -> None:
    there = {(line, place) for found, line, place in LINES if found == level}
    assert [pair for pair in sorted(there) if pair[0] not in table()[level]] == []
    assert table()[level] - {line for line, _place in there} <= {"… job=…"}
