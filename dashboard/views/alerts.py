"""Alerts: what is wrong now, who owns it, and maintenance times in which nobody is notified."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mahaam.alerts import queries, verbs
from mahaam.alerts.rules import SEVERITIES
from mahaam.config import get_settings
from mahaam.core.errors import OptionNotValid
from mahaam.postgres.paging import PageCursor

from ..actions import direct
from ..auth import access
from ..forms import filters
from ..web.database import db
from ..web.query_string import QueryString, moment
from .act_page import ActPage
from .page import ID, found, read_list

SILENCES_MIN = (30, 120, 480, 1440)


def _rules() -> dict[str, str]:
    return {str(rule.id): rule.name for rule in queries.rules(db.session)}


class AlertView(ActPage):
    """Alerts at /admin/alert/."""

    acts = direct.of_kind("alert")

    def __init__(self) -> None:
        super().__init__(_l("Alerts"), endpoint="alert", menu_icon_value="bell")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List the alerts, newest first, filtered by state, severity, rule and owner."""
        query = QueryString(request.args)
        wanted: dict[str, Any] = {
            "state": query.choice("state", queries.STATES),
            "severity": query.choice("severity", SEVERITIES),
            "rule": query.integer("rule"),
            "owner": query.name("owner"),
        }
        cursor = PageCursor(after=query.integer("after"), before=query.integer("before"))
        page = read_list(query, lambda: queries.alert_page(db.session, cursor=cursor, **wanted))
        shown = self.render(
            "alert/list.html",
            query=query,
            page=page,
            wanted=wanted,
            counts=queries.alert_counts(db.session),
            summary=queries.alert_summary(db.session, shown=0),
            filters=filters.filled(filters.ALERT, rule=_rules()),
            maintenances=queries.maintenances(db.session),
            is_mail_set_up=get_settings().sends_mail,
            silences=SILENCES_MIN,
        )
        return shown, 400 if query.faults else 200

    @expose(f"/<{ID}>/")
    def details(self, id: int) -> str:  # noqa: A002  # as it stands in the address
        """Show an alert and who was notified of it."""
        entry = found(queries.alert(db.session, id))
        return str(
            self.render(
                "alert/details.html",
                entry=entry,
                rule=queries.rule(db.session, entry.rule_id),
                deliveries=queries.deliveries_of(db.session, id),
                silences=SILENCES_MIN,
            )
        )

    @expose("/maintenance/", methods=("POST",))
    def maintain(self) -> ResponseReturnValue:
        """Begin a maintenance, in which nobody is notified."""
        access.require("maintain")
        starts, ends = (moment(request.form.get(name, "")) for name in ("starts_at", "ends_at"))
        reason = request.form.get("reason", "").replace("\x00", "")[:500]
        if starts is None or ends is None:
            flash(_("Enter a date and a time."), "warning")
            return redirect(url_for("alert.index"), code=303)
        try:
            verbs.begin_maintenance(starts, ends, reason=reason, by=g.person.email)
        except OptionNotValid as fault:
            flash(str(fault), "warning")
        else:
            flash(_("Alerts open meanwhile, and nobody is told."), "success")
        return redirect(url_for("alert.index"), code=303)

    @expose(f"/maintenance/<{ID}>/end/", methods=("POST",))
    def end_maintenance(self, id: int) -> ResponseReturnValue:  # noqa: A002
        """End a maintenance. Those who were not notified during it are notified now."""
        access.require("maintain")
        if verbs.end_maintenance(id, by=g.person.email):
            flash(_("The maintenance is over."), "success")
        else:
            flash(_("It was over already."), "warning")
        return redirect(url_for("alert.index"), code=303)
