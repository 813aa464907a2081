"""Every page with nothing, with one of each thing and with ten thousand: as many questions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event

from tests.dashboard import walk
from tests.dashboard.browser import Browser
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import ask

MOST_QUESTIONS = 40
MORE_WITH_ROWS = (
    12  # what one thing of a kind has around it: attempts, letters, a schedule, a family
)
SEARCH = 5  # steps of a search for what is rare, which end
MOST_BYTES = 700_000  # a page of 50 rows; the list of the database is many megabytes

FILL = """
INSERT INTO job (id, task, queue, state, kwargs, error, attempt, queued_at, run_at, started_at, finished_at,
                 worker_id)
SELECT gen_random_uuid(), 'tasks.demo.echo', 'default', state, '{"value": 1}',
       CASE WHEN state = 'failed' THEN 'E: x' END, 1, now(), now() + interval '1 hour', now(),
       CASE WHEN state IN ('completed', 'failed') THEN now() END, gen_random_uuid()
FROM generate_series(1, %(count)s) AS n,
     LATERAL (SELECT (ARRAY['failed', 'completed', 'queued', 'scheduled'])[n %% 4 + 1] AS state) AS s;
INSERT INTO dead_letter (job_id, attempt, task, queue, error_class, error_message, traceback,
                         first_error_class, first_error_message, first_traceback, fingerprint, retry_count)
SELECT id, 1, task, queue, 'E', 'x', 'Traceback', 'E', 'x', 'Traceback', 'f', 0 FROM job
WHERE state = 'failed' OR %(count)s = 1;
INSERT INTO schedule (name, task, kind, cron, next_run_at, created_by)
SELECT 'schedule ' || n, 'tasks.demo.echo', 'cron', '0 2 * * *', now() + interval '1 hour', 'ann'
FROM generate_series(1, %(count)s) AS n;
INSERT INTO schedule_fire (schedule_id, fire_at, state, job_id)
SELECT (SELECT min(id) FROM schedule), now() - n * interval '1 minute', 'fired', id
FROM (SELECT id, row_number() OVER () AS n FROM job) AS made;
INSERT INTO task_definition (name, task, created_by)
SELECT 'definition ' || n, 'tasks.demo.echo', 'ann' FROM generate_series(1, %(count)s) AS n;
INSERT INTO operation (kind, verb, parameters, filter, state, created_by, finished_at)
SELECT 'job', 'retry', '{}', '{}', 'finished', 'ann', now() FROM generate_series(1, %(count)s);
INSERT INTO deploy (revision, marked_by)
SELECT 'r' || n, 'ann' FROM generate_series(1, %(count)s) AS n;
INSERT INTO job_log (job_id, number, attempt, said_at, level, logger, message)
SELECT (SELECT min(id::text)::uuid FROM job), n, 1, now(), 20, 'x', 'a line'
FROM generate_series(1, %(count)s) AS n;
INSERT INTO error_group (fingerprint, error_class, message, tasks, queues, releases, first_seen_at,
                         last_seen_at, count, sample_id)
SELECT 'f' || n, 'E', 'x', '{tasks.demo.echo}', '{default}', '{}', now(), now(), 1,
       (SELECT max(id) FROM dead_letter)
