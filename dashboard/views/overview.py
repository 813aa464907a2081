"""The first page: what is broken, what waits, who works."""

from __future__ import annotations

from flask_admin import expose
from flask_babel import lazy_gettext as _l

from dashboard.database import db
from dashboard.views.page import ConsolePage
from tasks.engine.queries.counts import overview
from tasks.engine.queries.dead_letters import DeadLetterFilter, dead_letters_page
from tasks.engine.queries.paging import Cursor
from tasks.engine.queries.queues import queues

NEWEST = Cursor(size=5)
OPEN = DeadLetterFilter(reprocessed=False, resolved=False)


class OverviewView(ConsolePage):
    """The first page at /admin/."""

    def __init__(self) -> None:
        super().__init__(
            _l("Overview"), endpoint="admin", url="/admin", menu_icon_value="layout-dashboard"
        )

    @expose("/")
    def index(self) -> str:
        """Counts, each with the way to the rows behind it."""
        return self.render(
            "overview.html",
            overview=overview(db.session),
            letters=dead_letters_page(db.session, OPEN, NEWEST),
            queues=queues(db.session),
        )
