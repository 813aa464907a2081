"""Definitions of tasks: what can run, with which arguments, and what has run of each."""

from __future__ import annotations

import json
from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mahaam import verbs
from mahaam.core.errors import MahaamError, UnknownTask
from mahaam.core.field import FieldNotValid
from mahaam.enqueuing import catalog
from mahaam.enqueuing.call_schema import call_schema
from mahaam.jobs.task_card import TaskCard
from mahaam.postgres.paging import PageCursor
from mahaam.queries.executions import executions_page
from mahaam.queries.queues import queue_names
from mahaam.schedules import definitions_queries as queries
from mahaam.schedules.definitions_queries import DefinitionEntry
from mahaam.schedules.queries import schedules_of
from mahaam.search.job_filter import JobFilter

from ..auth import access
from ..forms.definition_form import DefinitionForm
from ..present.schedule_text import in_words
from ..web.database import db
from ..web.languages import said
from ..web.query_string import QueryString
from .page import ID, MORE, ConsolePage, found, read_list

RUNS_SHOWN = 10


class DefinitionView(ConsolePage):
    """Definitions at /admin/definition/."""

    def __init__(self) -> None:
        super().__init__(
            _l("Definitions"), endpoint="definition", category=MORE, menu_icon_value="code"
        )

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List the definitions that users made, newest first, then every registered task."""
        query = QueryString(request.args)
        cursor = PageCursor(after=query.integer("after"), before=query.integer("before"))
        page = read_list(query, lambda: queries.definition_page(db.session, cursor))
        shown = self.render(
            "definition/list.html", query=query, page=page, cards=catalog.all_tasks()
        )
        return shown, 400 if query.faults else 200

    @expose("/task/<subject>/")
    def task(self, subject: str) -> ResponseReturnValue:
        """Show a registered task: its parameters, its definitions and schedules, its last runs."""
        card = found(_card(subject))
        return self._details(card, None, JobFilter(task=card.name))

    @expose(f"/<{ID}>/")
    def details(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Show a definition that a user made."""
        entry = found(queries.definition(db.session, id))
        return self._details(
            _card(entry.task), entry, JobFilter(tag=queries.definition_tag(entry.name))
        )

    @expose("/form/", methods=("GET", "POST"))
    def create(self) -> ResponseReturnValue:
        """Create a definition."""
        access.require("define")
        form = _form(None)
        if request.method == "GET":
            return self._form(form)
        given = form.read(request.form)
        try:
            if given is None:
                return self._form(form), 400
            id_ = verbs.create_definition(given, by=g.person.email)
        except FieldNotValid as fault:
            form.refuse(fault)
            return self._form(form), 400
        flash(_("The definition was made."), "success")
        return redirect(url_for("definition.details", id=id_), code=303)

    @expose(f"/form/<{ID}>/", methods=("GET", "POST"))
    def edit(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Change a definition."""
        access.require("define")
        form = _form(found(queries.definition(db.session, id)))
        if request.method == "GET":
            return self._form(form)
        given = form.read(request.form)
        try:
            if given is None:
                return self._form(form), 400
            is_changed = verbs.edit_definition(id, given, by=g.person.email)
        except FieldNotValid as fault:
            form.refuse(fault)
            return self._form(form), 400
        except LookupError:
            abort(404)
        flash(
            _("The definition was changed.") if is_changed else _("Nothing was changed."), "success"
        )
        return redirect(url_for("definition.details", id=id), code=303)

    @expose(f"/<{ID}>/delete/", methods=("POST",))
    def delete(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Delete a definition that no schedule runs; its jobs stay."""
        access.require("define")
        try:
            verbs.delete_definition(id, by=g.person.email)
        except FieldNotValid as fault:
            flash(said(fault.phrase), "warning")
            return redirect(url_for("definition.details", id=id), code=303)
        except LookupError:
            abort(404)
        flash(_("The definition was deleted."), "success")
        return redirect(url_for("definition.index"), code=303)

    @expose(f"/<{ID}>/execute/", methods=("POST",))
    def execute(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Create a job of a definition, with the arguments that the form holds."""
        access.require("execute")
        entry = found(queries.definition(db.session, id))
        form = DefinitionForm(entry)
        kwargs = form.read_kwargs(request.form)
        try:
            if kwargs is None:
                raise MahaamError(*form.field_faults)
            made = verbs.execute_definition(id, kwargs, by=g.person.email)
        except (FieldNotValid, MahaamError) as fault:
            flash(said(fault.phrase) if isinstance(fault, FieldNotValid) else str(fault), "warning")
            return redirect(url_for("definition.details", id=id), code=303)
        flash(_("The job was created."), "success")
        return redirect(url_for("job.details", id=made), code=303)

    def _details(self, card: TaskCard | None, entry: Any, wanted: JobFilter) -> str:
        task = card.name if card else entry.task
        return str(
            self.render(
                "definition/details.html",
                card=card,
                entry=entry,
                form=DefinitionForm(entry) if entry else None,
                schema=json.dumps(call_schema(card), indent=2, ensure_ascii=False) if card else "",
                others=[] if entry else queries.definitions_of(db.session, task),
                schedules=schedules_of(db.session, task),
                runs=executions_page(db.session, wanted, PageCursor(size=RUNS_SHOWN)).entries,
                in_words=in_words,
            )
        )

    def _form(self, form: DefinitionForm) -> str:
        return str(self.render("definition/form.html", form=form, card=_card(form["task"].text)))


def _form(entry: DefinitionEntry | None) -> DefinitionForm:
    return DefinitionForm(
        entry,
        task=request.args.get("task", "")[:200],
        tasks=tuple(card.name for card in catalog.all_tasks()),
        queues=queue_names(db.session),
    )


def _card(task: str) -> TaskCard | None:
    try:
        return catalog.find(task)
    except UnknownTask:
        return None
