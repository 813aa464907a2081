"""The pages that texts of alerts lead to, by name; the console defines their paths.

A process hands the console's table in once (`use`). Without a console there are no links.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import quote


class LinkedPage(StrEnum):
    """A page that a text leads to. A page in the singular is that of one id or name."""

    HOME = "home"
    ALERTS = "alerts"
    DEAD_LETTER = "dead letter"
    ERROR = "error"
    ERRORS = "errors"
    FAILED_JOBS_OF_QUEUE = "failed jobs of a queue"
    FAILED_JOBS_OF_TASK = "failed jobs of a task"
    JOB = "job"
    OPEN_DEAD_LETTERS = "open dead letters"
    QUEUE = "queue"
    RECONCILE = "reconcile"
    SCHEDULE = "schedule"
    TASK = "task"
    WORKERS = "workers"


AddressTable = Mapping[LinkedPage, str]

_addresses: AddressTable = {}


def use(table: AddressTable) -> None:
    """Make links by this table: of each page its path, with `{of}` for the id or name."""
    global _addresses  # noqa: PLW0603 (one table for the whole process)
    _addresses = table


def address_of(page: LinkedPage, of: object = "") -> str:
    """Return the path of a page of the console, or "" if there is no console."""
    return _addresses.get(page, "").format(of=quote(str(of), safe=""))
