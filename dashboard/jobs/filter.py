"""The filter of jobs in an address: the names of its fields are the names in the query string."""

from __future__ import annotations

from mahaam.search.job_filter import JobFilter

from ..present import badges
from ..web.query_string import QueryString


def read_filter(query: QueryString) -> JobFilter:
    """Return the filter that `query` asks for. What it does not understand is a fault in `query`."""
    task = query.name("task")
    return JobFilter(
        state=query.choice("state", badges.JOB),
        queue=query.name("queue"),
        task=task,
        tag=query.name("tag"),
        created_from=query.moment("created_from"),
        created_to=query.moment("created_to"),
        error=query.letters("error"),
        argument=query.argument("argument", task=task),
    )
