"""The order of imports for the modules at the top, which import-linter cannot see."""

from __future__ import annotations

import ast

import pytest

from mahaam.config import PROJECT_DIR

OURS = {"mahaam", "config", "launch", "tasks", "dashboard", "wsgi", "huey_consumer"}


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("config", {"mahaam"}),
        ("wsgi", {"config", "dashboard", "mahaam"}),
        ("huey_consumer", {"config", "mahaam"}),
    ],
)
def test_a_module_at_the_top_imports_only_what_lies_below_it(
    module: str, allowed: set[str]
) -> None:
    assert imported_by(module) & OURS <= allowed


def imported_by(module: str) -> set[str]:
    """First parts of the names of everything that a module imports, at any depth of its code."""
    tree = ast.parse((PROJECT_DIR / f"{module}.py").read_text("utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}
