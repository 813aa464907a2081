"""The page that gives a job other arguments; one that has ended runs again with them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from dashboard import access, moves
from dashboard.database import db
from dashboard.forms.kinds import LIST, OBJECT
from dashboard.forms.parameters import Field
from dashboard.languages import said
from dashboard.views.page import ConsolePage
from tasks.engine import verbs
from tasks.engine.errors import DatabaseUnavailable, MahaamError
from tasks.engine.models import Job
from tasks.engine.queries.jobs import find_job


class EditJobView(ConsolePage):
    """The form at /admin/job/ID/edit/."""

    def __init__(self) -> None:
        super().__init__(_l("Edit"), endpoint="job_edit", url="/admin/job/<uuid:id>/edit")

    def is_accessible(self) -> bool:
        """Only for those who may edit."""
        return access.may("edit")

    def is_visible(self) -> bool:
        """Not in the menu: it is reached from a job."""
        return False

    @expose("/")
    def index(self, id: uuid.UUID) -> str:  # noqa: A002  # as it stands in the address
        """The arguments as they are."""
        job = find_job(db.session, id) or abort(404)
        return self._page(job, _fields(job))

    @expose("/", methods=("POST",))
    def save(self, id: uuid.UUID) -> ResponseReturnValue:  # noqa: A002
        """Change them, or show what is wrong beside what was typed."""
        access.require("edit")
        job = find_job(db.session, id) or abort(404)
        fields = _fields(job)
        args, kwargs = (field.read(request.form) for field in fields)
        if any(field.fault for field in fields):
            return self._page(job, fields), 400
        try:
            verdict = verbs.edit(id, args=args, kwargs=kwargs, by=g.person.email)
        except DatabaseUnavailable:
            raise
        except MahaamError as fault:
            return self._page(job, fields, fault=str(fault)), 400
        _tell(verdict, job)
        return redirect(url_for("job.details", id=id), code=303)

    def _page(self, job: Job, fields: list[Field], fault: str | None = None) -> str:
        faults = [fault] if fault else []
        return self.render(
            "job/edit.html",
            job=job,
            fields=fields,
            faults=faults,
            is_possible=moves.can("edit", job),
        )


def _fields(job: Job) -> list[Field]:
    return [
        Field("args", _("Arguments by place"), LIST, default=[], text=_shown(job.args)),
        Field("kwargs", _("Arguments by name"), OBJECT, default={}, text=_shown(job.kwargs)),
    ]


def _shown(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _tell(verdict: verbs.Verdict, job: Job) -> None:
    for reason in verdict.refused.values():
        flash(said(reason), "warning")
    if verdict.done and job.finished_at is not None:
        flash(_("The job has other arguments and was queued again."), "success")
    elif verdict.done:
        flash(_("The job has other arguments."), "success")
