"""Base classes of the console's pages: access, lists with faults, and actions with a preview."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose
from flask_babel import gettext as _

from mahaam.postgres.paging import Page
from mahaam.postgres.query_limits import QueryTooSlow

from ..actions import bulk
from ..actions.request import BulkRequest
from ..auth import access
from ..auth.login_required import safe_path
from ..web.query_string import QueryString

Entry = TypeVar("Entry")

ID = "int(max=9223372036854775807):id"  # in an address: what PostgreSQL takes for a key
MORE = "More"  # the second menu; nav.html translates its name


class ConsolePage(BaseView):  # type: ignore[misc]
    """A page for users who have the right `verb`."""

    verb = "look"  # the right to see the page; login_required has stopped strangers

    def is_accessible(self) -> bool:
        """Return True if the user of this request may see the page."""
        return access.may(self.verb)

    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue:
        """Answer 403 and audit the refusal, or go to the first page if the role has just changed."""
        access.require(self.verb)
        return redirect(url_for("admin.index"))  # the role has changed meanwhile

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # Flask-Admin's own calls a view a second time, differently, when it raises TypeError.
        return fn(self, *args, **kwargs)


class ListPage(ConsolePage):
    """A page with a list and actions on ticked rows or on all rows that match the filter."""

    actions: dict[str, bulk.BulkAction] = {}
    confirm_template = ""

    def entries(self, ids: Sequence[Any]) -> Sequence[Any]:
        """Return the rows with these ids, newest first."""
        raise NotImplementedError

    def read_id(self, value: str) -> Any:
        """Return the id in a form field, or None when the text is not an id."""
        raise NotImplementedError

    def read_filter(self, query: QueryString) -> Any:
        """Return the filter that the address asks for. What it does not understand is a fault in `query`."""
        raise NotImplementedError

    def preview(self, action: bulk.BulkAction, wanted: Any) -> bulk.BulkPreview:
        """Return the preview of the action on all rows that match."""
        raise NotImplementedError

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        """Show what an action would do. When confirmed, run it, or let consumers run it."""
        action = self.actions.get(request.form.get("action", "")) or abort(400)
        access.require(action.verb)
        request_ = BulkRequest(action, back=safe_path(request.form.get("url")))
        if request.form.get("scope") == "all":
            return self._for_all(request_)
        ids = self._ticked()
        if not ids:
            flash(_("Tick at least one row first."), "warning")
            return redirect(request_.back, code=303)
        if not request_.is_confirmed:
            return self._confirm(request_, bulk.preview(action, self.entries(ids), asked=len(ids)))
        if not request_.read():
            shown = bulk.preview(action, self.entries(ids), asked=len(ids))
            return self._confirm(request_, shown), 400
        return request_.carry_out(ids)

    def _for_all(self, request_: BulkRequest) -> ResponseReturnValue:
        query = QueryString(request.args)
        wanted = self.read_filter(query)
        if query.close():  # to ignore a wrong filter would widen the work to all rows
            return self._confirm(request_, bulk.BulkPreview(0, is_all=True), query.faults), 400
        if request_.is_confirmed and request_.read(needs_reason=True):
            return request_.carry_out_matching(
                wanted, until=self._until(), count=lambda: self._count(request_.action, wanted)
            )
        try:
            shown = self.preview(request_.action, wanted)
        except QueryTooSlow as fault:
            return self._confirm(request_, bulk.BulkPreview(0, is_all=True), [str(fault)]), 400
        return self._confirm(request_, shown), 400 if request_.is_confirmed else 200

    def _count(self, action: bulk.BulkAction, wanted: Any) -> int | None:
        try:
            shown = self.preview(action, wanted)
        except QueryTooSlow:
            return None
        return None if shown.is_least else shown.count

    def _until(self) -> str | None:
        """Return the newest id at the time of the preview, so that later rows are left out."""
        until = self.read_id(request.form.get("until", ""))
        return None if until is None else str(until)

    def _ticked(self) -> list[Any]:
        """Return the ids that were sent, each once. Answer 400 if one is not an id or they are too many."""
        ids = [self.read_id(value) for value in request.form.getlist("rowid")]
        if None in ids or len(ids) > bulk.MAX_ROWS:
            abort(400)
        return list(dict.fromkeys(ids))

    def _confirm(
        self, request_: BulkRequest, preview: bulk.BulkPreview, faults: Sequence[str] = ()
    ) -> str:
        return self.render(
            self.confirm_template,
            action=request_.action,
            asked=request_.fields.values(),
            typed=request_,
            preview=preview,
            back=request_.back,
            faults=faults,
        )


def found(row: Entry | None) -> Entry:
    """Return `row`. Answer 404 when it is None."""
    if row is None:
        abort(404)
    return row


def read_list(query: QueryString, read: Callable[[], Page[Entry]]) -> Page[Entry]:
    """Return the page that `read` finds, or an empty one when the query has faults or is too slow."""
    if query.close():
        return Page()
    try:
        return read()
    except QueryTooSlow:
        query.faults.append(_("The list took longer than 3 seconds. Narrow the filter."))
        return Page()
