"""Saves and deletes named filters of the list of jobs."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _

from ..auth import access
from ..auth.login_required import safe_path
from ..jobs import saved_views
from ..jobs.filter import read_filter
from ..web.query_string import QueryString
from .page import ConsolePage


class SavedViewView(ConsolePage):
    """Saved views at /admin/view/. The list of jobs shows them."""

    def __init__(self) -> None:
        super().__init__("", endpoint="view")

    def is_visible(self) -> bool:
        """Return False: saved views have no page of their own."""
        return False

    @expose("/", methods=("POST",))
    def save(self) -> ResponseReturnValue:
        """Save the filter that the form holds under a name."""
        is_shared = "shared" in request.form
        access.require("share_view" if is_shared else "save_view")
        name = " ".join(request.form.get("name", "").split())
        query = QueryString(request.form)
        wanted = read_filter(query)
        if query.faults:
            abort(400)
        address: dict[str, Any] = {**wanted.to_dict()}
        back = redirect(url_for("job.index", **address), code=303)
        if not 0 < len(name) <= saved_views.MAX_NAME_LENGTH or not name.isprintable():
            flash(_("Give the view a name of 1 to 60 characters."), "warning")
        elif saved_views.save(g.person, name, wanted, is_shared=is_shared):
            flash(_("The view %(name)s is saved.", name=name), "success")
        else:
            flash(_("You have 50 views. Delete one first."), "warning")
        return back

    @expose("/<int(max=9223372036854775807):id>/delete/", methods=("POST",))
    def delete(self, id: int) -> ResponseReturnValue:  # noqa: A002  # as it stands in the address
        """Delete one of the user's own views."""
        access.require("save_view")
        if not saved_views.remove(g.person, id):
            abort(404)
        flash(_("The view is deleted."), "success")
        return redirect(safe_path(request.form.get("url")), code=303)
