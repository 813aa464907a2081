"""Schedules: the list, one schedule with its times and its history, and the verbs on them."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from mahaam import verbs
from mahaam.core.field import FieldNotValid
from mahaam.jobs import task_registry
from mahaam.postgres.paging import PageCursor
from mahaam.schedules import queries
from mahaam.schedules.rules.previews import previews

from ..actions import direct
from ..auth import access
from ..forms import filters
from ..forms.form import Form
from ..forms.options import OF_SCHEDULES
from ..forms.small_forms import period_form, reason_form
from ..present.charts import of_fires
from ..present.schedule_text import in_words
from ..web.database import db
from ..web.languages import number, said
from ..web.query_string import QueryString, moment
from .act_page import ActPage
from .page import ID, found, read_list

NEXT_SHOWN = 10


QUESTIONS = {
    "disable": (
        _l("Disable"),
        _l("It fires no more. What it made goes on, and what passes meanwhile is not made up."),
    ),
    "delete": (
        _l("Delete"),
        _l(
            "It goes with its history. Its jobs stay. A schedule of the code comes back with the next"
            " start."
        ),
    ),
    "back_to_code": (_l("Back to the code"), _l("What people changed is given up.")),
}


class ScheduleView(ActPage):
    """Schedules at /admin/schedule/."""

    acts = direct.of_kind("schedule")

    def __init__(self) -> None:
        super().__init__(_l("Schedules"), endpoint="schedule", menu_icon_value="calendar-time")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List the schedules, newest first, filtered by state, task and name."""
        query = QueryString(request.args)
        wanted = {
            "state": query.choice("state", queries.STATES),
            "task": query.name("task"),
            "name": query.name("name"),
        }
        cursor = PageCursor(after=query.integer("after"), before=query.integer("before"))
        page = read_list(query, lambda: queries.schedule_page(db.session, cursor=cursor, **wanted))
        shown = self.render(
            "schedule/list.html",
            query=query,
            page=page,
            wanted=wanted,
            counts=queries.schedule_counts(db.session),
            filters=filters.filled(filters.SCHEDULE, tasks=tuple(sorted(task_registry.tasks))),
            in_words=in_words,
        )
        return shown, 400 if query.faults else 200

    @expose(f"/<{ID}>/")
    def details(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Show a schedule with its next times, its history and its buttons."""
        query = QueryString(request.args)
        before = query.moment("before")
        if query.close():
            abort(400)
        entry = found(queries.schedule(db.session, id))
        fires = queries.fire_page(db.session, id, before=before)
        return self.render(
            "schedule/details.html",
            entry=entry,
            upcoming=previews(entry.spec, entry.at, NEXT_SHOWN),
            fires=fires,
            chart=of_fires(fires),
            before=before,
            size=queries.FIRES_SHOWN,
            words=in_words(entry.spec),
            is_known=task_registry.find(entry.task) is not None,
            job_options=OF_SCHEDULES,
        )

    def question(self, verb: str, ids: list[int], back: str) -> str:
        """Return the page that asks for a confirmation of what cannot be undone."""
        chosen = [entry for id_ in ids if (entry := queries.schedule(db.session, id_))]
        return str(
            self.render(
                "schedule/confirm.html",
                verb=verb,
                question=QUESTIONS[verb],
                form=reason_form() if verb == "disable" else Form(()),
                entries=chosen,
                back=back,
            )
        )

    def place_after(self, verb: str, back: str) -> str:
        """Return the list after a deletion, else the page before."""
        is_gone = verb == "delete" and back.startswith(url_for("schedule.index"))
        return url_for("schedule.index") if is_gone else back

    @expose(f"/<{ID}>/backfill/", methods=("GET", "POST"))
    def backfill(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Make up for a period: first show how many and which times, then create the jobs."""
        access.require("backfill")
        entry = found(queries.schedule(db.session, id))
        form = period_form()
        times: list[datetime] | None = None
        if request.method == "POST" and (period := _period(form)):
            try:
                times = verbs.backfill_times(entry.spec, *period, now=datetime.now(UTC))
                if request.form.get("confirmed") == "yes":
                    return self._backfilled(id, *period)
            except FieldNotValid as refusal:
                form.refuse(refusal)
            except verbs.CannotFire as refusal:
                form.faults.append(said(refusal.phrase))
        shown = self.render("schedule/backfill.html", entry=entry, form=form, times=times)
        return shown, 200 if form.is_right else 400

    def _backfilled(self, id_: int, since: datetime, until: datetime) -> ResponseReturnValue:
        count = verbs.backfill(id_, since, until, by=g.person.email)
        flash(
            ngettext("%(n)s job was made.", "%(n)s jobs were made.", count, n=number(count)),
            "success",
        )
        return redirect(url_for("schedule.details", id=id_), code=303)


def _period(form: Form) -> tuple[datetime, datetime] | None:
    """Return both ends of a period in UTC, or None after setting faults when they are not valid."""
    given = form.values(request.form)
    for name in given:
        if not form[name].fault and moment(form[name].text) is None:
            form.fault(name, _("Enter a date and a time."))
    ends = [moment(form[name].text) for name in given]
    return (ends[0], ends[1]) if form.is_right and ends[0] and ends[1] else None
