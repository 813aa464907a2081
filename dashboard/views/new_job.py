"""The page that creates a job of any registered task."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mahaam.core.errors import DatabaseUnavailable, MahaamError, UnknownTask
from mahaam.enqueuing import catalog
from mahaam.models import Job
from mahaam.queries.job_list import find_job
from mahaam.queries.queues import queue_names

from ..forms.job_form import JobForm
from ..jobs.recent_calls import last_call, remember
from ..web import audit
from ..web.database import db
from ..web.idempotency import once
from ..web.query_string import job_id
from .page import ConsolePage, found


class NewJobView(ConsolePage):
    """The page at /jobs/create/."""

    verb = "create"

    def __init__(self) -> None:
        super().__init__(
            _l("New job"), endpoint="new_job", url="/jobs/create", menu_icon_value="plus"
        )

    def is_visible(self) -> bool:
        """Return False: the page has the button beside the menu."""
        return False

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the choice of tasks, or the form of the task that was chosen."""
        name = request.args.get("task", "")
        if not name:
            return self._page(None)
        try:
            return self._page(self._first_form(name))
        except UnknownTask as fault:
            return self._page(None, fault=str(fault)), 404

    @expose("/", methods=("POST",))
    def create(self) -> ResponseReturnValue:
        """Create the job, or show what is wrong beside what was typed."""
        try:
            form = self._form(request.form.get("task", ""), request.form)
        except UnknownTask as fault:
            return self._page(None, fault=str(fault)), 400
        if not form.read(request.form):
            return self._page(form), 400
        try:
            return self._make(form)
        except DatabaseUnavailable:
            raise
        except MahaamError as fault:
            return self._page(form, fault=str(fault)), 400

    def _make(self, form: JobForm) -> ResponseReturnValue:
        token = job_id(request.form.get("token", "")) or abort(400)
        made, is_new = once(token, lambda: form.enqueue(by=g.person.email).id)
        if is_new and made:
            remember(g.person, form.card.name, made)
            audit.write(
                "create", "job", [str(made)], by=g.person.email, after={"task": form.card.name}
            )
            db.session.commit()
        flash(
            _("The job was created.")
            if is_new
            else _("This form had been sent before; this is the job that it made."),
            "success" if is_new else "warning",
        )
        return redirect(url_for("job.details", id=made), code=303)

    def _first_form(self, name: str) -> JobForm:
        """Return the form, filled from the job that is named or from the user's last one of this task."""
        catalog.find(name)  # an unknown task ends here, before the database is asked
        like = request.args.get("like", "")
        model = found(find_job(db.session, job_id(like) or abort(400))) if like else None
        form = self._form(name, request.args, begin=model or last_call(g.person, name))
        if model:
            form.take_options(model)
        return form

    def _form(self, name: str, sent: Mapping[str, str], *, begin: Job | None = None) -> JobForm:
        is_raw = sent.get("as") == "json"
        return JobForm(
            catalog.find(name), queues=queue_names(db.session), is_raw=is_raw, begin=begin
        )

    def _page(self, form: JobForm | None, fault: str | None = None) -> str:
        return self.render(
            "new_job.html",
            form=form,
            fault=fault,
            cards=catalog.all_tasks(),
            token=request.form.get("token") or uuid.uuid4(),
        )
