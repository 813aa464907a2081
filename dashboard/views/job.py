"""One job: its page, and the pages behind it for what does not fit on one page."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from flask import Response, abort, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _

from mahaam.audit.queries import audit_of
from mahaam.models import Job
from mahaam.postgres.query_limits import QueryTooSlow
from mahaam.queries.attempts import attempts_page, find_attempt
from mahaam.queries.dead_letter_list import dead_letters_of
from mahaam.queries.job_list import find_job
from mahaam.queries.logs import LogPage, log_page
from mahaam.queries.related_jobs import family_of

from ..forms.options import ON_PAGE
from ..present import job_payload
from ..present.comparison import ComparedJob, pairs
from ..present.related_jobs import picture_of
from ..present.template_helpers import pretty_json
from ..web.database import db
from ..web.query_string import QueryString
from .page import ListPage, found

LINES_ON_PAGE = 50
LETTERS_ON_PAGE = 10
EVENTS_ON_PAGE = 20
ATTEMPTS_ON_PAGE = 25
LEVELS = {
    name.lower(): logging.getLevelNamesMapping()[name]
    for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
}


class JobPages(ListPage):
    """One job at /admin/job/<id>/."""

    @expose("/<uuid:id>/")
    def details(self, id: uuid.UUID) -> str:  # noqa: A002  # as it stands in the address
        """Show one job, with links to what does not fit on its page."""
        job = found(find_job(db.session, id))
        related_jobs = family_of(db.session, job)
        return self.render(
            "job/details.html",
            job=job,
            parts=job_payload.excerpts(job),
            job_options=ON_PAGE,
            attempts=attempts_page(db.session, job),
            log=log_page(db.session, job.id, limit=LINES_ON_PAGE),
            letters=dead_letters_of(db.session, job.id, limit=LETTERS_ON_PAGE),
            events=audit_of(db.session, job.id, limit=EVENTS_ON_PAGE),
            related_jobs=related_jobs,
            picture=picture_of(related_jobs) if related_jobs else None,
        )

    @expose("/<uuid:id>/attempts/")
    def attempts(self, id: uuid.UUID) -> ResponseReturnValue:  # noqa: A002
        """Show the job's attempts, newest first, in pages."""
        job, query = found(find_job(db.session, id)), QueryString(request.args)
        before = query.count("before")
        query.close()
        page = attempts_page(db.session, job, before=before, limit=ATTEMPTS_ON_PAGE)
        shown = {"job": job, "query": query, "attempts": page}
        return self.render("job/attempts_page.html", **shown), _status(query)

    @expose("/<uuid:id>/attempts/<int(max=2147483647):number>/")
    def attempt(self, id: uuid.UUID, number: int) -> str:  # noqa: A002
        """Show one attempt with its whole traceback and what it logged."""
        job = found(find_job(db.session, id))
        attempt = found(find_attempt(db.session, job, number))
        log = log_page(db.session, job.id, attempt=number)
        return self.render("job/attempt.html", job=job, attempt=attempt, log=log)

    @expose("/<uuid:id>/log/")
    def log(self, id: uuid.UUID) -> ResponseReturnValue:  # noqa: A002
        """Show the job's log in pages, newest lines last: from a level on, of one attempt or of all."""
        job, query = found(find_job(db.session, id)), QueryString(request.args)
        wanted = {
            "level": LEVELS.get(query.choice("level", LEVELS) or "", 0),
            "attempt": query.count("attempt"),
            "before": query.place("before"),
        }
        page = _lines(query, job, wanted)
        shown = {"job": job, "query": query, "log": page, "levels": LEVELS, "wanted": wanted}
        return self.render("job/log_page.html", **shown), _status(query)

    @expose("/<uuid:id>/json/<any(args, kwargs, result, options):part>/")
    def json(self, id: uuid.UUID, part: str) -> Response:  # noqa: A002
        """Return the job's whole arguments, result or options as JSON, without secrets."""
        parts = job_payload.values(found(find_job(db.session, id)))
        if part not in parts:
            abort(404)
        return Response(pretty_json(parts[part]), mimetype="application/json")

    @expose("/<uuid:id>/compare/")
    def compare(self, id: uuid.UUID) -> ResponseReturnValue:  # noqa: A002
        """Show two attempts of this job, or this job and another, side by side."""
        job, query = found(find_job(db.session, id)), QueryString(request.args)
        other_id, number, other_number = (
            query.job_id("with"),
            query.count("attempt"),
            query.count("other"),
        )
        query.close()
        other = find_job(db.session, other_id) if other_id else job
        if other is None:
            query.faults.append(_("There is no job %(id)s.", id=str(other_id)))
        left = _side(job, number, query)
        right = _side(other or job, other_number or _earlier(left, other or job), query)
        shown = {"job": job, "query": query, "left": left, "right": right}
        return self.render("job/compare.html", pairs=list(pairs(left, right)), **shown), _status(
            query
        )


def _status(query: QueryString) -> int:
    return 400 if query.faults else 200


def _lines(query: QueryString, job: Job, wanted: dict[str, Any]) -> LogPage:
    if query.close():
        return LogPage((), has_older=False)
    try:
        return log_page(db.session, job.id, **wanted)
    except QueryTooSlow:
        query.faults.append(_("The list took longer than 3 seconds. Narrow the filter."))
        return LogPage((), has_older=False)


def _side(job: Job, number: int | None, query: QueryString) -> ComparedJob:
    """Return one side of the comparison: `job` with attempt `number`, or with its last attempt."""
    wanted = job.attempt if number is None else number
    attempt = find_attempt(db.session, job, wanted)
    if attempt is None and number is not None:
        query.faults.append(_("This job has no attempt %(number)s.", number=number))
    return ComparedJob(job, attempt)


def _earlier(left: ComparedJob, other: Job) -> int | None:
    """Return the attempt before the left one if both sides are the same job, else None."""
    is_same = other.id == left.job.id and left.attempt is not None
    return max(left.attempt.number - 1, 1) if is_same and left.attempt else None
