"""Our tables' own schema: beside an application's tables, and what earlier releases had in its place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import psycopg2
import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from psycopg2.errors import InsufficientPrivilege

from launch.faults import MigrationFailed
from launch.migrations import migrate
from launch.os_user import server_account
from launch.postgres import OWNER, Postgres
from mahaam import config
from mahaam.schema_revisions import MIGRATIONS
from tests.cluster import FAST
from tests.launch.test_migrations import FORMER_LAYOUT, KEPT, RELEASED, ROWS, migrating, rows, run
from tests.servers import new_folder, owner_url

# An application's own, of the same names as ours; `channel` is one of ours since revision 0012.
APPLICATIONS = """
CREATE TABLE public.alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO public.alembic_version VALUES ('0013');
CREATE TABLE public."user" (id serial PRIMARY KEY, name text);
CREATE TABLE public.role (id serial PRIMARY KEY, name text);
CREATE TABLE public.job (id serial PRIMARY KEY, title text);
CREATE TABLE public.queue (id serial PRIMARY KEY, name text);
CREATE TABLE public.channel (id serial PRIMARY KEY, name text);
INSERT INTO public."user" (name) VALUES ('ann');
INSERT INTO public.job (title) VALUES ('baker'), ('smith');
INSERT INTO public.channel (name) VALUES ('news');
"""
APPLICATIONS_ROWS = """
SELECT (SELECT string_agg(version_num, ' ') FROM public.alembic_version),
       (SELECT string_agg(name, ' ') FROM public."user"), (SELECT count(*) FROM public.role),
       (SELECT string_agg(title, ' ' ORDER BY id) FROM public.job), (SELECT count(*) FROM public.queue),
       (SELECT string_agg(name, ' ') FROM public.channel)
"""
UNTOUCHED = [("0013", "ann", 0, "baker smith", 0, "news")]
IN_PUBLIC = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"


@pytest.fixture
def owner(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the tables' owner on a database that has none yet; this process migrates there."""
    url = owner_url(database_url)
    run(url, "DROP SCHEMA mahaam CASCADE")
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("MIGRATION_DATABASE_URL", url)
    config.get_settings.cache_clear()
    return url


def upgrade(revision: str) -> None:
    """Bring the database of DATABASE_URL to a revision."""
    command.upgrade(configuration(), revision)


def configuration() -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    return made


def test_an_applications_tables_of_the_same_names_stay_as_they_are(owner: str) -> None:
    run(owner, APPLICATIONS)

    assert migrate(dict(os.environ)) is True

    assert rows(owner, APPLICATIONS_ROWS) == UNTOUCHED
    assert rows(owner, "SELECT count(*) FROM mahaam.job") == [(0,)]
    assert migrate(dict(os.environ)) is False


def test_a_release_that_had_its_tables_elsewhere_moves_all_of_them_and_nothing_else(
    owner: str,
) -> None:
    upgrade(RELEASED)
    run(owner, ROWS)
    before = rows(owner, KEPT)
    run(owner, FORMER_LAYOUT)
    run(
        owner, "CREATE TABLE public.channel (name text); INSERT INTO public.channel VALUES ('news')"
    )

    upgrade("head")

    assert rows(owner, KEPT) == before
    assert rows(owner, IN_PUBLIC) == [(1,)]
    assert rows(owner, "SELECT name FROM public.channel") == [("news",)]


def test_functions_sequences_and_rights_move_along(owner: str, database_url: str) -> None:
    upgrade("0013")
    run(owner, ROWS)
    run(owner, FORMER_LAYOUT)

    upgrade("head")

    left = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    assert (rows(owner, IN_PUBLIC), rows(owner, left)) == ([(0,)], [(0,)])
    # The product's role goes on: a check, an index's function and a sequence are all in use.
    run(database_url, "UPDATE job SET error = 'ValueError: yes' WHERE state = 'failed'")
    run(
        database_url,
        "INSERT INTO saved_view (owner_id, name, filter) SELECT id, 'v', '{}' FROM \"user\"",
    )
    run(
        database_url,
        "INSERT INTO audit_event (actor, channel, verb, kind, count) VALUES ('a','cli','r','j',1)",
    )


