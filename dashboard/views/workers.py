"""The consumer processes, what each runs, and the verbs on them."""

from __future__ import annotations

import uuid

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import lazy_gettext as _l

from mahaam.core.errors import OptionNotValid
from mahaam.postgres.paging import Page
from mahaam.queries.running import jobs_by_worker
from mahaam.workers.queries import shown_workers

from ..actions import direct
from ..actions.direct import NotUnderstood
from ..auth import access
from ..live import snapshot
from ..web.database import db
from ..web.languages import said
from .page import ConsolePage

ACTIONS = direct.of_kind("worker")


class WorkerView(ConsolePage):
    """Workers at /admin/worker/."""

    def __init__(self) -> None:
        super().__init__(_l("Workers"), endpoint="worker", menu_icon_value="server")

    @expose("/")
    def index(self) -> str:
        """List the consumers, live ones first. Those that have ended disappear after a while."""
        found = shown_workers(db.session)
        return str(
            self.render(
                "workers.html",
                page=Page(found),
                running=jobs_by_worker(db.session, [worker.id for worker in found]),
                steps=ACTIONS,
            )
        )

    @expose("/<uuid:id>/<verb>/", methods=("GET", "POST"))
    def steer(self, id: uuid.UUID, verb: str) -> ResponseReturnValue:  # noqa: A002
        """Ask for a confirmation, then send the request to the worker."""
        step = ACTIONS.get(verb) or abort(404)
        access.require(step.right)
        worker = next((one for one in shown_workers(db.session) if one.id == id), None) or abort(
            404
        )
        if request.method == "GET":
            return str(self.render("worker/steer.html", worker=worker, step=step))
        try:
            result = step.carry_out([id], request.form, by=g.person.email)
        except (OptionNotValid, NotUnderstood):
            return str(
                self.render("worker/steer.html", worker=worker, step=step, is_wrong=True)
            ), 400
        for reason in result.refused.values():
            flash(said(reason), "warning")
        if result.done:
            flash(step.done(1), "success")
        snapshot.forget()
        return redirect(url_for("worker.index"), code=303)
