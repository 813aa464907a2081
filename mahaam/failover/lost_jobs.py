"""Jobs that were accepted and are no rows here: after a fail-over to a standby that lacked the last ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

import psycopg2

from mahaam.addresses.postgres import open_postgres, postgres_url, without_secrets
from mahaam.audit import record
from mahaam.audit.store import AuditRecord
from mahaam.core.chunks import chunks
from mahaam.core.errors import MahaamError, OptionNotValid
from mahaam.enqueuing import accept
from mahaam.failover import lost_jobs_queries as queries
from mahaam.failover import lost_jobs_store as store
from mahaam.failover.lost_jobs_queries import LostJob
from mahaam.postgres import database
from mahaam.postgres.database import Connection, Cursor

T = TypeVar("T")

STEP = 500
STATEMENT_MS = "30000"
ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")


class OldPrimaryAway(MahaamError):
    """The old primary does not answer."""


def of_old_primary(url: str, *, since: timedelta) -> list[LostJob]:
    """Return the jobs that an old primary accepted within `since` and that are no rows here.

    The old primary is only read. Raises OptionNotValid, OldPrimaryAway, DatabaseUnavailable.
    """
    after = first_id(datetime.now(UTC) - since)
    lost = []
    with closing(_opened(url)) as link:
        while jobs := _asked(link, url, partial(queries.accepted, after=after, limit=STEP)):
            here = _present([job.id for job in jobs])
            lost += [job for job in jobs if job.id not in here]
            after = jobs[-1].id
    return lost


def bring_back(url: str, lost: Iterable[LostJob], *, by: str) -> list[str]:
    """Insert those of `lost` that have not ended as rows here, and send their notices. Return their ids.

    What ran on the old primary is queued. A job whose dedupe key a live one holds is left out.
    """
    brought: list[str] = []
    with closing(_opened(url)) as link:
        for jobs in chunks(lost, STEP):
            ids = [job.id for job in jobs]
            records = _asked(link, url, partial(queries.records, ids=ids))
            with database.transaction() as cursor:
                made, notices = store.bring(cursor, records)
                record.tell(cursor, AuditRecord(actor=by, verb="repair", kind="job", targets=made))
            accept.ring(notices)
            brought += made
    return brought


def of_text(lines: Iterable[str]) -> list[str]:
    """Return the ids of jobs in a log that are no rows here, in the order in which they come."""
    found = dict.fromkeys(id_ for line in lines for id_ in ID.findall(line.lower()))
    return [id_ for ids in chunks(found, STEP) for id_ in _absent(ids)]


def first_id(moment: datetime) -> str:
    """Return the smallest UUIDv7 of a moment."""
    return str(UUID(int=int(moment.timestamp() * 1000) << 80))


def _absent(ids: list[str]) -> list[str]:
    here = _present(ids)
    return [id_ for id_ in ids if id_ not in here]


def _present(ids: list[str]) -> set[str]:
    return database.repeatable(partial(queries.present, ids=ids))


def _opened(url: str) -> Connection:
    try:
        url = postgres_url(url)
    except ValueError as fault:
        raise OptionNotValid(f"--old-primary is wrong: {fault}.") from None
    session = {"default_transaction_read_only": "on", "statement_timeout": STATEMENT_MS}
    try:
        link = open_postgres(
            url, session=session, application_name="mahaam compare", connect_timeout=5,
            connection_factory=Connection,
        )  # fmt: skip
    except psycopg2.Error as fault:
        raise _away(url, fault) from fault
    assert isinstance(link, Connection)
    return link


def _asked(link: Connection, url: str, question: Callable[[Cursor], T]) -> T:
    try:
        with link, link.cursor() as cursor:
            return question(cursor)
    except psycopg2.Error as fault:
        raise _away(url, fault) from fault


def _away(url: str, fault: psycopg2.Error) -> OldPrimaryAway:
    reason = " ".join(str(fault).split()).rstrip(".")
    return OldPrimaryAway(f"The old primary ({without_secrets(url)}) does not answer: {reason}.")
