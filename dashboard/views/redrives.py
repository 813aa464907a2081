"""Phased re-drives: begun from a filter of dead letters, watched live, stopped by hand or by themselves."""

from __future__ import annotations

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
from ..web.database import db
from ..web.languages import said
from ..web.query_string import QueryString
from .dead_letters import read_filter
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
        """The newest first."""
        query = QueryString(request.args)
        cursor = PageCursor(after=query.integer("after"), before=query.integer("before"))
        page = read_list(query, lambda: queries.redrive_page(db.session, cursor))
        shown = self.render("redrive/list.html", query=query, page=page)
        return shown, 400 if query.faults else 200

    @expose("/form/", methods=("GET", "POST"))
    def form(self) -> ResponseReturnValue:
        """What would be re-driven, and from which share of failures on it stops."""
        access.require("redrive")
        query = QueryString(request.args)
        wanted = read_filter(query)
        if query.close():
            return self._form(query, None, query.faults), 400
        preview = matching.of_letters(catalog.REPROCESS, wanted)
        if request.method == "GET":
            return self._form(query, preview, [])
        percent, reason = request.form.get("percent", ""), request.form.get("reason", "").strip()
        is_number = percent.isascii() and percent.isdigit() and len(percent) < 4
        faults = [] if is_number and int(percent) <= 100 else [_("Enter a number from 0 to 100.")]
        if not reason:
            faults.append(_("Say why: whoever looks at this later wants to know."))
        if faults:
            return self._form(query, preview, faults), 400
        try:
            id_ = verbs.start_redrive(
                wanted, max_failed_percent=int(percent), reason=reason[:500], by=g.person.email
            )
        except verbs.NothingToRedrive:
            return self._form(query, preview, [_("No open dead letter matches.")]), 400
        flash(_("The re-drive has begun. It goes on when you leave this page."), "success")
        return redirect(url_for("redrive.details", id=id_), code=303)

    @expose(f"/<{ID}>/")
    def details(self, id: int) -> str:  # noqa: A002  # as it stands in the address
        """How far it has come, phase by phase."""
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
        """End it after what is under way."""
        access.require("redrive")
        found(queries.redrive(db.session, id))
        refusal = verbs.stop_redrive(id, by=g.person.email)
        if refusal is None:
            flash(_("The re-drive was stopped. What it has reprocessed goes on."), "success")
        else:
            flash(said(refusal), "warning")
        return redirect(url_for("redrive.details", id=id), code=303)

    def _form(self, query: QueryString, preview: object, faults: list[str]) -> str:
        return str(
            self.render(
                "redrive/form.html",
                query=query,
                preview=preview,
                faults=faults,
                percent=request.form.get("percent", str(USUAL_PERCENT))[:10],
                reason=request.form.get("reason", "")[:500],
            )
        )
