"""The filter of dead letters in an address: of a list, of a re-drive, of a command."""

from __future__ import annotations

from mahaam.failures.groups_queries import fingerprints_with
from mahaam.queries.dead_letter_list import DeadLetterFilter

from ..web.database import db
from ..web.query_string import QueryString


def read_filter(query: QueryString) -> DeadLetterFilter:
    """Return the filter that the address of a list or of a re-drive asks for.

    An error text is searched among the causes, because those are few.
    """
    text, cause = query.letters("error"), query.names("cause")
    causes = None if text is None else tuple(fingerprints_with(db.session, text))
    if cause is not None:
        causes = cause if causes is None else tuple(one for one in cause if one in causes)
    return DeadLetterFilter(
        reprocessed=query.flag("reprocessed"),
        resolved=query.flag("resolved"),
        notified=query.flag("notified"),
        queue=query.name("queue"),
        task=query.name("task"),
        owner=query.name("owner"),
        nobodys=True if query.choice("unowned", ("yes",)) else None,
        causes=causes,
        since=query.moment("since"),
        until=query.moment("until"),
    )
