"""A database that an application has tables in, of the very names that ours have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psycopg2
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from dashboard import create_app
from dashboard.web.database import db
from launch.postgres import ROLE
from mahaam import enqueue, enqueue_in_transaction
from mahaam.postgres import database
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage
from tests.servers import owner_url

# Whatever looks for one of our tables in the wrong place finds one without our columns.
NAMESAKES = """
SELECT format('CREATE TABLE public.%I (mine text); GRANT ALL ON public.%1$I TO PUBLIC', relname)
FROM pg_class WHERE relnamespace = 'mahaam'::regnamespace AND relkind = 'r'
"""
MINE = "INSERT INTO public.job VALUES ('baker'); INSERT INTO public.worker VALUES ('ann')"


@pytest.fixture(scope="module")
def shared(stage: Stage) -> Iterator[Stage]:
    """The module's stage beside such an application, by a URL whose search path is the application's."""
    run(owner_url(stage.database_url), NAMESAKES, MINE)
    path = f"{stage.database_url}&options=-csearch_path%3Dpublic"
    with (beside := replace(stage, database_url=path)).here():
        yield beside


def run(url: str, question: str, *statements: str) -> None:
    """Run the statements that a question answers with, and then others."""
    with closing(psycopg2.connect(url)) as link, link, link.cursor() as cursor:
        cursor.execute(question)
        for statement in [row[0] for row in cursor.fetchall()] + list(statements):
            cursor.execute(statement)


def test_jobs_run_beside_an_applications_tables(stage: Stage, shared: Stage) -> None:
    made = enqueue(jobs.add, (1, 2))
    failed = enqueue(jobs.fall, max_retries=0)
    later = enqueue(jobs.add, (3, 4), delay=0.2, dedupe_key="once")
    with shared.consumer() as consumer:
        consumer.wait_ready()
        stage.wait_for_ends()
        assert consumer.stop() == 0

    assert [stage.job(job.id)["state"] for job in (made, failed, later)] == [
        "completed", "failed", "completed",
    ]  # fmt: skip
    assert stage.letters(failed.id)
    assert shared.ask("SELECT * FROM job") == [{"mine": "baker"}]
    assert shared.ask("SELECT * FROM worker") == [{"mine": "ann"}]
    assert shared.ask("SELECT * FROM attempt") == []


RIGHTS = """
DROP ROLE IF EXISTS shop; CREATE ROLE shop LOGIN; GRANT USAGE ON SCHEMA mahaam TO shop;
GRANT SELECT, INSERT ON mahaam.job TO shop
"""


def test_an_applications_own_connection_enqueues_with_two_rights(
    stage: Stage, shared: Stage
) -> None:
    run(owner_url(stage.database_url), "SELECT 'SELECT 1'", RIGHTS)
    shops = shared.database_url.replace(f"//{ROLE}@", "//shop@")
    url = shops.replace("postgresql:", "postgresql+psycopg2:")
    with (
        closing(psycopg2.connect(shops)) as link,
        Session(create_engine(url)) as session,
    ):
        made = [
            enqueue_in_transaction(link, jobs.add, (1, 2), dedupe_key="link"),
            enqueue_in_transaction(session, jobs.add, (1, 2)),
        ]
        assert enqueue_in_transaction(link, jobs.add, (1, 2), dedupe_key="link").deduplicated
        link.commit()
        session.commit()

    assert [stage.job(job.id)["state"] for job in made] == ["queued", "queued"]
    run(owner_url(stage.database_url), "SELECT 'DROP OWNED BY shop'", "DROP ROLE shop")


@pytest.mark.usefixtures("shared")
def test_every_part_looks_at_our_tables_before_those_of_the_urls_path() -> None:
    app = create_app()
    with app.app_context():
        assert db.session.execute(db.text("SHOW search_path")).scalar() == "mahaam, public"
        db.engine.dispose()
    with database.connection() as link, link.cursor() as cursor:
        cursor.execute("SHOW search_path")
        assert cursor.fetchone() == ("mahaam, public",)


def test_without_one_nothing_but_ours_is_looked_at(stage: Stage) -> None:
    with stage.here(), database.connection() as link, link.cursor() as cursor:
        cursor.execute("SHOW search_path")
        assert cursor.fetchone() == ("mahaam",)
