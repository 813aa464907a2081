"""The audit: what users did."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import lazy_gettext as _l

from mahaam.audit.queries import AuditFilter, audit_page, is_protected
from mahaam.postgres.paging import PageCursor

from ..actions.audit_labels import VERBS
from ..forms import filters
from ..web.database import db
from ..web.query_string import QueryString
from .page import MORE, ConsolePage, read_list


class AuditView(ConsolePage):
    """The audit at /admin/audit/."""

    verb = "audit"

    def __init__(self) -> None:
        super().__init__(_l("Audit"), endpoint="audit", category=MORE, menu_icon_value="history")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show a page of the events that match, newest first."""
        query = QueryString(request.args)
        wanted = AuditFilter(
            actor=query.name("actor"),
            verb=query.choice("verb", VERBS),
            target=query.name("target"),
            since=query.moment("since"),
            until=query.moment("until"),
            is_refused=query.flag("refused"),
        )
        cursor = PageCursor(after=query.integer("after"), before=query.integer("before"))
        page = read_list(query, lambda: audit_page(db.session, wanted, cursor))
        shown = self.render(
            "audit/list.html",
            query=query,
            filters=filters.filled(filters.AUDIT, verb=VERBS),
            page=page,
            is_protected=is_protected(db.session),
        )
        return shown, 400 if query.faults else 200
