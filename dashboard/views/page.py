"""What all pages of the console share: access, lists with faults, and actions with a preview."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import abort, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose
from flask_babel import gettext as _

from dashboard import access, bulk
from dashboard.gate import safe_path
from dashboard.query_string import QueryString
from tasks.engine.queries.limits import QueryTooSlow
from tasks.engine.queries.paging import Page

Entry = TypeVar("Entry")


class ConsolePage(BaseView):  # type: ignore[misc]
    """A page for people who may look."""

    icon = ""

    def is_accessible(self) -> bool:
        """Every role may look; the gate has stopped everybody else."""
        return access.may("look")

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # Flask-Admin's own calls a view a second time, differently, when it raises TypeError.
        return fn(self, *args, **kwargs)


class ListPage(ConsolePage):
    """A page with a list, whose rows can be ticked for an action."""

    actions: dict[str, bulk.BulkAction] = {}
    confirm_template = ""

    def entries(self, ids: Sequence[Any]) -> Sequence[Any]:
        """The rows with these ids, newest first."""
        raise NotImplementedError

    def read_id(self, value: str) -> Any:
        """The id in a form field; None when it is not one."""
        raise NotImplementedError

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        """Show what an action on the ticked rows would do; when confirmed, do it."""
        action = self.actions.get(request.form.get("action", "")) or abort(400)
        access.require(action.verb)
        ids, back = self._ticked(), safe_path(request.form.get("url"))
        if not ids:
            flash(_("Tick at least one row first."), "warning")
            return redirect(back, code=303)
        if "confirmed" not in request.form:
            return self._confirm(action, ids, back)
        bulk.tell(action, action.run(ids, by=g.person.email, **_note(action)))
        return redirect(back, code=303)

    def _ticked(self) -> list[Any]:
        """The ids that were sent, each once; 400 for nonsense."""
        ids = [self.read_id(value) for value in request.form.getlist("rowid")]
        if None in ids or len(ids) > bulk.MAX_ROWS:
            abort(400)
        return list(dict.fromkeys(ids))

    def _confirm(self, action: bulk.BulkAction, ids: Sequence[Any], back: str) -> str:
        preview = bulk.preview(action, self.entries(ids), asked=len(ids))
        return self.render(self.confirm_template, action=action, preview=preview, back=back)


def found(row: Entry | None) -> Entry:
    """`row`; 404 when there is none."""
    if row is None:
        abort(404)
    return row


def read_list(query: QueryString, read: Callable[[], Page[Entry]]) -> Page[Entry]:
    """The page that `read` finds; empty when the query has faults or takes too long."""
    if query.close():
        return Page()
    try:
        return read()
    except QueryTooSlow:
        query.faults.append(_("The list took longer than 3 seconds. Narrow the filter."))
        return Page()


def _note(action: bulk.BulkAction) -> dict[str, str | None]:
    if not action.takes_note:
        return {}
    note = request.form.get("note", "").replace("\x00", "").strip()[:2000]
    return {"note": note or None}