def test_a_schema_that_the_url_names_is_left_for_ours(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(RELEASED)
    run(owner, "ALTER SCHEMA mahaam RENAME TO former")
    monkeypatch.setenv("MIGRATION_DATABASE_URL", f"{owner}&options=-csearch_path%3Dformer")
    config.get_settings.cache_clear()

    upgrade("head")

    assert rows(owner, "SELECT count(*) FROM mahaam.queue")[0][0] > 0
    assert rows(owner, IN_PUBLIC.replace("public", "former")) == [(0,)]


ROLES = """
CREATE ROLE shop_owner LOGIN CREATEROLE; ALTER ROLE shop_owner SET search_path = mahaam, public;
CREATE ROLE shop_app LOGIN; ALTER ROLE shop_app SET search_path = mahaam, public
"""
ADD_EVENT = (
    "INSERT INTO audit_event (actor, channel, verb, kind, count) VALUES ('a', 'cli', 'r', 'j', 1)"
)
OWNERS = """
SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'mahaam.audit_event'::regclass
UNION ALL
SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE proname = 'audit_event_stays'
"""


@pytest.fixture(scope="module")
def ones_own() -> Iterator[Postgres]:
    """A server with a role that may make roles, one that may not, and no superuser for us."""
    with new_folder() as folder:
        server = Postgres(
            folder / "postgres", account=server_account(), log_path=folder / "log", options=FAST
        )
        server.start()
        try:
            run(server.owner_url, ROLES)
            yield server
        finally:
            server.stop()


@pytest.fixture
def shop(ones_own: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database of `shop_owner` with the tables of an earlier release; the owner's URL."""
    alone(ones_own, "CREATE DATABASE shop OWNER shop_owner")
    url = ones_own.url_of("shop", role="shop_owner")
    monkeypatch.setenv("MIGRATION_DATABASE_URL", url)
    monkeypatch.setenv("DATABASE_URL", ones_own.url_of("shop", role="shop_app"))
    config.get_settings.cache_clear()
    upgrade("0013")
    run(url, ROWS)
    run(ones_own.url_of("shop", role=OWNER), FORMER_LAYOUT)
    yield url
    alone(ones_own, "DROP DATABASE shop")


def alone(server: Postgres, statement: str) -> None:
    """Run a statement that takes no transaction, as superuser."""
    link = psycopg2.connect(server.owner_url)
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute(statement)
    link.close()


def test_an_owner_without_more_rights_moves_all_and_the_audit_stays_anothers(
    ones_own: Postgres, shop: str
) -> None:
    upgrade("head")

    app = ones_own.url_of("shop", role="shop_app")
    run(app, ADD_EVENT)
    for change in ("DELETE FROM audit_event", "UPDATE audit_event SET actor = 'b'"):
        with pytest.raises(InsufficientPrivilege):
            run(app, change)
    assert rows(shop, OWNERS) == [("mahaam_audit",)] * 2
    assert rows(shop, "SELECT pg_has_role('mahaam_audit', 'USAGE')") == [(False,)]
    assert migrate(dict(os.environ)) is False


def test_what_the_owner_may_not_move_is_told_and_moved_after_somebody_else_did(
    ones_own: Postgres, shop: str
) -> None:
    root = ones_own.url_of("shop", role=OWNER)
    run(
        root,
        "CREATE ROLE stranger; ALTER TABLE public.audit_event OWNER TO stranger; "
        "ALTER FUNCTION public.audit_event_stays() OWNER TO stranger",
    )
    with pytest.raises(CommandError) as refused:
        upgrade("head")
    told = str(refused.value)
    assert "TABLE public.audit_event belongs to stranger and cannot be moved" in told
    assert rows(shop, "SELECT to_regclass('public.job') IS NULL") == [(False,)]

    for sentence in told.splitlines():
        run(root, sentence.partition("superuser run: ")[2].partition(" then upgrade")[0])
    upgrade("head")

    assert rows(shop, "SELECT count(*) FROM mahaam.job") == [(8,)]
    run(root, "DROP OWNED BY stranger CASCADE; DROP ROLE stranger")


def test_without_the_right_to_make_a_schema_one_is_told_who_may(
    ones_own: Postgres, capfd: pytest.CaptureFixture[str]
) -> None:
    alone(ones_own, "CREATE DATABASE closed")
    url = ones_own.url_of("closed", role="shop_app")
    with pytest.raises(MigrationFailed):
        migrate(os.environ | {"DATABASE_URL": url, "MIGRATION_DATABASE_URL": url})
    told = capfd.readouterr().err
    assert "CREATE SCHEMA mahaam AUTHORIZATION shop_app;" in told

    run(ones_own.url_of("closed", role=OWNER), told.split("may do so run: ")[1])
    assert migrate(os.environ | {"DATABASE_URL": url, "MIGRATION_DATABASE_URL": url}) is True
    alone(ones_own, "DROP DATABASE closed")


@pytest.mark.parametrize(
    ("move", "revision"),
    [
        (command.downgrade, "-1"),
        (command.downgrade, "base"),
        (command.stamp, "0001"),
        (command.stamp, "base"),
    ],
)
def test_going_back_is_refused(
    database_url: str, monkeypatch: pytest.MonkeyPatch, move: Callable[..., None], revision: str
) -> None:
    for name, url in migrating(database_url).items():
        monkeypatch.setenv(name, url)
    config.get_settings.cache_clear()
    with pytest.raises(CommandError, match="Migrations only go forward"):
        move(configuration(), revision)
    assert migrate(dict(os.environ)) is False


def test_flask_says_so_in_a_sentence(database_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "downgrade"],
        cwd=config.PROJECT_DIR,
        env=migrating(database_url),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Migrations only go forward" in done.stderr
    assert "Traceback" not in done.stderr
