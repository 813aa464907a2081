"""Executions: everything that ran, one row for each start of a job."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import lazy_gettext as _l

from mahaam.jobs import task_registry
from mahaam.jobs.states import State
from mahaam.postgres.paging import PageCursor
from mahaam.queries import executions as queries
from mahaam.queries.queues import queue_names
from mahaam.schedules.definitions_queries import definition_tag
from mahaam.schedules.queries import schedule
from mahaam.search.job_filter import JobFilter

from ..forms import filters
from ..web.database import db
from ..web.query_string import QueryString
from .page import MORE, ConsolePage, read_list


class ExecutionView(ConsolePage):
    """Executions at /admin/execution/."""

    def __init__(self) -> None:
        super().__init__(
            _l("Executions"), endpoint="execution", category=MORE, menu_icon_value="history"
        )

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List the executions, newest first, of one schedule or filtered by properties of their jobs."""
        query = QueryString(request.args)
        schedule_id = query.integer("schedule")
        definition = query.name("definition")
        wanted = JobFilter(
            state=query.choice("state", tuple(State)),
            queue=query.name("queue"),
            task=query.name("task"),
            tag=definition_tag(definition) if definition else None,
            created_from=query.moment("created_from"),
            created_to=query.moment("created_to"),
        )
        cursor = PageCursor(after=query.job_id("after"), before=query.job_id("before"))
        if schedule_id is not None:
            page = read_list(
                query, lambda: queries.executions_of_schedule(db.session, schedule_id, cursor)
            )
        else:
            page = read_list(query, lambda: queries.executions_page(db.session, wanted, cursor))
        shown = self.render(
            "execution/list.html",
            query=query,
            page=page,
            definition=definition,
            schedule=schedule(db.session, schedule_id) if schedule_id is not None else None,
            filters=() if schedule_id is not None else _filters(),
        )
        return shown, 400 if query.faults else 200


def _filters() -> tuple[filters.Filter, ...]:
    return filters.filled(
        filters.EXECUTION,
        queues=queue_names(db.session),
        tasks=tuple(sorted(task_registry.tasks)),
    )
