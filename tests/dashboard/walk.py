"""Walks over every page of the application, those that somebody adds tomorrow, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from config import PROJECT_DIR
from dashboard.forms import channel_form, definition_form, rule_form, schedule_form
from tasks.engine.live_setting import SETTINGS

FOREIGN = {"admin.static", "static"}  # files
PARAMETER = re.compile(r"""(?:query\.\w+|request\.args\.get)\(["'](\w+)["']""")
USUAL = ("page", "sort", "desc", "search", "flt0_0", "flt1_job_state", "id", "url")
FIELD = re.compile(r"""request\.form(?:\.get(?:list)?\(|\[)["'](\w[\w-]*)["']""")

# What stands in addresses, by its name, or by the first part of the endpoint and its name.
PARTS: dict[str, Any] = {
    "filename": "app.js",
    "form": "csv",
    "what": "role",
    "part": "args",
    "number": 1,
    "subject": "default",
    "task.subject": "tasks.demo.echo",
    "queues.verb": "retry",
    "worker.verb": "quiet",
    "operation.id": 1,
    "user.id": 1,
    "schedule.id": 1,
    "schedule_form.id": 1,
    "definition.id": 1,
    "definition.subject": "tasks.demo.echo",
    "view.id": 1,
    "error.id": 1,
    "alert.id": 1,
    "rule.id": 1,
    "channel.id": 1,
    "error.subject": "tasks.demo.echo",
    "redrive.id": 1,
}


def pages(app: Flask) -> list[Rule]:
    """The routes that a browser opens."""
    return _with(app, "GET")


def forms(app: Flask) -> list[Rule]:
    """The routes that take forms."""
    return _with(app, "POST")


def address(rule: Rule, ids: dict[str, Any]) -> str:
    """The rule's address; `ids` has values by the first part of its endpoint, else by their names."""
    given = {
        name: ids.get(f"{rule.endpoint.partition('.')[0]}.{name}", ids.get(name, "x"))
        for name in rule.arguments
    }
    _, path = rule.build(given) or ("", "")
    assert path, f"{rule} cannot be built of {given}"
    return path


def parameter_names() -> Iterator[str]:
    """Every parameter that any handler asks an address for, and those that Flask-Admin's own take."""
    for path in (PROJECT_DIR / "dashboard").rglob("*.py"):
        yield from PARAMETER.findall(Path(path).read_text("utf-8"))
    yield from USUAL


def field_names() -> Iterator[str]:
    """Every field that any handler asks a form for, read from the code."""
    for path in (PROJECT_DIR / "dashboard").rglob("*.py"):
        yield from FIELD.findall(Path(path).read_text("utf-8"))
    yield from SETTINGS
    yield from {*definition_form.FIELDS, *schedule_form.FIELDS, *rule_form.FIELDS}
    yield from channel_form.FIELDS


def _with(app: Flask, method: str) -> list[Rule]:
    return [
        rule
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ()) and rule.endpoint not in FOREIGN
    ]
