"""Charts of throughput, failures, waits and runs over a window."""

from __future__ import annotations

from flask import current_app, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import lazy_gettext as _l

from mahaam.metrics.deploys_queries import deploys
from mahaam.metrics.queries import WINDOWS, Metrics, metrics

from ..forms import filters
from ..live import snapshot
from ..live.cached import Cached
from ..present import charts
from ..web.database import db
from ..web.query_string import QueryString
from .page import ConsolePage

FRESH_S, STALE_S = 5.0, 20.0  # a minute's figures are added up again every five seconds
MOST_WINDOWS = 100
ROWS_SHOWN = 30


class MetricsView(ConsolePage):
    """Charts at /admin/metrics/."""

    def __init__(self) -> None:
        super().__init__(_l("Metrics"), endpoint="metrics", menu_icon_value="chart-line")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show a window of all jobs, of one queue, of one task or of one task in a queue."""
        query = QueryString(request.args)
        name = query.choice("window", WINDOWS) or "1h"
        query.understood.setdefault("window", name)
        queue, task = query.name("queue"), query.name("task")
        code = 400 if query.close() else 200
        found = _cached(name, queue, task)
        marks = deploys(db.session, since=found.since)
        text = self.render(
            "metrics.html",
            query=query,
            name=name,
            windows=WINDOWS,
            wanted={"queue": queue, "task": task},
            metrics=found,
            deploys=marks,
            rows=found.coarse(ROWS_SHOWN),
            charts=charts.of_metrics(found, marks),
            filters=filters.filled(filters.METRICS, queues=_queues(), tasks=tuple(found.tasks)),
        )
        return text, code


def _cached(name: str, queue: str | None, task: str | None) -> Metrics:
    """Return the figures of a window, which all viewers share for some seconds."""
    windows: dict[tuple[str | None, ...], Cached[Metrics]]
    windows = current_app.extensions.setdefault("metrics", {})
    key = (name, queue, task)
    cached = windows.get(key)
    if cached is None:
        if len(windows) >= MOST_WINDOWS:
            windows.clear()
        cached = windows[key] = Cached(
            lambda: metrics(db.session, WINDOWS[name], queue=queue, task=task),
            fresh_s=FRESH_S,
            stale_s=STALE_S,
        )
    return cached.get()


def _queues() -> tuple[str, ...]:
    return tuple(queue.name for queue in snapshot.current().overview.queues)