FROM generate_series(1, %(count)s) AS n;
INSERT INTO error_hour SELECT id, date_trunc('hour', now()), 1 FROM error_group;
INSERT INTO redrive (filter, expected, until, shares, max_failed_percent, created_by)
SELECT '{}', 1, 1, '{5,100}', 20, 'ann' FROM generate_series(1, %(count)s);
INSERT INTO channel (name, kind, created_by)
SELECT 'channel ' || n, 'email', 'ann' FROM generate_series(1, least(%(count)s, 200)) AS n;
INSERT INTO alert_rule (name, kind, severity, created_by)
SELECT 'rule ' || n, 'job_failed', 'info', 'ann' FROM generate_series(1, least(%(count)s, 200)) AS n;
INSERT INTO alert (rule_id, subject, severity, what, path)
SELECT (SELECT min(id) FROM alert_rule), 's' || n, 'info', '{"template": "x", "values": {}}', '/admin/'
FROM generate_series(1, %(count)s) AS n;
INSERT INTO alert_delivery (channel_id, about, message, alert_ids)
SELECT (SELECT min(id) FROM channel), 'opened', '{"items": [], "count": 0}', ARRAY[id] FROM alert;
INSERT INTO worker (id, host, pid, version, queues, greenlets, lease_until)
SELECT gen_random_uuid(), 'host', n, '0.1.0', '{}', 4, now() + interval '1 hour'
FROM generate_series(1, least(%(count)s, 200)) AS n
"""
CLEAR = """
DELETE FROM job; DELETE FROM schedule; DELETE FROM task_definition; DELETE FROM operation;
DELETE FROM error_group; DELETE FROM redrive; DELETE FROM alert_rule; DELETE FROM channel
"""
OF_WHAT = {
    "job": "SELECT min(id::text) FROM job",
    "job_edit": "SELECT min(id::text) FROM job",
    "deadletterqueue": "SELECT max(id) FROM dead_letter",
    "schedule": "SELECT min(id) FROM schedule",
    "schedule_form": "SELECT min(id) FROM schedule",
    "definition": "SELECT min(id) FROM task_definition",
    "operation": "SELECT min(id) FROM operation",
    "user": 'SELECT min(id) FROM "user"',
    "worker": "SELECT min(id::text) FROM worker",
    "error": "SELECT min(id) FROM error_group",
    "redrive": "SELECT min(id) FROM redrive",
    "alert": "SELECT min(id) FROM alert",
    "rule": "SELECT min(id) FROM alert_rule",
    "channel": "SELECT min(id) FROM channel",
}


class Asked:
    """Counts what this thread asks of PostgreSQL; what is made anew aside is not waited for."""

    def __init__(self) -> None:
        self.count = 0
        self._thread = threading.get_ident()

    def note(self, *_args: Any) -> None:
        if threading.get_ident() == self._thread:
            self.count += 1


@contextmanager
def questions() -> Iterator[Asked]:
    asked = Asked()
    event.listen(Engine, "before_cursor_execute", asked.note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", asked.note)


def counts(app: Flask, browser: Browser) -> dict[str, int]:
    """Questions by page, the fewest of three times: what all share for a while is asked once."""
    ids = walk.PARTS | {f"{kind}.id": ask(sql)[0][0] or 1 for kind, sql in OF_WHAT.items()}
    found = {}
    for rule in walk.pages(app):
        path = walk.address(rule, ids)
        found[rule.endpoint + str(sorted(rule.arguments))] = min(
            _questions_of(browser, path) for _ in range(3)
        )
    return found


def _questions_of(browser: Browser, path: str) -> int:
    with questions() as asked:
        answer = browser.get(path)
    assert answer.status_code < 500, path
    size = 0 if answer.is_streamed else len(answer.data)
    assert size < MOST_BYTES, (path, size)
    answer.close()
    return asked.count


@pytest.mark.timeout(180)
def test_no_page_asks_more_with_more_rows(app: Flask, log_in: LogIn) -> None:
    browser = log_in("admin")
    nothing = counts(app, browser)
    ask(FILL, {"count": 1})
    one = counts(app, browser)
    ask(CLEAR)
    ask(FILL, {"count": 10_000})
    ask("ANALYZE")
    many = counts(app, browser)

    assert {path: count for path, count in many.items() if count > MOST_QUESTIONS} == {}
    grown = {path: (one[path], count) for path, count in many.items() if count > one[path] + SEARCH}
    assert grown == {}
    assert {p: (nothing[p], n) for p, n in one.items() if n > nothing[p] + MORE_WITH_ROWS} == {}
