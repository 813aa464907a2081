"""The page that gives a job other arguments, and lets one that has ended run again with them."""

from __future__ import annotations

import uuid

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _

from dashboard import access
from dashboard.database import db
from dashboard.forms.raw_call import RawCall
from dashboard.languages import said
from dashboard.views.page import ListPage, found
from tasks.engine import verbs
from tasks.engine.errors import DatabaseUnavailable, MahaamError
from tasks.engine.intake import catalog
from tasks.engine.models import Job
from tasks.engine.queries.jobs import find_job


class JobEditPage(ListPage):
    """The form at /admin/job/<id>/edit/."""

    @expose("/<uuid:id>/edit/")
    def edit(self, id: uuid.UUID) -> str:  # noqa: A002  # as it stands in the address
        """The arguments as they are, secrets masked."""
        access.require("edit")
        job = found(find_job(db.session, id))
        return self._form(job, RawCall(job.task, (job.args, job.kwargs), keeps_masks=True))

    @expose("/<uuid:id>/edit/", methods=("POST",))
    def save(self, id: uuid.UUID) -> ResponseReturnValue:  # noqa: A002
        """Keep the new arguments, or say why not; a mask that was left stands for the old value."""
        access.require("edit")
        job = found(find_job(db.session, id))
        call = RawCall(job.task, (job.args, job.kwargs), keeps_masks=True)
        typed = call.read(request.form)
        if typed is None:
            return self._form(job, call), 400
        try:
            verdict = verbs.edit(id, by=g.person.email, args=typed[0], kwargs=typed[1])
        except DatabaseUnavailable:
            raise
        except MahaamError as fault:
            return self._form(job, call, fault=str(fault)), 400
        for reason in verdict.refused.values():
            flash(said(reason), "warning")
        if verdict.done:
            flash(_("The arguments were changed."), "success")
        return redirect(url_for("job.details", id=id), code=303)

    def _form(self, job: Job, call: RawCall, fault: str | None = None) -> str:
        return self.render(
            "job/edit.html", job=job, call=call, fault=fault, signature=catalog.spelling(job.task)
        )
