"""The consumer processes."""

from __future__ import annotations

from flask_admin import expose
from flask_babel import lazy_gettext as _l

from dashboard.database import db
from dashboard.views.page import ConsolePage
from tasks.engine.queries.workers import workers


class WorkerView(ConsolePage):
    """Workers at /admin/worker/."""

    def __init__(self) -> None:
        super().__init__(_l("Workers"), endpoint="worker", menu_icon_value="server")

    @expose("/")
    def index(self) -> str:
        """The live ones first."""
        return self.render("workers.html", workers=workers(db.session))
