"""The live monitor of the queues, and the page of one queue with its actions."""

from __future__ import annotations

import uuid

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import lazy_gettext as _l

from mahaam.overview.overview import throughput_of
from mahaam.postgres.paging import PageCursor
from mahaam.queries.job_list import find_job, jobs_page
from mahaam.queries.logs import log_page
from mahaam.queries.queues import QueueEntry
from mahaam.search.job_filter import JobFilter

from ..actions import queue_actions
from ..actions.queue_actions import SWEEPS
from ..auth.access import require
from ..live import snapshot
from ..live.queue_selection import QueueRequest
from ..present import badges, job_payload
from ..web.database import db
from ..web.query_string import QueryString
from .page import read_list
from .pausing import PausingPage

NEWEST = PageCursor(size=20)
LINES_SHOWN = 50


class QueueView(PausingPage):
    """The monitor at /admin/queues/."""

    kind = "queue"

    def __init__(self) -> None:
        super().__init__(_l("Queues"), endpoint="queues", menu_icon_value="stack")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show a card for each queue, a page of them at a time."""
        asked = QueueRequest.of(request.args)
        return snapshot.live_page(self, "queue/monitor.html", "queue/cards.html", asked)

    @expose("/<subject>/")
    def details(self, subject: str) -> ResponseReturnValue:
        """Show a queue with the newest jobs of one state."""
        now = snapshot.current().overview
        queue = self._queue(subject)
        query = QueryString(request.args)
        state = query.choice("state", badges.JOB) or _first_state(queue)
        wanted = JobFilter(state=state, queue=subject)
        page = read_list(query, lambda: jobs_page(db.session, wanted, NEWEST))
        text = self.render(
            "queue/details.html", now=now, queue=queue, state=state, page=page, query=query,
            minutes=throughput_of(db.session, subject, now.at),
            sweeps=[sweep for sweep in SWEEPS.values() if state in sweep.states],
        )  # fmt: skip
        return text, 400 if query.faults else 200

    @expose("/<subject>/job/<uuid:id>/")
    def job(self, subject: str, id: uuid.UUID) -> str:  # noqa: A002  # as it stands in the address
        """Show data, result, error and last log lines of a job, to be unfolded in the list."""
        job = find_job(db.session, id)
        if job is None or job.queue != subject:
            abort(404)
        return str(
            self.render(
                "queue/job.html",
                job=job,
                parts=job_payload.excerpts(job),
                log=log_page(db.session, job.id, limit=LINES_SHOWN),
            )
        )

    @expose("/<subject>/sweep/<verb>/", methods=("GET", "POST"))
    def sweep(self, subject: str, verb: str) -> ResponseReturnValue:
        """Run a verb on all jobs of a state in this queue, once it is confirmed."""
        sweep = SWEEPS.get(verb) or abort(404)
        require(verb)
        now = snapshot.current().overview
        self.check(subject)
        query = QueryString(request.args)
        state = query.choice("state", sweep.states) or sweep.states[0]
        if query.close():
            abort(400)
        back = url_for("queues.details", subject=subject, state=state)
        if request.method == "POST":
            wanted = JobFilter(state=state, queue=subject)
            id_ = queue_actions.start(sweep, wanted, request.form)
            return redirect(url_for("operation.details", id=id_), code=303)
        count = now.count(subject, state)
        return str(
            self.render(
                "queue/sweep.html", subject=subject, sweep=sweep, state=state, back=back, count=count,
                ages_s=queue_actions.AGES_S,
            )
        )  # fmt: skip

    def check(self, subject: str) -> None:
        """Answer 404 for a queue that does not exist."""
        self._queue(subject)

    def home(self, subject: str) -> str:
        """Return the address of the queue's page."""
        return url_for("queues.details", subject=subject)

    def _queue(self, subject: str) -> QueueEntry:
        queues = snapshot.current().overview.queues
        return next((queue for queue in queues if queue.name == subject), None) or abort(404)


def _first_state(queue: QueueEntry) -> str:
    """Return the state to show first: queued or running if there are such jobs, else completed."""
    return "queued" if queue.waiting else "running" if queue.running else "completed"
