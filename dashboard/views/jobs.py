"""The list of jobs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from flask import abort, g, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import lazy_gettext as _l

from mahaam.enqueuing import catalog
from mahaam.postgres.paging import Page, PageCursor
from mahaam.postgres.query_limits import QueryTooSlow
from mahaam.queries.counts import state_counts
from mahaam.queries.job_list import JobEntry, jobs_by_id, jobs_page
from mahaam.queries.queues import queue_names
from mahaam.search.job_filter import JobFilter
from mahaam.search.match_count import match_count
from mahaam.search.searchable_rows import are_jobs_left

from ..actions import catalog as actions
from ..actions import preview as matching
from ..actions.bulk import BulkAction, BulkPreview
from ..auth import access
from ..forms import filters
from ..jobs import export, saved_views
from ..jobs.filter import read_filter
from ..live.cached import Cached
from ..web import audit
from ..web.database import db
from ..web.query_string import QueryString, job_id
from .job import JobPages
from .page import read_list

COUNTS_FRESH_S = 2.0


class JobView(JobPages):
    """Jobs at /admin/job/."""

    actions = actions.JOB
    confirm_template = "job/confirm.html"

    def __init__(self) -> None:
        super().__init__(_l("Jobs"), endpoint="job", menu_icon_value="list-details")
        self._counts = Cached(lambda: state_counts(db.session), fresh_s=COUNTS_FRESH_S)

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show a page of the jobs that match, newest first."""
        query = QueryString(request.args)
        wanted = self.read_filter(query)
        cursor = PageCursor(after=query.job_id("after"), before=query.job_id("before"))
        page = read_list(query, lambda: jobs_page(db.session, wanted, cursor))
        return self._list(query, page=page, wanted=wanted), 400 if query.faults else 200

    @expose("/count/")
    def count(self) -> str:
        """Show how many jobs match, for a page that is already shown."""
        query = QueryString(request.args)
        wanted = read_filter(query)
        if query.close():
            abort(400)
        try:
            found = match_count(db.session, wanted)
        except QueryTooSlow:
            found = None
        return self.render("job/count.html", match_count=found)

    @expose("/export.<any(csv, json):form>")
    def export(self, form: str) -> ResponseReturnValue:
        """Return all jobs that match as a file, which is written while it is downloaded."""
        access.require("export")
        query = QueryString(request.args)
        wanted = read_filter(query)
        if query.close():
            return self._list(query, page=Page(), wanted=wanted), 400
        audit.write(
            "export", "list", [], by=g.person.email, filter=wanted.to_dict() | {"form": form}
        )
        db.session.commit()
        return export.download(wanted, form=form)

    def read_filter(self, query: QueryString) -> JobFilter:
        """Return the filter that the address asks for."""
        return read_filter(query)

    def preview(self, action: BulkAction, wanted: JobFilter) -> BulkPreview:
        """Return the preview of an action on all jobs that match. Raises QueryTooSlow."""
        return matching.of_jobs(action, wanted)

    def entries(self, ids: Sequence[uuid.UUID]) -> Sequence[JobEntry]:
        """Return the jobs with these ids."""
        return jobs_by_id(db.session, ids)

    def read_id(self, value: str) -> uuid.UUID | None:
        """Return the id of a job, or None when `value` is not one."""
        return job_id(value)

    def _list(self, query: QueryString, *, wanted: JobFilter, **shown: object) -> str:
        return self.render(
            "job/list.html",
            query=query,
            counts=self._counts.peek() or {},
            filters=filters.filled(
                filters.JOB,
                queues=queue_names(db.session),
                tasks=tuple(card.name for card in catalog.all_tasks()),
            ),
            views=saved_views.visible_to(g.person),
            is_search_incomplete=wanted.may_meet_secrets and are_jobs_left(db.session),
            wanted=wanted,
            **shown,
        )
