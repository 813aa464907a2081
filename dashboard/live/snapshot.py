"""One snapshot of the product per process and second, and the parts of pages rendered from it.

Fifty viewers cost what one costs: all share the queries, and those of one language and role share
the rendered part. A part must hold nothing of one user: no token, no name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView
from markupsafe import Markup
from sqlalchemy.orm import Session

from mahaam.alerts.queries import AlertSummary, alert_summary
from mahaam.overview.overview import Overview, overview

from ..web.database import db
from ..web.languages import current_language
from . import findings
from .cached import Cached
from .queue_selection import QueueRequest, most_urgent, select

FRESH_S = 1.0
STALE_S = 4.0
EVERYTHING = QueueRequest()
SEEN, TAG = "X-Part-Seen", "X-Part"  # which part the browser shows, which one this is


@dataclass(frozen=True)
class Part:
    """A rendered part of a page, and the tag that identifies it."""

    html: Markup
    tag: str


@dataclass(frozen=True)
class Snapshot:
    """The overview and the open alerts, with the parts that were rendered from them."""

    overview: Overview
    alerts: AlertSummary
    parts: dict[tuple[Any, ...], Part] = field(default_factory=dict)


def register(app: Flask) -> None:
    """Keep one cached snapshot for this application."""
    app.extensions["snapshot"] = Cached(_take, fresh_s=FRESH_S, stale_s=STALE_S)


def current() -> Snapshot:
    """Return the snapshot of this second. Raises QueryTooSlow."""
    cached: Cached[Snapshot] = current_app.extensions["snapshot"]
    return cached.get()


def forget() -> None:
    """Drop the snapshot, so that a user who has just changed something sees the change."""
    current_app.extensions["snapshot"].forget()


def live_page(
    view: BaseView, page: str, template: str, asked: QueueRequest = EVERYTHING
) -> ResponseReturnValue:
    """Return the page around the shared part that `template` makes of the snapshot.

    A live refresh gets only the part, or 204 when it shows that part already.
    """
    part = _part(template, asked)
    if "HX-Request" not in request.headers:
        return str(view.render(page, part=part.html))
    if request.headers.get(SEEN) == part.tag:
        return "", 204
    answer = make_response(part.html)
    answer.headers[TAG] = part.tag
    return answer


def _take() -> Snapshot:
    with Session(db.engine) as session:
        return Snapshot(overview(session), alert_summary(session, shown=1))


def _part(template: str, asked: QueueRequest) -> Part:
    snapshot = current()
    key = (template, current_language().code, g.person.role_name, request.script_root, asked)
    if key not in snapshot.parts:
        now = snapshot.overview
        html = render_template(
            template,
            now=now,
            troubles=findings.of(now, snapshot.alerts),
            selection=select(now, asked),
            most_urgent=most_urgent,
        )
        tag = hashlib.sha256(html.encode()).hexdigest()[:16]
        snapshot.parts[key] = Part(Markup(html), tag)  # noqa: S704  # a template made it
    return snapshot.parts[key]
