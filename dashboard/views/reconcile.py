"""Redis compared with PostgreSQL: doorbell notices against rows, and the button that repairs them."""

from __future__ import annotations

from flask import flash, g, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from mahaam import verbs
from mahaam.config import get_settings
from mahaam.postgres.paging import Page
from mahaam.verbs import NoticeComparison

from ..auth import access
from ..present import badges
from ..web.languages import number
from .page import MORE, ConsolePage

REPAIR_LIMIT_S = (
    5.0  # a user waits for it; flask queue reconcile --repair takes all the time it needs
)


class ReconcileView(ConsolePage):
    """The page at /admin/reconcile/."""

    def __init__(self) -> None:
        super().__init__(
            _l("Reconcile"), category=MORE, endpoint="reconcile", menu_icon_value="git-compare"
        )

    @expose("/")
    def index(self) -> str:
        """Show what a check of the heads of the queues and of a sample of the rest finds."""
        return self.render(
            "reconcile.html",
            page=Page(tuple(verbs.sample_notices())),
            words=badges.NOTICE_FAULTS,
            grace_s=get_settings().ring_grace_s,
        )

    @expose("/repair/", methods=("POST",))
    def repair(self) -> ResponseReturnValue:
        """Ring for the jobs whose notice is missing, and remove notices that have no queued job."""
        access.require("repair")
        compared = verbs.compare_notices(repair=True, by=g.person.email, limit_s=REPAIR_LIMIT_S)
        _flash_result(compared)
        return redirect(url_for("reconcile.index"), code=303)


def _flash_result(compared: list[NoticeComparison]) -> None:
    mended = sum(found.faults_found for found in compared)
    if mended:
        flash(
            ngettext(
                "%(count)s fault was mended.", "%(count)s faults were mended.", mended,
                count=number(mended),
            ),
            "success",
        )  # fmt: skip
    if not all(found.is_whole for found in compared):
        flash(
            _("Not everything could be compared in %(count)s s: flask queue reconcile --repair can.",
              count=number(REPAIR_LIMIT_S)),
            "warning",
        )  # fmt: skip
    elif not mended:
        flash(_("Everything was compared, and nothing was wrong."), "success")
