"""Error groups: each cause of failures once, with its count, its first time and its runbook."""

from __future__ import annotations

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mahaam import verbs
from mahaam.failures import groups_queries as queries
from mahaam.failures.groups_store import now
from mahaam.jobs import task_registry
from mahaam.postgres import database
from mahaam.postgres.paging import PageCursor
from mahaam.queries.dead_letter_list import find_dead_letter

from ..actions import direct
from ..auth import access
from ..auth.login_required import safe_path
from ..forms import filters
from ..forms.small_forms import runbook_form
from ..web.database import db
from ..web.query_string import QueryString
from .act_page import ActPage
from .page import ID, found, read_list

MOST_TEXT = 20_000
MOST_NAME = 200


class ErrorView(ActPage):
    """Error groups at /admin/error/."""

    acts = direct.of_kind("error_group")

    def __init__(self) -> None:
        super().__init__(_l("Errors"), endpoint="error", menu_icon_value="flame")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List the error groups, newest first, filtered by state, task, owner and text."""
        query = QueryString(request.args)
        wanted = queries.GroupFilter(
            state=query.choice("state", queries.STATES),
            task=query.name("task"),
            owner=query.name("owner"),
            text=query.name("text"),
        )
        cursor = PageCursor(after=query.integer("after"), before=query.integer("before"))
        page = read_list(query, lambda: queries.group_page(db.session, wanted, cursor))
        shown = self.render(
            "error/list.html",
            query=query,
            page=page,
            wanted=wanted,
            counts=queries.group_counts(db.session),
            hours=queries.hours(
                db.session, [entry.id for entry in page.entries], database.repeatable(now)
            ),
            filters=filters.filled(filters.ERROR, tasks=tuple(sorted(task_registry.tasks))),
        )
        return shown, 400 if query.faults else 200

    @expose(f"/<{ID}>/")
    def details(self, id: int) -> str:  # noqa: A002  # as it stands in the address
        """Show an error group: its cause, its counts, its runbook and its newest failure."""
        entry = found(queries.group(db.session, id))
        at = database.repeatable(now)
        return str(
            self.render(
                "error/details.html",
                entry=entry,
                hours=queries.hours(db.session, [id], at)[id],
                days=queries.days(db.session, id, at),
                letter=find_dead_letter(db.session, entry.sample_id) if entry.sample_id else None,
                open_letters=queries.open_letters_of(db.session, entry.fingerprint),
            )
        )

    @expose(f"/<{ID}>/runbook/", methods=("POST",))
    def runbook(self, id: int) -> ResponseReturnValue:  # noqa: A002
        """Save the runbook of an error group."""
        access.require("runbook")
        text = request.form.get("runbook", "")[:MOST_TEXT]
        result = verbs.write_group_runbook(id, text, by=g.person.email)
        if result.refused:
            abort(404)
        flash(_("The runbook was saved."), "success")
        return redirect(url_for("error.details", id=id), code=303)

    @expose("/task/<subject>/runbook/", methods=("GET", "POST"))
    def task_runbook(self, subject: str) -> ResponseReturnValue:
        """Show and save the runbook of a task, which applies whatever the cause of a failure."""
        access.require("runbook")
        if not subject.isprintable() or len(subject) > MOST_NAME:
            abort(404)
        if request.method == "GET":
            form = runbook_form(queries.runbook(db.session, subject) or "")
            return str(self.render("error/task_runbook.html", task=subject, form=form))
        verbs.write_task_runbook(
            subject, request.form.get("runbook", "")[:MOST_TEXT], by=g.person.email
        )
        flash(_("The runbook was saved."), "success")
        return redirect(safe_path(request.form.get("url")), code=303)
