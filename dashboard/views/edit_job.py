"""The page that changes a job's arguments. A job that has ended runs again with them."""

from __future__ import annotations

import uuid

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mahaam import verbs
from mahaam.core.errors import DatabaseUnavailable, MahaamError
from mahaam.enqueuing import catalog
from mahaam.models import Job
from mahaam.queries.job_list import find_job

from ..auth import access
from ..forms.raw_call import RawCall
from ..present import availability
from ..web.database import db
from ..web.languages import said
from .page import ConsolePage, found


class EditJobView(ConsolePage):
    """The form at /admin/job/ID/edit/."""

    def __init__(self) -> None:
        super().__init__(_l("Edit"), endpoint="job_edit", url="/admin/job/<uuid:id>/edit")

    verb = "edit"

    def is_visible(self) -> bool:
        """Return False: the page is reached from a job, not from the menu."""
        return False

    @expose("/")
    def index(self, id: uuid.UUID) -> str:  # noqa: A002  # as it stands in the address
        """Show the arguments with secrets masked. A mask that is left in place keeps the old value."""
        job = found(find_job(db.session, id))
        return self._page(job, _call(job))

    @expose("/", methods=("POST",))
    def save(self, id: uuid.UUID) -> ResponseReturnValue:  # noqa: A002
        """Change the arguments, or show what is wrong beside what was typed."""
        access.require("edit")
        job = found(find_job(db.session, id))
        call = _call(job)
        typed = call.read(request.form)
        if typed is None:
            return self._page(job, call), 400
        try:
            result = verbs.edit(id, args=typed[0], kwargs=typed[1], by=g.person.email)
        except DatabaseUnavailable:
            raise
        except MahaamError as fault:
            call.faults.append(str(fault))
            return self._page(job, call), 400
        _flash_result(result, job)
        return redirect(url_for("job.details", id=id), code=303)

    def _page(self, job: Job, call: RawCall) -> str:
        return self.render(
            "job/edit.html",
            job=job,
            form=call,
            signature=catalog.spelling(job.task),
            is_possible=availability.can("edit", job),
        )


def _call(job: Job) -> RawCall:
    return RawCall(job.task, (job.args, job.kwargs), keeps_masks=True)


def _flash_result(result: verbs.VerbResult, job: Job) -> None:
    for reason in result.refused.values():
        flash(said(reason), "warning")
    if result.done and job.finished_at is not None:
        flash(_("The job has other arguments and was queued again."), "success")
    elif result.done:
        flash(_("The job has other arguments."), "success")
