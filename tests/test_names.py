"""No class name stands twice in the product, so that a name says which class is meant."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRODUCT = ("mahaam", "dashboard", "tasks", "launch")


def test_no_two_classes_have_one_name() -> None:
    slots: dict[str, list[str]] = defaultdict(list)
    for folder in PRODUCT:
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef):
                    slots[node.name].append(str(file.relative_to(ROOT)))
    assert len(slots) > 100
    assert {name: found for name, found in slots.items() if len(found) > 1} == {}
