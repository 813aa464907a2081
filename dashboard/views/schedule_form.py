"""The form that creates or changes a schedule, and its preview while it is filled in."""

from __future__ import annotations

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _

from mahaam import verbs
from mahaam.core.field import FieldNotValid
from mahaam.enqueuing import catalog
from mahaam.postgres import database
from mahaam.queries.queues import queue_names
from mahaam.schedules import queries
from mahaam.schedules.definitions_queries import definition_names
from mahaam.schedules.queries import ScheduleEntry
from mahaam.schedules.rules.previews import previews
from mahaam.schedules.store import now

from ..auth import access
from ..forms.schedule_form import ScheduleForm
from ..present.schedule_text import in_words
from ..web.database import db
from .page import ID, ConsolePage, found
from .schedules import NEXT_SHOWN


class ScheduleFormView(ConsolePage):
    """The form of a schedule at /admin/schedule_form/."""

    def __init__(self) -> None:
        super().__init__("", endpoint="schedule_form", url="/admin/schedule/form")

    def is_visible(self) -> bool:
        """Return False: the form is reached from the list and from a schedule, not from the menu."""
        return False

    @expose("/", methods=("GET", "POST"))
    def create(self) -> ResponseReturnValue:
        """Create a schedule."""
        access.require("define")
        if request.method == "GET":
            begin = {name: request.args.get(name, "")[:200] for name in ("task", "definition")}
            return self._page(_form(None, **begin))
        form = _form(None)
        given = form.read(request.form)
        if given is None:
            return self._page(form), 400
        try:
            id_ = verbs.create_schedule(given, by=g.person.email)
        except FieldNotValid as fault:
            form.refuse(fault)
            return self._page(form), 400
        flash(_("The schedule was made."), "success")
        return redirect(url_for("schedule.details", id=id_), code=303)

    @expose(f"/<{ID}>/", methods=("GET", "POST"))
    def edit(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Change a schedule. From then on users own it, not the code."""
        access.require("define")
        form = _form(found(queries.schedule(db.session, id)))
        if request.method == "GET":
            return self._page(form)
        given = form.read(request.form)
        if given is None:
            return self._page(form), 400
        try:
            is_changed = verbs.edit_schedule(id, given, by=g.person.email)
        except FieldNotValid as fault:
            form.refuse(fault)
            return self._page(form), 400
        except LookupError:
            return found(None)
        flash(
            _("The schedule was changed.") if is_changed else _("Nothing was changed."), "success"
        )
        return redirect(url_for("schedule.details", id=id), code=303)

    @expose("/preview/")
    def preview(self) -> ResponseReturnValue:
        """Show in words the times that are being typed, and the next runs."""
        access.require("define")
        form = ScheduleForm()
        moment = database.repeatable(now)
        times = form.preview(request.args, moment)
        return str(
            self.render(
                "schedule/preview.html",
                faults=form.field_faults,
                words=in_words(times) if times else None,
                zone=times.timezone if times else None,
                upcoming=previews(times, moment, NEXT_SHOWN // 2) if times else [],
            )
        )

    def _page(self, form: ScheduleForm) -> str:
        cards = {card.name: card for card in catalog.all_tasks()}
        return str(
            self.render(
                "schedule/form.html",
                form=form,
                card=cards.get(form["task"].text),
            )
        )


def _form(entry: ScheduleEntry | None, **begin: str) -> ScheduleForm:
    return ScheduleForm(
        entry,
        tasks=tuple(card.name for card in catalog.all_tasks()),
        definitions=tuple(definition_names(db.session)),
        queues=queue_names(db.session),
        **begin,
    )
