"""Fills a database with the rows of `bench.console.rows`, by COPY, its indexes made afterwards."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import psycopg2

from bench.console.rows import WORKER, Job, jobs

CHUNK = 20_000
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = 'mahaam' AND tablename = 'job' AND indexname <> 'job_pkey'
"""
ATTEMPTS = """
INSERT INTO attempt (job_id, number, worker_id, queued_at, started_at, finished_at, outcome, error_class,
                     error_message, traceback)
SELECT id, number, worker_id, queued_at, started_at, coalesce(finished_at, started_at),
       CASE WHEN number = attempt THEN 'failed' ELSE 'retrying' END, split_part(error, ': ', 1),
       split_part(error, ': ', 2), 'Traceback (most recent call last):' || chr(10) || error
FROM job, generate_series(1, CASE WHEN state = 'failed' THEN attempt ELSE attempt - 1 END) AS number
WHERE error IS NOT NULL
"""
LETTERS = """
INSERT INTO dead_letter (job_id, attempt, task, queue, error_class, error_message, traceback,
                         first_error_class, first_error_message, first_traceback, fingerprint,
                         retry_count, created_at, reprocessed_at, resolved_at)
SELECT id, attempt, task, queue, split_part(error, ': ', 1), split_part(error, ': ', 2), error,
       split_part(error, ': ', 1), split_part(error, ': ', 2), error, md5(task || left(error, 12)),
       retry_count, finished_at, CASE WHEN attempt % 4 = 1 THEN finished_at END,
       CASE WHEN priority > 0 THEN finished_at END
FROM job WHERE state = 'failed' ORDER BY id
"""
GROUPS = """
INSERT INTO error_group (fingerprint, error_class, message, tasks, queues, releases, first_seen_at,
                         last_seen_at, count, sample_id)
SELECT fingerprint, min(error_class), min(left(error_message, 500)), ARRAY[min(task)], ARRAY[min(queue)],
       '{}', min(created_at), max(failed_at), count(*), max(id)
FROM dead_letter GROUP BY fingerprint
"""
HOURS = """
INSERT INTO error_hour SELECT error_group.id, date_trunc('hour', failed_at), count(*)
FROM dead_letter JOIN error_group USING (fingerprint) GROUP BY 1, 2
"""
MINUTES = """
INSERT INTO job_minute (minute, queue, task, worker_id, completed, failed, cancelled, expired, wait_ms,
                        waited, run_ms)
SELECT date_trunc('minute', finished_at), queue, task, %s, count(*) FILTER (WHERE state = 'completed'),
       count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'cancelled'),
       count(*) FILTER (WHERE state = 'expired'),
       coalesce(sum(extract(epoch FROM started_at - queued_at) * 1000), 0), count(started_at),
       coalesce(sum(extract(epoch FROM finished_at - started_at) * 1000), 0)
FROM job WHERE finished_at IS NOT NULL GROUP BY 1, 2, 3
"""
LIVE_WORKER = """
INSERT INTO worker (id, host, pid, version, queues, greenlets, lease_until)
VALUES (%s, 'bench', 1, '0', '{}', 32, now() + interval '1 day')
"""
TABLES = "job, attempt, job_log, dead_letter, job_minute, worker, error_group, failure"


def load(database_url: str, count: int) -> None:
    """Empty the tables and fill them with `count` jobs and what belongs to them."""
    link = psycopg2.connect(database_url)
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute(f"TRUNCATE {TABLES} CASCADE")
        cursor.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        cursor.execute(LIVE_WORKER, (WORKER,))
        with _made_afterwards(cursor):
            _copy(cursor, jobs(count))
        for fill, values in (
            (ATTEMPTS, None),
            (LETTERS, None),
            (GROUPS, None),
            (HOURS, None),
            (MINUTES, (WORKER,)),
        ):
            cursor.execute(fill, values)
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    link.close()


@contextmanager
def _made_afterwards(cursor: Any) -> Iterator[None]:
    """Filling ten million rows into standing indexes would take ten times as long."""
    cursor.execute(INDEXES)
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        cursor.execute(definition)


def _copy(cursor: Any, rows: Iterable[Job]) -> None:
    rows = iter(rows)
    statement = f"COPY job ({', '.join(Job._fields)}) FROM STDIN"
    while chunk := list(islice(rows, CHUNK)):
        text = "\n".join("\t".join(map(str, row)) for row in chunk)
        cursor.copy_expert(statement, io.StringIO(text + "\n"))
