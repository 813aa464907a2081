"""Every page that there is, from the routes of the application; a new one is in by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, url_for
from werkzeug.routing import Rule

# What no person looks at: files, what belongs to no page, and Flask-Admin's own address of static files.
NO_PAGE = frozenset({"static", "admin.static", "healthz", "livez", "readyz", "root"})
# Files that a browser keeps, and parts that a page fetches.
FILES = frozenset(
    {"job.json", "job.export", "job.count", "old_queues", "queues.job", "schedule_form.preview"}
)
# Pages whose address alone does not show what is in them: more of them, by their query.
MORE = (
    "/admin/job/?state=failed",
    "/admin/job/?state=nonsense",
    "/jobs/create/?task=tests.browser.tasks.of_many_kinds",
    "/jobs/create/?task=tests.browser.tasks.of_many_kinds&as=json",
    "/nothing/here",
)


def pages(app: Flask, samples: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The address of every page; `samples` has what fills the places of an endpoint's view."""
    rules = [rule for rule in page_rules(app) if rule.endpoint not in FILES]
    return [*(_address(app, rule, samples) for rule in rules), *MORE]


def page_rules(app: Flask) -> list[Rule]:
    """The routes that can be looked at."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    return sorted(
        (
            rule
            for rule in rules
            if rule.endpoint not in NO_PAGE and not rule.endpoint.endswith(".static")
        ),
        key=lambda rule: rule.rule,
    )


def _address(app: Flask, rule: Rule, samples: Mapping[str, Mapping[str, Any]]) -> str:
    view = rule.endpoint.split(".")[0]
    values = {name: samples.get(view, {}).get(name) for name in rule.arguments}
    missing = [name for name, value in values.items() if value is None]
    assert not missing, (
        f"{rule.rule}: add {missing} of {view!r} to SAMPLES in tests/browser/conftest.py"
    )
    with app.test_request_context():
        return url_for(rule.endpoint, **values)
