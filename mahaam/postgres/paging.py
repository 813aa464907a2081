"""Pages of a list that is sorted by id, newest first, without OFFSET and without a count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Row, Select
from sqlalchemy.orm import InstrumentedAttribute

from mahaam.postgres.query_limits import Reader, time_limit

PAGE_SIZE = 50

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class PageCursor:
    """The position of a page: older than `after`, or newer than `before`; neither: the newest."""

    after: Any = None
    before: Any = None
    size: int = PAGE_SIZE


@dataclass(frozen=True)
class Page(Generic[Entry]):
    """The entries of one page, newest first, and whether there is more on either side.

    `searched_to` is the id at which the search for more entries ended; None: nothing is left to search.
    """

    entries: tuple[Entry, ...] = ()
    has_newer: bool = False
    has_older: bool = False
    searched_to: Any = None


def read_page(
    session: Reader,
    question: Select[Any],
    *,
    key: InstrumentedAttribute[Any],
    cursor: PageCursor,
    entry: Callable[..., Entry],
) -> Page[Entry]:
    """Return the page of `question` at `cursor`; `entry` is called with each row's columns by name."""
    with time_limit(session):
        rows = session.execute(_windowed(question, key, cursor)).all()
    is_more, rows = len(rows) > cursor.size, rows[: cursor.size]
    entries = tuple(entry(**row._mapping) for row in _newest_first(rows, cursor))
    if cursor.before is not None:
        return Page(entries, has_newer=is_more, has_older=bool(entries))
    return Page(entries, has_newer=cursor.after is not None, has_older=is_more)


def _windowed(
    question: Select[Any], key: InstrumentedAttribute[Any], cursor: PageCursor
) -> Select[Any]:
    # One more row than is shown, to find out whether there is a next page.
    question = question.limit(cursor.size + 1)
    if cursor.before is not None:
        return question.where(key > cursor.before).order_by(key.asc())
    if cursor.after is not None:
        question = question.where(key < cursor.after)
    return question.order_by(key.desc())


def _newest_first(rows: Sequence[Row[Any]], cursor: PageCursor) -> Sequence[Row[Any]]:
    return rows[::-1] if cursor.before is not None else rows
