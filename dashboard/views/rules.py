"""Alert rules: the list, the form, and what a rule would have found in the last week."""

from __future__ import annotations

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from mahaam.alerts import queries, rules
from mahaam.alerts.queries import RuleEntry
from mahaam.alerts.rule_types import KINDS
from mahaam.core.errors import DatabaseUnavailable
from mahaam.core.field import FieldNotValid
from mahaam.postgres.paging import Page
from mahaam.queries.queues import queue_names

from ..auth import access
from ..forms.rule_form import RuleForm
from ..web.database import db
from ..web.languages import number
from .page import ID, MORE, ConsolePage, found


class RuleView(ConsolePage):
    """Rules at /admin/rule/."""

    def __init__(self) -> None:
        super().__init__(
            _l("Alert rules"), endpoint="rule", category=MORE, menu_icon_value="alert-triangle"
        )

    @expose("/")
    def index(self) -> str:
        """List all rules, the gravest first."""
        return str(
            self.render(
                "rule/list.html",
                page=Page(tuple(queries.rules(db.session))),
                kinds=KINDS,
                channels={channel.id: channel for channel in queries.channels(db.session)},
                looked_at=queries.last_pass(db.session),
            )
        )

    @expose("/form/", methods=("GET", "POST"))
    def create(self) -> ResponseReturnValue:
        """Create a rule, or try it first."""
        access.require("rules")
        form = _form(None)
        return self._page(form) if request.method == "GET" else self._save(form)

    @expose(f"/form/<{ID}>/", methods=("GET", "POST"))
    def edit(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Change a rule, or try the change first."""
        access.require("rules")
        form = _form(found(queries.rule(db.session, id)))
        return self._page(form) if request.method == "GET" else self._save(form)

    @expose(f"/<{ID}>/delete/", methods=("POST",))
    def delete(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Delete a rule with its alerts."""
        access.require("rules")
        try:
            rules.delete_rule(id, by=g.person.email)
        except LookupError:
            abort(404)
        flash(_("The rule was deleted."), "success")
        return redirect(url_for("rule.index"), code=303)

    def _save(self, form: RuleForm) -> ResponseReturnValue:
        given = form.read(request.form)
        action = request.form.get("action", "")
        if given is None:
            return self._page(form), 400
        try:
            if action == "kind":  # another rule type was chosen: show its parameters
                return self._page(form)
            if action == "try":
                return self._page(form, tried=_tried(given))
            if form.entry is None:
                rules.create_rule(given, by=g.person.email)
                flash(_("The rule was made."), "success")
            else:
                rules.edit_rule(form.entry.id, given, by=g.person.email)
                flash(_("The rule was changed."), "success")
        except FieldNotValid as fault:
            form.refuse(fault)
            return self._page(form), 400
        except LookupError:
            abort(404)
        return redirect(url_for("rule.index"), code=303)

    def _page(self, form: RuleForm, *, tried: str | None = None) -> str:
        return str(self.render("rule/form.html", form=form, tried=tried))


def _form(entry: RuleEntry | None) -> RuleForm:
    return RuleForm(
        entry,
        kind=request.values.get("kind", ""),
        channels=queries.channels(db.session),
        queues=queue_names(db.session),
    )


def _tried(given: dict[str, object]) -> str:
    """Return a sentence about what the rule would have found in the last week."""
    try:
        count = rules.would_have_fired(str(given["kind"]), given["parameters"])  # type: ignore[arg-type]
    except DatabaseUnavailable:
        return _("The past cannot be asked at the moment.")
    if count is None:
        return _("Nobody knows what such a rule would have found: its past is not kept.")
    return ngettext(
        "In the last 7 days it would have fired %(count)s time.",
        "In the last 7 days it would have fired %(count)s times.",
        count,
        count=number(count),
    )
