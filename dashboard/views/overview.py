"""The first page: what is broken, since when, for whom, with a link to the page that helps."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import lazy_gettext as _l

from ..live.snapshot import live_page
from .page import ConsolePage


class OverviewView(ConsolePage):
    """The first page at /admin/."""

    def __init__(self) -> None:
        super().__init__(
            _l("Overview"), endpoint="admin", url="/admin", menu_icon_value="layout-dashboard"
        )

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show what needs attention, and the figures behind it."""
        return live_page(self, "overview.html", "overview/part.html")
