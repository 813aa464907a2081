"""The queues and what is in them."""

from __future__ import annotations

from flask_admin import expose
from flask_babel import lazy_gettext as _l

from dashboard.database import db
from dashboard.views.page import ConsolePage
from tasks.engine.queries.queues import queues


class QueueView(ConsolePage):
    """Queues at /admin/queue/."""

    def __init__(self) -> None:
        super().__init__(_l("Queues"), endpoint="queue", menu_icon_value="stack")

    @expose("/")
    def index(self) -> str:
        """Every queue, first served first."""
        return self.render("queues.html", queues=queues(db.session))
