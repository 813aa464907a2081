"""Looking whether a database is up to date, and bringing it up with all that it holds."""

from __future__ import annotations

import os
from datetime import timedelta

import psycopg2
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from launch.migrations import migrate
from mahaam import config
from mahaam.schema_revisions import MIGRATIONS, newest
from tests.servers import owner_url


def test_the_newest_revision_is_the_one_that_alembic_sees() -> None:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    assert newest() == set(ScriptDirectory.from_config(configuration).get_heads())


def test_a_database_that_is_up_to_date_is_left_alone(database_url: str) -> None:
    assert migrate(migrating(database_url)) is False


def test_a_database_that_lags_behind_is_brought_up(database_url: str) -> None:
    run(owner_url(database_url), "DROP SCHEMA mahaam CASCADE")

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


RELEASED = "0002"  # the last revision that people have in use
# Releases up to that one had their tables in the schema in which they found themselves.
FORMER_LAYOUT = """
DROP SCHEMA public CASCADE; ALTER SCHEMA mahaam RENAME TO public; GRANT USAGE ON SCHEMA public TO PUBLIC
"""
ROWS = """
INSERT INTO worker (id, host, pid, version, queues, greenlets, lease_until)
VALUES ('0193a000-0000-7000-8000-0000000000aa', 'host', 1, '0.1', '{}', 4, now());
INSERT INTO job (id, task, queue, state, args, kwargs, error, attempt, queued_at, started_at,
                 finished_at, worker_id, run_at)
SELECT ('0193a000-0000-7000-8000-00000000000' || place)::uuid, 'shop.charge', 'orders', state, '[1]',
       '{"user_id": 42}', CASE WHEN state = 'failed' THEN 'ValueError: no' END, 1, now(), now(),
       CASE WHEN state IN ('completed', 'failed', 'cancelled', 'expired') THEN now() END,
       '0193a000-0000-7000-8000-0000000000aa', now()
FROM unnest(ARRAY['scheduled', 'queued', 'running', 'retrying', 'completed', 'failed', 'cancelled',
                  'expired']) WITH ORDINALITY AS listed(state, place);
INSERT INTO dead_letter (job_id, attempt, task, queue, error_class, error_message, traceback,
                         first_error_class, first_error_message, first_traceback, fingerprint, retry_count)
SELECT id, 1, task, queue, 'ValueError', 'no', 'T', 'ValueError', 'no', 'T', 'f', 0
FROM job WHERE state = 'failed';
INSERT INTO job_minute (minute, queue, task, worker_id, completed)
VALUES (date_trunc('minute', now()), 'orders', 'shop.charge', '0193a000-0000-7000-8000-0000000000aa', 1);
INSERT INTO "user" (email, password, role_name, fs_uniquifier) VALUES ('a@example.com', 'x', 'admin', 'u');
"""
KEPT = """
SELECT (SELECT string_agg(state || attempt || kwargs, ' ' ORDER BY id) FROM job),
       (SELECT count(*) FROM dead_letter), (SELECT sum(completed) FROM job_minute),
       (SELECT string_agg(email || role_name, ' ') FROM "user"), (SELECT count(*) FROM worker)
"""


def test_the_last_release_is_brought_up_with_all_that_it_holds(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = owner_url(database_url)
    run(owner, "DROP SCHEMA mahaam CASCADE")
    monkeypatch.setenv("DATABASE_URL", owner)
    config.get_settings.cache_clear()
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    command.upgrade(configuration, RELEASED)
    run(owner, ROWS)
    run(owner, FORMER_LAYOUT)
    before = rows(owner, KEPT)

    assert migrate(os.environ | {"DATABASE_URL": owner}) is True

    assert rows(owner, KEPT) == before
    # What is written anew is checked by the rules of today.
    run(owner, "UPDATE job SET state = state, args = args; UPDATE worker SET beat_at = now()")


def rows(database_url: str, sql: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
        found = cursor.fetchall()
    connection.close()
    return found


LETTERS = """
INSERT INTO job (id, task, queue, state, error, attempt, queued_at, started_at, finished_at, worker_id)
VALUES ('0193a000-0000-7000-8000-0000000000f1', 'shop.charge', 'orders', 'failed', 'E: x', 9, now(), now(),
        now(), '0193a000-0000-7000-8000-0000000000aa');
INSERT INTO dead_letter (job_id, attempt, task, queue, error_class, error_message, traceback,
                         first_error_class, first_error_message, first_traceback, fingerprint, retry_count,
                         created_at, reprocessed_at)
SELECT '0193a000-0000-7000-8000-0000000000f1', 3 * n, 'shop.charge', 'orders', 'E', 'try ' || n, 'T', 'E',
       'x', 'T', 'f', 0, now() - (10 - n) * interval '1 day', CASE WHEN n < 3 THEN now() END
FROM generate_series(1, 3) AS n
"""


def test_several_letters_of_a_job_become_one_that_counts_them(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = owner_url(database_url)
    run(owner, "DROP SCHEMA mahaam CASCADE")
    monkeypatch.setenv("DATABASE_URL", owner)
    config.get_settings.cache_clear()
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    command.upgrade(configuration, "0010")
    run(owner, LETTERS)

    assert migrate(os.environ | {"DATABASE_URL": owner}) is True

    letter = (
        "SELECT failures, attempt, error_message, reprocessed_at, failed_at - created_at"
        " FROM dead_letter"
    )
    assert rows(owner, letter) == [(3, 9, "try 3", None, timedelta(days=2))]
    group = "SELECT error_class, message, count, tasks FROM error_group"
    assert rows(owner, group) == [("E", "try 3", 3, ["shop.charge"])]
    assert rows(owner, "SELECT count(*) FROM alert_rule") == [(8,)]
