"""Phased re-drives: started from a filter of dead letters, shown live, stopped by hand or by themselves."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mahaam import verbs
from mahaam.failures import redrives_queries as queries
from mahaam.failures.redrives import CAREFUL
from mahaam.operations.queries import is_anybody_there
from mahaam.postgres.paging import PageCursor

from ..actions import catalog
from ..actions import preview as matching
from ..auth import access
from ..forms.form import Form
from ..forms.small_forms import redrive_form
from ..jobs.dead_letter_filter import read_filter
from ..web.database import db
from ..web.languages import said
from ..web.query_string import QueryString
from .page import ID, MORE, ConsolePage, found, read_list

USUAL_PERCENT = 20


class RedriveView(ConsolePage):
    """Re-drives at /admin/redrive/."""

    def __init__(self) -> None:
        super().__init__(
            _l("Re-drives"), endpoint="redrive", category=MORE, menu_icon_value="rotate"
        )

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List the re-drives, newest first."""
        query = QueryString(request.args)
        cursor = PageCursor(after=query.integer("after"), before=query.integer("before"))
        page = read_list(query, lambda: queries.redrive_page(db.session, cursor))
        shown = self.render("redrive/list.html", query=query, page=page)
        return shown, 400 if query.faults else 200

    @expose("/form/", methods=("GET", "POST"))
    def form(self) -> ResponseReturnValue:
        """Show what would be re-driven and ask for the failure limit. When sent, start the re-drive."""
        access.require("redrive")
        query, form = QueryString(request.args), redrive_form(USUAL_PERCENT)
        wanted = read_filter(query)
        if query.close():
            form.faults += query.faults
            return self._form(query, None, form), 400
        preview = matching.of_letters(catalog.REPROCESS, wanted)
        if request.method == "GET":
            return self._form(query, preview, form)
        given = _read(form)
        if not form.is_right:
            return self._form(query, preview, form), 400
        try:
            id_ = verbs.start_redrive(
                wanted,
                max_failed_percent=given["percent"],
                reason=given["reason"],
                by=g.person.email,
            )
        except verbs.NothingToRedrive:
            form.faults.append(_("No open dead letter matches."))
            return self._form(query, preview, form), 400
        flash(_("The re-drive has begun. It goes on when you leave this page."), "success")
        return redirect(url_for("redrive.details", id=id_), code=303)

    @expose(f"/<{ID}>/")
    def details(self, id: int) -> str:  # noqa: A002  # as it stands in the address
        """Show the progress of a re-drive, phase by phase."""
        entry = found(queries.redrive(db.session, id))
        is_alone = entry.state == "running" and not is_anybody_there(db.session)
        return str(
            self.render(
                "redrive/details.html",
                entry=entry,
                phases=queries.outcomes(db.session, entry),
                careful=CAREFUL,
                is_alone=is_alone,
            )
        )

    @expose(f"/<{ID}>/stop/", methods=("POST",))
    def stop(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """End a re-drive after what is under way."""
        access.require("redrive")
        found(queries.redrive(db.session, id))
        refusal = verbs.stop_redrive(id, by=g.person.email)
        if refusal is None:
            flash(_("The re-drive was stopped. What it has reprocessed goes on."), "success")
        else:
            flash(said(refusal), "warning")
        return redirect(url_for("redrive.details", id=id), code=303)

    def _form(self, query: QueryString, preview: object, form: Form) -> str:
        return str(self.render("redrive/form.html", query=query, preview=preview, form=form))


def _read(form: Form) -> dict[str, Any]:
    given = form.values(request.form)
    percent = given["percent"]
    if not form["percent"].fault and (percent is None or not 0 <= percent <= 100):
        form.fault("percent", _("Enter a number from 0 to 100."))
    if not given["reason"]:
        form.fault("reason", _("Say why: whoever looks at this later wants to know."))
    return given
