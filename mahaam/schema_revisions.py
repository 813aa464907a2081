"""The revisions of the tables: those that this code has migrations for, and those a database has."""

from __future__ import annotations

import re
from functools import cache

import psycopg2
from psycopg2.errors import UndefinedTable

from mahaam.config import PROJECT_DIR

MIGRATIONS = PROJECT_DIR / "migrations"
REVISION = re.compile(r'^(?P<kind>revision|down_revision)\b.*=\s*"(?P<name>\w+)"', re.MULTILINE)


def newest() -> set[str]:
    """Return the revisions that no other one follows."""
    return known() - _revisions()["down_revision"]


def known() -> set[str]:
    """Return all revisions of this code."""
    return _revisions()["revision"]


@cache
def _revisions() -> dict[str, set[str]]:
    """Return the revisions, and those that others follow, read from the migrations' text."""
    found: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for path in (MIGRATIONS / "versions").glob("*.py"):
        for match in REVISION.finditer(path.read_text("utf-8")):
            found[match["kind"]].add(match["name"])
    return found


def applied(database_url: str) -> set[str]:
    """Return the revisions that a database has; none when it has no tables. Raises psycopg2.Error."""
    connection = psycopg2.connect(database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT version_num FROM mahaam.alembic_version")
            return {name for (name,) in cursor.fetchall()}
    except UndefinedTable:
        return set()
    finally:
        connection.close()
