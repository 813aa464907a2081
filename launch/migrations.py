"""Brings the tables up to date, as `flask db upgrade` does, without loading the web application."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache

import psycopg2
from psycopg2.errors import UndefinedTable

from mahaam.config import PROJECT_DIR, settings_or_exit

from .faults import MigrationFailed

FOLDER = PROJECT_DIR / "migrations"
REVISION = re.compile(r'^(?P<kind>revision|down_revision)\b.*=\s*"(?P<name>\w+)"', re.MULTILINE)


def migrate(environment: dict[str, str]) -> bool:
    """Run what the database has not seen, in a process of its own; whether there was anything.

    Looking first saves a second of every start: loading the models takes that long.
    """
    if applied(_owner_url(environment)) == newest():
        return False
    command = [sys.executable, "-m", "launch.migrations"]
    done = subprocess.run(command, cwd=PROJECT_DIR, env=environment, check=False)
    if done.returncode:
        raise MigrationFailed("The tables could not be brought up to date: see the lines above.")
    return True


def _owner_url(environment: Mapping[str, str]) -> str:
    return environment.get("MIGRATION_DATABASE_URL") or environment["DATABASE_URL"]


def newest() -> set[str]:
    """The revisions that no other one follows."""
    return known() - _revisions()["down_revision"]


def known() -> set[str]:
    """All revisions of this code."""
    return _revisions()["revision"]


@cache
def _revisions() -> dict[str, set[str]]:
    """The revisions, and those that others follow, read from the migrations' text."""
    found: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for path in (FOLDER / "versions").glob("*.py"):
        for match in REVISION.finditer(path.read_text("utf-8")):
            found[match["kind"]].add(match["name"])
    return found


def applied(database_url: str) -> set[str]:
    """The revisions that a database has; none when it has no tables. Raises psycopg2.Error."""
    connection = psycopg2.connect(database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT version_num FROM mahaam.alembic_version")
            return {name for (name,) in cursor.fetchall()}
    except UndefinedTable:
        return set()
    finally:
        connection.close()


def main() -> None:
    """Run every migration that the database has not seen yet."""
    from alembic.command import upgrade
    from alembic.config import Config
    from alembic.util import CommandError

    settings_or_exit()
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER))
    try:
        upgrade(configuration, "head")
    except CommandError as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
