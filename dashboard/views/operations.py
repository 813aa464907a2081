"""Bulk work: the list of operations, and one operation with its result for each row."""

from __future__ import annotations

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from mahaam import verbs
from mahaam.live_settings import current
from mahaam.operations.queries import (
    OperationEntry,
    find_operation,
    is_anybody_there,
    operations_page,
    results_page,
)
from mahaam.operations.stalled import StalledOperation, stalled_operations
from mahaam.postgres.ask import by_session
from mahaam.postgres.paging import PageCursor

from ..actions import catalog, direct
from ..auth import access
from ..auth.login_required import safe_path
from ..web.database import db
from ..web.languages import number, said
from ..web.query_string import QueryString
from .page import MORE, ConsolePage, read_list

ACTIONS = direct.of_kind("operation")


class OperationView(ConsolePage):
    """Operations at /admin/operation/."""

    def __init__(self) -> None:
        super().__init__(
            _l("Operations"),
            category=MORE,
            endpoint="operation",
            menu_icon_value="stack-2",
        )

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List the operations, newest first."""
        query = QueryString(request.args)
        cursor = PageCursor(after=query.integer("after"), before=query.integer("before"))
        page = read_list(query, lambda: operations_page(db.session, cursor))
        stalled = {} if query.faults else _stalled()  # a locked table answers neither query
        shown = self.render(
            "operation/list.html", query=query, page=page, actions=catalog.ALL, stalled=stalled
        )
        return shown, 400 if query.faults else 200

    @expose("/<int(max=9223372036854775807):id>/")
    def details(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Show an operation, its progress and its results."""
        operation = find_operation(db.session, id) or abort(404)
        query = QueryString(request.args)
        done = query.flag("done")
        cursor = PageCursor(after=query.integer("after"), before=query.integer("before"))
        page = read_list(query, lambda: results_page(db.session, id, cursor, done=done))
        query.understood["id"] = str(id)
        shown = self.render(
            "operation/details.html",
            operation=operation,
            query=query,
            page=page,
            done=done,
            actions=catalog.ALL,
            acts=verbs.ACTS,
            undo_left_s=_undo_left_s(operation),
            stalled=_stalled().get(operation.id),
            is_alone=operation.is_unfinished and not is_anybody_there(db.session),
        )
        return shown, 400 if query.faults else 200

    @expose("/<int(max=9223372036854775807):id>/abort/", methods=("POST",))
    def abort(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """End the operation after the batch that is under way."""
        access.require("abort")
        refusal = verbs.abort(id, by=g.person.email)
        if refusal is None:
            flash(ACTIONS["abort"].done(1), "success")
        else:
            flash(said(refusal), "warning")
        return redirect(url_for("operation.details", id=id), code=303)

    @expose("/<int(max=9223372036854775807):id>/undo/", methods=("POST",))
    def undo(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Undo what the operation changed, where nothing has happened since."""
        access.require("undo")
        answer = verbs.undo(id, by=g.person.email)
        _flash_result(answer, id)
        return redirect(safe_path(request.form.get("url")), code=303)


def _stalled() -> dict[int, StalledOperation]:
    """Return the operations that make no progress, by their ids."""
    return {operation.id: operation for operation in stalled_operations(by_session(db.session))}


def _flash_result(answer: verbs.UndoResult, operation_id: int) -> None:
    if answer.refusal is not None:
        flash(said(answer.refusal), "warning")
        return
    if not answer.is_over:
        flash(_("It is being undone."), "success")
    if answer.undone:
        flash(
            ngettext(
                "%(count)s is as it was before.",
                "%(count)s are as they were before.",
                answer.undone,
                count=number(answer.undone),
            ),
            "success",
        )
    if answer.kept:
        flash(
            ngettext(
                "%(count)s has moved on and stays as it is.",
                "%(count)s have moved on and stay as they are.",
                answer.kept,
                count=number(answer.kept),
            ),
            "warning",
        )
    flash(str(operation_id), "operation")


def _undo_left_s(operation: OperationEntry) -> float:
    """Return how many seconds the operation can still be undone. 0 means no longer, or never."""
    since_s = operation.s_since_end
    is_possible = (
        operation.undone_by is None
        and operation.done > 0
        and verbs.ACTS[operation.verb].is_undoable
    )
    if since_s is None or not is_possible:
        return 0.0
    return max(current.value("undo_window_s") - float(since_s), 0.0)
