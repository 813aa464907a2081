"""Pages with a list on whose ticked rows a verb runs at once, without a preview."""

from __future__ import annotations

from flask import abort, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _

from mahaam.core.errors import OptionNotValid
from mahaam.verbs import VerbResult

from ..actions.direct import DirectAction, NotUnderstood
from ..auth import access
from ..auth.login_required import safe_path
from ..web.languages import said
from ..web.query_string import integer
from .page import ConsolePage

MOST_TICKED = 500
MOST_REASONS = 10


class ActPage(ConsolePage):
    """A page with such a list. `acts` holds its verbs by the names that its form sends."""

    acts: dict[str, DirectAction] = {}

    @expose("/act/", methods=("POST",))
    def act(self) -> ResponseReturnValue:
        """Run a verb on the ticked rows, after a confirmation if the verb needs one."""
        verb = request.form.get("action", "")
        act = self.acts.get(verb) or abort(400)
        access.require(act.right)
        back = safe_path(request.form.get("url"))
        ids = _ticked()
        if not ids:
            flash(_("Tick at least one row first."), "warning")
            return redirect(back, code=303)
        if act.question and request.form.get("confirmed") != "yes":
            return self.question(verb, ids, back)
        try:
            _flash_result(act, act.carry_out(ids, request.form, by=g.person.email))
        except (OptionNotValid, NotUnderstood) as fault:
            flash(str(fault), "warning")
        return redirect(self.place_after(verb, back), code=303)

    def question(self, verb: str, ids: list[int], back: str) -> str:
        """Return the page that asks for a confirmation."""
        raise NotImplementedError

    def place_after(self, verb: str, back: str) -> str:
        """Return the address to go to after the verb: the page before, if it still exists."""
        return back


def _ticked() -> list[int]:
    """Return the ids that were sent. Answer 400 if one is not an id or they are too many."""
    ids = [integer(value) for value in request.form.getlist("rowid")]
    if None in ids or len(ids) > MOST_TICKED:
        abort(400)
    return [id_ for id_ in ids if id_ is not None]


def _flash_result(act: DirectAction, result: VerbResult) -> None:
    if result.done:
        flash(act.done(len(result.done)), "success")
    for reason in sorted(set(map(said, result.refused.values())))[:MOST_REASONS]:
        flash(reason, "warning")
