"""Times in which PostgreSQL is there and cannot be written to, or is not heard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from tests.faults.stage import Stage

READ_ONLY_S = 4.0
LOCKED_S = 70.0
NO_CONNECTION_S = 6.0
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'mahaam%%'"
END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'mahaam%%'
"""
LAPSED = "SELECT count(*) FROM worker WHERE state IN ('running', 'quiet') AND lease_until < now()"
# Of a consumer, and of the client: a consumer's own ten, what its pool has, and those that were given up
# in the last two seconds.
MOST_SESSIONS = 16


def be_read_only(stage: Stage) -> None:
    """Let all sessions be read-only for a while, as after a fail-over to a standby."""
    with _altered(
        stage, "SET default_transaction_read_only = on", "RESET default_transaction_read_only"
    ):
        stage.watch_for(READ_ONLY_S)


def refuse_connections(stage: Stage) -> None:
    """Let PostgreSQL take no connection of ours for a while, and lose those that there are."""
    with _altered(stage, "CONNECTION LIMIT 0", "CONNECTION LIMIT -1"):
        stage.watch_for(NO_CONNECTION_S)


def forget_connections(stage: Stage) -> None:
    """Let nothing through any more on the connections that are open, as a balancer that forgot them."""
    stage.servers.to_postgres.forget()
    stage.watch_for(stage.beat_s)


def lock_jobs(stage: Stage) -> None:
    """Hold the table of jobs for LOCKED_S; sessions stay few meanwhile, and leases are renewed."""
    with closing(stage.servers.owner()) as holder, closing(stage.servers.owner()) as looker:
        holder.autocommit = False
        _ask(holder, "LOCK TABLE mahaam.job IN ACCESS EXCLUSIVE MODE")
        until = time.monotonic() + LOCKED_S
        consumers = len(stage.supervisor.consumers)
        while time.monotonic() < until:
            stage.supervisor.restart_ended()
            (sessions,) = _ask(looker, SESSIONS)
            most = MOST_SESSIONS * (consumers + 1)
            assert sessions <= most, f"{sessions} sessions of ours while a table was locked"
            (lapsed,) = _ask(looker, LAPSED)
            assert not lapsed, f"{lapsed} leases were not renewed while a table was locked"
            time.sleep(0.25)
        holder.rollback()


@contextmanager
def _altered(stage: Stage, change: str, back: str) -> Iterator[None]:
    """The database with another setting, which all sessions begin with: those there are end."""
    with closing(stage.servers.owner()) as owner:
        (name,) = _ask(owner, "SELECT current_database()")
        _ask(owner, f"ALTER DATABASE {name} {change}")
        _ask(owner, END_SESSIONS)
        try:
            yield
        finally:
            _ask(owner, f"ALTER DATABASE {name} {back}")


def _ask(connection: Any, sql: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("%%", "%"))
        return cursor.fetchone() if cursor.description else ()
