"""The choice of queues that the monitor and the overview show when there are more than fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mahaam.jobs.states import State
from mahaam.overview.overview import Overview
from mahaam.queries.queues import QueueEntry

ON_A_PAGE = 8  # cards of some 3 kB, more in Arabic and Persian
ON_THE_OVERVIEW = 20  # rows
MOST_GROUPS = 30
LONGEST = 100
SEPARATOR = re.compile(r"[.:/_-]")  # what users put between a group's name and the rest
BUSY = (State.QUEUED, State.RUNNING, State.SCHEDULED, State.RETRYING)


class QueueRequest(NamedTuple):
    """What a viewer wants to see: a text in the name, a group, only queues with jobs, a page number."""

    text: str = ""
    group: str = ""
    is_busy_only: bool = False
    page: int = 1

    @classmethod
    def of(cls, arguments: Mapping[str, str]) -> QueueRequest:
        """Return the request in the address. Parameters that are not valid are left out."""
        page = arguments.get("page", "")
        return cls(
            text=arguments.get("q", "").strip()[:LONGEST],
            group=arguments.get("group", "")[:LONGEST],
            is_busy_only=arguments.get("only") == "busy",
            page=int(page) if page.isascii() and page.isdecimal() and len(page) < 6 else 1,
        )

    def address(self, *, page: int = 1, group: str | None = None) -> dict[str, str]:
        """Return the parameters of the same request for another page or group."""
        wanted = {
            "q": self.text,
            "group": self.group if group is None else group,
            "only": "busy" if self.is_busy_only else "",
            "page": str(page) if page > 1 else "",
        }
        return {name: value for name, value in wanted.items() if value}


@dataclass(frozen=True)
class QueueSelection:
    """The queues of one page, how many match, and the groups with their sizes, the largest first."""

    asked: QueueRequest
    queues: tuple[QueueEntry, ...]
    count: int
    page: int
    pages: int
    groups: tuple[tuple[str, int], ...]

    @property
    def is_needed(self) -> bool:
        """Return True if there are more queues than fit on a page or something was asked for."""
        return self.count > ON_A_PAGE or self.asked != QueueRequest()


def select(now: Overview, asked: QueueRequest) -> QueueSelection:
    """Return the queues of this overview that `asked` wants to see."""
    found = [queue for queue in now.queues if _matches(now, queue, asked)]
    pages = max(1, -(-len(found) // ON_A_PAGE))
    page = min(max(asked.page, 1), pages)
    sizes = Counter(group_of(queue.name) for queue in now.queues)
    groups = [(group, size) for group, size in sizes.most_common(MOST_GROUPS) if size > 1]
    shown = found[(page - 1) * ON_A_PAGE : page * ON_A_PAGE]
    return QueueSelection(asked, tuple(shown), len(found), page, pages, tuple(sorted(groups)))


def most_urgent(now: Overview) -> tuple[QueueEntry, ...]:
    """Return the queues that the overview shows: all if they fit, else those with the most to do."""
    if len(now.queues) <= ON_THE_OVERVIEW:
        return now.queues
    ranked = sorted(now.queues, key=lambda queue: (-queue.waiting, -queue.running, -queue.failed))
    return tuple(ranked[:ON_THE_OVERVIEW])


def group_of(name: str) -> str:
    """Return the part of the name before the first separator."""
    return SEPARATOR.split(name, maxsplit=1)[0]


def _matches(now: Overview, queue: QueueEntry, asked: QueueRequest) -> bool:
    if asked.text.casefold() not in queue.name.casefold():
        return False
    if asked.group and group_of(queue.name) != asked.group:
        return False
    return not asked.is_busy_only or any(now.count(queue.name, state) for state in BUSY)
