"""What the product's role may do in the database, and that models and tables agree."""

from __future__ import annotations

import os

import psycopg2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import create_engine

import dashboard.models  # noqa: F401  # the tables of people
import mahaam.alerts.models  # noqa: F401  # those of alerts
from launch.migrations import migrate
from launch.os_user import server_account
from launch.postgres import OWNER, ROLE, Postgres
from mahaam.models import Base
from tests.cluster import FAST
from tests.servers import new_folder, owner_url

ADD = "INSERT INTO audit_event (actor, channel, verb, kind, count) VALUES ('a', 'cli', 'retry', 'job', 1)"
CHANGES = (
    "UPDATE audit_event SET actor = 'b'",
    "DELETE FROM audit_event",
    "TRUNCATE audit_event",
    "ALTER TABLE audit_event DISABLE TRIGGER audit_event_stays",
    "DROP TRIGGER audit_event_stays ON audit_event",
    "DROP TABLE audit_event",
    "SET ROLE mahaam_audit",
    "CREATE TABLE mine ()",
)


def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    link = psycopg2.connect(url)
    try:
        with link, link.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        link.close()


def test_the_product_reads_the_audit_and_adds_to_it(database_url: str) -> None:
    run(database_url, ADD)
    assert run(database_url, "SELECT actor FROM audit_event") == [("a",)]


@pytest.mark.parametrize("change", CHANGES)
def test_the_product_cannot_change_the_audit(database_url: str, change: str) -> None:
    run(database_url, ADD)
    with pytest.raises(InsufficientPrivilege):
        run(database_url, change)
    assert run(database_url, "SELECT actor FROM audit_event") == [("a",)]


@pytest.mark.parametrize("change", CHANGES[:3])
def test_the_trigger_refuses_those_whose_rights_would_allow_it(
    database_url: str, change: str
) -> None:
    run(database_url, ADD)
    with pytest.raises(InsufficientPrivilege, match="The audit cannot be changed"):
        run(owner_url(database_url), change)


def test_the_product_may_use_every_other_table(database_url: str) -> None:
    tables = run(
        database_url,
        "SELECT relname, has_table_privilege(oid, 'UPDATE')"
        " AND has_table_privilege(oid, 'DELETE') FROM pg_class"
        " WHERE relnamespace = 'mahaam'::regnamespace AND relkind = 'r'",
    )
    without = {name for name, may in tables if not may}
    assert len(tables) > 10
    assert without == {"audit_event"}
    owned = run(database_url, f"SELECT relname FROM pg_class WHERE relowner = '{ROLE}'::regrole")
    assert owned == []


def test_a_cluster_of_an_earlier_version_gets_the_role() -> None:
    with new_folder() as folder:
        server = Postgres(
            folder / "postgres", account=server_account(), log_path=folder / "log", options=FAST
        )
        server.start()
        try:
            run(server.owner_url, f"DROP ROLE {ROLE}")
            server.stop()
            server.start()
            assert run(server.url, "SELECT current_user") == [(ROLE,)]
            assert run(server.owner_url, "SELECT current_user") == [(OWNER,)]
        finally:
            server.stop()


def test_a_server_of_ones_own_has_two_roles_and_no_superuser(database_url: str) -> None:
    """As docs/operations.md says it: the owner may make roles, the product owns nothing."""
    with new_folder() as folder:
        server = Postgres(
            folder / "postgres", account=server_account(), log_path=folder / "log", options=FAST
        )
        server.start()
        try:
            run(
                server.owner_url,
                "CREATE ROLE shop_owner LOGIN CREATEROLE",
                "CREATE ROLE shop_app LOGIN",
            )
            make_database(server)
            owner, app = (server.url_of("shop", role=name) for name in ("shop_owner", "shop_app"))
            environment = os.environ | {"DATABASE_URL": app, "MIGRATION_DATABASE_URL": owner}

            assert migrate(environment) is True

            run(app, ADD)
            assert run(app, "SELECT actor FROM audit_event") == [("a",)]
            with pytest.raises(InsufficientPrivilege):
                run(app, "DELETE FROM audit_event")
            # The next migration finds a table that is not its own, and goes on.
            run(owner, "UPDATE alembic_version SET version_num = '0019'")
            run(owner, "DELETE FROM alert_rule WHERE kind = 'failed_over'")
            for table in ("job", "schedule"):
                run(owner, f"ALTER TABLE {table} DROP COLUMN retry_delay_cap_s")
            assert migrate(environment) is True
        finally:
            server.stop()


def make_database(server: Postgres) -> None:
    link = psycopg2.connect(server.owner_url)
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute("CREATE DATABASE shop OWNER shop_owner")
        cursor.execute("ALTER DATABASE shop SET search_path = mahaam, public")
    link.close()


def test_the_models_say_what_the_migrations_made(database_url: str) -> None:
    engine = create_engine(owner_url(database_url).replace("postgresql:", "postgresql+psycopg2:"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()
