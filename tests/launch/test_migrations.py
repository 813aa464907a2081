"""Looking whether a database is up to date, without loading anything."""

from __future__ import annotations

import os

import psycopg2
from alembic.config import Config
from alembic.script import ScriptDirectory

from launch.migrations import FOLDER, migrate, newest
from tests.servers import owner_url


def test_the_newest_revision_is_the_one_that_alembic_sees() -> None:
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER))
    assert newest() == set(ScriptDirectory.from_config(configuration).get_heads())


def test_a_database_that_is_up_to_date_is_left_alone(database_url: str) -> None:
    assert migrate(migrating(database_url)) is False


def test_a_database_that_lags_behind_is_brought_up(database_url: str) -> None:
    run(owner_url(database_url), "DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    assert migrate(migrating(database_url)) is True
    assert migrate(migrating(database_url)) is False
    run(database_url, "SELECT id FROM job")


def migrating(database_url: str) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database_url,
        "MIGRATION_DATABASE_URL": owner_url(database_url),
    }


def run(database_url: str, sql: str) -> None:
    connection = psycopg2.connect(database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()
