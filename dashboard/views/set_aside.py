"""Rows that a loop could not handle, with the reason, and the button that tries them again at once."""

from __future__ import annotations

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from mahaam.core.payload import clean
from mahaam.postgres.ask import by_session
from mahaam.postgres.paging import Page
from mahaam.set_aside.queries import aside_entries
from mahaam.set_aside.verbs import try_again

from ..auth import access
from ..web.database import db
from .page import MORE, ConsolePage

# What each loop does to a row, and the view that shows such rows, or None.
LOOPS: dict[str, tuple[LazyString, str | None]] = {
    "due": (_l("make a job due"), "job.details"),
    "starts": (_l("start a job"), "job.details"),
    "rescue": (_l("rescue a job of a lost worker"), "job.details"),
    "give back": (_l("give a job back"), "job.details"),
    "schedules of the code": (_l("bring a schedule up to the code"), None),
    "pauses": (_l("let a job of a paused task go"), "job.details"),
    "delete jobs": (_l("delete an old job"), "job.details"),
    "delete operations": (_l("delete an old operation"), "operation.details"),
    "error groups": (_l("count a failure"), None),
    "ignored errors": (_l("end the ignoring of an error"), "error.details"),
    "dead letters": (_l("close a dead letter"), "deadletterqueue.details"),
    "add up minutes": (_l("add up the figures of a task"), None),
    "add up periods": (_l("add up the figures of a task"), None),
    "re-drives": (_l("advance a re-drive"), "redrive.details"),
    "periodic tasks": (_l("ask a periodic task for its time"), None),
    "alerts": (_l("tell of an alert"), "alert.details"),
    "channels": (_l("send through a channel"), None),
}


class SetAsideView(ConsolePage):
    """The page at /admin/set_aside/."""

    def __init__(self) -> None:
        super().__init__(
            _l("Put aside"), category=MORE, endpoint="set_aside", menu_icon_value="alert-triangle"
        )

    @expose("/")
    def index(self) -> str:
        """List the rows, newest first."""
        entries = aside_entries(by_session(db.session))
        return self.render("set_aside.html", page=Page(tuple(entries)), loops=LOOPS)

    @expose("/again/", methods=("POST",))
    def again(self) -> ResponseReturnValue:
        """Have a row tried again within a second."""
        access.require("repair")
        loop, key = (clean(request.form.get(name, "")) for name in ("loop", "key"))
        if try_again(loop, key, by=g.person.email):
            flash(_("It is tried again."), "success")
        else:
            flash(_("It is not put aside any more."), "info")
        return redirect(url_for("set_aside.index"), code=303)
