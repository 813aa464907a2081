"""Walks over every page of the application, those that somebody adds tomorrow, too."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from dashboard.forms.channel_form import ChannelForm
from dashboard.forms.definition_form import DefinitionForm
from dashboard.forms.form import Form
from dashboard.forms.rule_form import RuleForm
from dashboard.forms.schedule_form import ScheduleForm
from mahaam.config import PROJECT_DIR
from mahaam.live_settings.definitions import SETTINGS

FORMS: tuple[Callable[[], Form], ...] = (DefinitionForm, ScheduleForm, RuleForm, ChannelForm)
FOREIGN = {"admin.static", "static"}  # files
PARAMETER = re.compile(r"""(?:query\.\w+|request\.args\.get)\(["'](\w+)["']""")
USUAL = ("page", "sort", "desc", "search", "flt0_0", "flt1_job_state", "id", "url")
IMPORT = re.compile(r"^from (\.[\w.]*) import", re.MULTILINE)
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


def parameter_names(rule: Rule | None = None, app: Flask | None = None) -> set[str]:
    """The parameters that any handler asks an address for, or that of a route may ask for."""
    return {*_named(PARAMETER, rule, app), *USUAL}


def field_names(rule: Rule | None = None, app: Flask | None = None) -> set[str]:
    """The fields that any handler asks a form for, or that of a route may ask for."""
    listed = {name for form in FORMS for name in form().fields}
    if rule is None or rule.endpoint.startswith("setting."):
        listed |= {*SETTINGS}
    return _named(FIELD, rule, app) | listed


def _named(pattern: re.Pattern[str], rule: Rule | None, app: Flask | None) -> set[str]:
    """What the code of the console asks for; of a route, that of its module and of what it imports."""
    texts = _texts()
    paths = texts.keys()
    if rule is not None and app is not None:
        own = Path(inspect.getfile(inspect.unwrap(app.view_functions[rule.endpoint])))
        paths = {own, *_imported(own)} & paths or paths
    return {name for path in paths for name in pattern.findall(texts[path])}


@cache
def _texts() -> dict[Path, str]:
    """The modules of the console."""
    return {path: path.read_text("utf-8") for path in (PROJECT_DIR / "dashboard").rglob("*.py")}


@cache
def _imported(path: Path) -> frozenset[Path]:
    """The modules of the console that a module names in its imports, and those in a package so named."""
    names = {name.rsplit(".", 1)[-1] for name in IMPORT.findall(path.read_text("utf-8"))}
    return frozenset(near for near in _texts() if names & {near.stem, near.parent.name})


def _with(app: Flask, method: str) -> list[Rule]:
    return [
        rule
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ()) and rule.endpoint not in FOREIGN
    ]
