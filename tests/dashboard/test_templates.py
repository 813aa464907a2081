"""How templates read: short lines, two skeletons, no rules of states, no dictionaries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from mahaam.config import PROJECT_DIR
from mahaam.jobs.states import State

FOLDER = PROJECT_DIR / "templates"
LONGEST_LINE = 160
TEMPLATES = sorted(FOLDER.rglob("*.html"))
# A page of these names is a list or a form, wherever it lies.
LISTS = {"list.html", "tasks.html", "workers.html", "set_aside.html", "reconcile.html"}
FORMS = {"form.html", "edit.html", "pause.html", "resume.html", "backfill.html"}
STATES = set(State) | {"open", "closed", "resolved", "ignored", "returned", "waiting", "undoing"}


def tree(path: Path) -> nodes.Template:
    return Environment(autoescape=True).parse(path.read_text("utf-8"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_template_can_be_read(path: Path) -> None:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        assert len(line) <= LONGEST_LINE, f"line {number} has {len(line)} characters"
    found = tree(path)
    for node in found.find_all(nodes.Dict):
        raise AssertionError(f"line {node.lineno} makes a dictionary: make it in Python")
    for node in found.find_all(nodes.Call):
        changes = isinstance(node.node, nodes.Getattr) and node.node.attr
        assert changes not in ("append", "update", "pop"), f"line {node.lineno} changes a value"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_template_asks_for_states_by_their_meaning(path: Path) -> None:
    for node in tree(path).find_all((nodes.List, nodes.Tuple)):
        names = {one.value for one in node.items if isinstance(one, nodes.Const)}
        assert len(names) < 2 or not names <= STATES, (
            f"line {node.lineno} lists states {sorted(names)}: ask the row, as job.can('promoted')"
        )


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_what_keeps_white_space_begins_and_ends_with_none_of_the_template(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r'class="[^"]*(?:error-text|log-text|task-doc)[^"]*"[^>]*>\s', text)


@pytest.mark.parametrize(
    ("names", "skeleton"), [(LISTS, "list_page.html"), (FORMS, "form_page.html")]
)
def test_lists_and_forms_have_one_skeleton_each(names: set[str], skeleton: str) -> None:
    pages = [path for path in TEMPLATES if path.name in names]
    assert len(pages) > 3
    for path in pages:
        extends = re.search(r"{% extends '([^']+)' %}", path.read_text("utf-8"))
        assert extends, path
        assert extends[1] == skeleton, path
