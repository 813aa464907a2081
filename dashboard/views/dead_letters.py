"""The list of dead letters, and the page of one dead letter."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import lazy_gettext as _l

from mahaam.enqueuing import catalog
from mahaam.failures.groups_queries import group_of, runbook
from mahaam.postgres.paging import PageCursor
from mahaam.queries.counts import open_letter_count
from mahaam.queries.dead_letter_list import (
    DeadLetterEntry,
    DeadLetterFilter,
    dead_letters_by_id,
    dead_letters_page,
    find_dead_letter,
    notes_of,
)
from mahaam.queries.job_list import find_job
from mahaam.queries.queues import queue_names

from ..actions import catalog as actions
from ..actions import preview as matching
from ..actions.bulk import BulkAction, BulkPreview
from ..forms import filters
from ..jobs.dead_letter_filter import read_filter
from ..present import job_payload
from ..web.database import db
from ..web.query_string import QueryString, integer
from .page import ListPage, read_list


class DeadLetterView(ListPage):
    """Dead letters at /admin/deadletterqueue/."""

    actions = actions.LETTER
    confirm_template = "dead_letter/confirm.html"

    def __init__(self) -> None:
        super().__init__(_l("Dead letters"), endpoint="deadletterqueue", menu_icon_value="mail-x")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show a page of the dead letters that match, newest first."""
        query = QueryString(request.args)
        wanted = self.read_filter(query)
        cursor = PageCursor(after=query.integer("after"), before=query.integer("before"))
        page = read_list(query, lambda: dead_letters_page(db.session, wanted, cursor))
        return self._list(query, page=page, wanted=wanted), 400 if query.faults else 200

    @expose("/<int(max=9223372036854775807):id>/")
    def details(self, id: int) -> str:  # noqa: A002  # as it stands in the address
        """Show a dead letter with its first and its last exception."""
        letter = find_dead_letter(db.session, id)
        letter = letter or abort(404)
        (entry,) = self.entries([letter.id])
        job = find_job(db.session, letter.job_id)
        assert job is not None, "a foreign key keeps the job"
        return self.render(
            "dead_letter/details.html",
            letter=letter,
            entry=entry,
            job=job,
            parts=job_payload.excerpts(job),
            group=group_of(db.session, letter.fingerprint),
            runbook=runbook(db.session, letter.task),
            notes=notes_of(db.session, letter.id),
        )

    def read_filter(self, query: QueryString) -> DeadLetterFilter:
        """Return the filter that the address asks for."""
        return read_filter(query)

    def preview(self, action: BulkAction, wanted: DeadLetterFilter) -> BulkPreview:
        """Return the preview of an action on all dead letters that match."""
        return matching.of_letters(action, wanted)

    def entries(self, ids: Sequence[int]) -> Sequence[DeadLetterEntry]:
        """Return the dead letters with these ids."""
        return dead_letters_by_id(db.session, ids)

    def read_id(self, value: str) -> int | None:
        """Return the id of a dead letter, or None when `value` is not one."""
        return integer(value)

    def _list(self, query: QueryString, **shown: object) -> str:
        return self.render(
            "dead_letter/list.html",
            query=query,
            open_count=open_letter_count(db.session),
            filters=filters.filled(
                filters.DEAD_LETTER,
                queues=queue_names(db.session),
                tasks=tuple(card.name for card in catalog.all_tasks()),
            ),
            **shown,
        )
