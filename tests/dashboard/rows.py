"""Rows for the pages to show."""

from __future__ import annotations

import os
import uuid
from typing import Any

import psycopg2

from mahaam.core.ids import new_id
from mahaam.jobs.states import State
from tests import factory
from tests.factory import Sql

JOB = """
INSERT INTO job (id, task, queue, state, kwargs, result, error, attempt, retry_count, worker_id,
                 queued_at, run_at, started_at, finished_at)
VALUES (%(id)s, %(task)s, %(queue)s, %(state)s, '{"order_id": 12345678901234567890}', '[1]',
        %(error)s, %(attempt)s, 1, gen_random_uuid(), now(), now() + interval '1 hour', now(),
        CASE WHEN %(state)s IN ('completed', 'failed', 'cancelled', 'expired') THEN now() END)
"""


def ask(sql: str, values: Any = None, *, database_url: str | None = None) -> list[Any]:
    """Run one statement, commit, and give back its rows."""
    link = _link(database_url or os.environ["DATABASE_URL"])
    with link, link.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def add(table: str, **fields: Any) -> Any:
    """Insert a row by the factory; return its id."""
    return factory.add(lambda sql, values: [row[0] for row in ask(sql, values)], table, **fields)


_links: dict[str, Any] = {}  # to connect anew for each of thousands of questions takes a minute


def _link(database_url: str) -> Any:
    link = _links.get(database_url)
    if link is None or link.closed:
        link = _links[database_url] = psycopg2.connect(database_url)
        link.autocommit = True
    return link


def a_job(state: str = State.QUEUED, **fields: Any) -> uuid.UUID:
    """The id of a new job in `state`."""
    values = {"id": new_id(), "task": "tasks.demo.echo", "queue": "default", "error": None}
    values |= {"state": str(state), "attempt": 1} | fields
    ask(JOB, values)
    return uuid.UUID(str(values["id"]))


def a_failed_job() -> uuid.UUID:
    """The id of a job that failed at its second start."""
    job_id = a_job(State.FAILED, attempt=2, error="LastError: the last message")
    add(
        "attempt", job_id=job_id, started_at=Sql("now()"), error_class="FirstError",
        error_message="the first message", traceback="Traceback: first",
    )  # fmt: skip
    return job_id


def a_line(job_id: uuid.UUID) -> None:
    """A line that a job said in its first attempt."""
    add("job_log", job_id=job_id, level=30, logger="shop.mail", message="a <b>line</b>")


def a_letter(job_id: uuid.UUID | None = None) -> int:
    """The id of a new open dead letter."""
    return int(
        add(
            "dead_letter", of=job_id or a_failed_job(), error_class="LastError",
            error_message="the last message", traceback="Traceback: last",
            first_error_class="FirstError", first_error_message="the first message",
            first_traceback="Traceback: first",
        )
    )  # fmt: skip


GROUP = """
INSERT INTO error_group (fingerprint, error_class, message, tasks, queues, releases, first_seen_at,
                         last_seen_at, count, sample_id, owner, runbook)
SELECT fingerprint, error_class, error_message, ARRAY[task], ARRAY[queue], '{"v1 <b>x</b>"}',
       now() - interval '3 days', now(), 3, id, 'ann@example.com',
       '# Do <b>this</b> [first](https://example.com/runbook) [not](javascript:alert(1))'
FROM dead_letter WHERE id = %s RETURNING id
"""
REDRIVE = """
INSERT INTO redrive (filter, reason, expected, until, shares, max_failed_percent, operations, created_by)
VALUES ('{}', 'a <b>re-drive</b>', 40, 1, '{5,10,10,100}', 20, %s, 'ann@example.com') RETURNING id
"""


def an_error_group(letter_id: int | None = None) -> int:
    """The id of the cause of a dead letter."""
    id_ = int(ask(GROUP, (a_letter() if letter_id is None else letter_id,))[0][0])
    ask("INSERT INTO error_hour VALUES (%s, date_trunc('hour', now()), 3)", (id_,))
    return id_


def a_redrive(*operations: int) -> int:
    """The id of a re-drive that is under way."""
    return int(ask(REDRIVE, (list(operations),))[0][0])


CHANNEL = """
INSERT INTO channel (name, kind, url, secret, created_by)
VALUES (%s, 'webhook', 'https://hooks.example/verysecretpath', 'hunter2hunter2hunter2', 'admin@example.com')
RETURNING id
"""
RULE = """
INSERT INTO alert_rule (name, kind, parameters, severity, channels, created_by)
VALUES (%s, 'job_failed', '{}', 'critical', ARRAY[%s::bigint], 'admin@example.com') RETURNING id
"""
ALERT = """
INSERT INTO alert (rule_id, subject, severity, what, path, owner, acknowledged_at, acknowledged_by)
VALUES (%(rule)s, %(subject)s, 'critical',
        jsonb_build_object('template', '%%(task)s fails for good: %%(error)s', 'values',
                           jsonb_build_object('task', %(text)s::text, 'error', %(text)s::text)),
        '/admin/error/', %(owner)s, CASE WHEN %(owner)s <> '' THEN now() END, %(owner)s)
RETURNING id
"""
DELIVERY = """
INSERT INTO alert_delivery (channel_id, about, message, alert_ids, state, tries, fault, ended_at, job_id)
SELECT %(channel)s, 'opened', jsonb_build_object('count', 1, 'items', jsonb_build_array(
         jsonb_build_object('what', what, 'path', path, 'severity', severity))), ARRAY[id], 'failed', 8,
       %(fault)s, now(), %(job)s
FROM alert WHERE id = %(alert)s RETURNING id
"""
EFFECTS = """
INSERT INTO delivery_effect (delivery_id, target, state, tries, fault)
VALUES (%(delivery)s, 'ann@shop.example', 'sent', 1, NULL),
       (%(delivery)s, 'bob@shop.example', 'refused', 1, %(fault)s),
       (%(delivery)s, 'a.rather.long.name@department.shop.example', 'waiting', 8, '451 come back later')
"""
ASIDE = """
INSERT INTO set_aside (loop, key, reason, tries, retry_at)
VALUES (%s, %s, %s, 3, now() + interval '4 minutes')
ON CONFLICT DO NOTHING
"""
MAINTENANCE = """
INSERT INTO maintenance (starts_at, ends_at, reason, created_by)
VALUES (now() + interval '1 hour', now() + interval '2 hours', %s, 'ann@example.com')
"""


def a_channel(name: str = "a <b>channel</b>") -> int:
    """The id of a webhook."""
    return int(ask(CHANNEL, (name,))[0][0])


def a_rule(channel: int | None = None, name: str = "a <b>rule</b>") -> int:
    """The id of a rule that tells through a channel."""
    return int(ask(RULE, (name, a_channel() if channel is None else channel))[0][0])


def an_alert(
    rule: int | None = None, text: str = "it <b>fails</b>", *, owner: str = "ann@example.com"
) -> int:
    """The id of an open alert, of whom a channel could not tell, with a maintenance to come."""
    rule_id = a_rule() if rule is None else rule
    subject = f"group:{uuid.uuid4().hex}"
    values = {"rule": rule_id, "subject": subject, "text": text, "owner": owner}
    alert = int(ask(ALERT, values)[0][0])
    (channel,) = ask("SELECT channels[1] FROM alert_rule WHERE id = %s", (rule_id,))[0]
    job = str(a_job())
    ((delivery,),) = ask(DELIVERY, {"channel": channel, "alert": alert, "fault": text, "job": job})
    ask(EFFECTS, {"delivery": delivery, "fault": text})
    ask(MAINTENANCE, (text,))
    return alert


def put_aside(
    key: object, text: str = "CheckViolation: <b>not</b> sound", loop: str = "due"
) -> None:
    """A row that a loop could not handle."""
    ask(ASIDE, (loop, str(key), text))


def a_worker() -> None:
    """A live worker."""
    add("worker", host="host-1")


SCHEDULE = """
INSERT INTO schedule (name, task, kind, cron, timezone, kwargs, next_run_at, created_by, code, edited_at,
                      disabled_at, disabled_by, disabled_reason)
VALUES (%(name)s, 'tasks.demo.echo', 'cron', '30 2 * * *', 'Europe/Berlin', '{"value": "a <b>bold</b> one"}',
        now() + interval '1 hour', 'admin@example.com',
        '{"task": "tasks.demo.echo", "kind": "cron", "cron": "0 2 * * *", "every_s": null, "timezone": "UTC",
          "kwargs": {}, "missed": "once", "missed_limit": 10, "overlap": "allow"}', now(),
        %(disabled_at)s, %(by)s, %(reason)s)
RETURNING id
"""
FIRES = """
INSERT INTO schedule_fire (schedule_id, fire_at, state, reason, job_id, count)
VALUES (%(id)s, now() - interval '1 h', 'fired', NULL, %(done)s, 1),
       (%(id)s, now() - interval '2 h', 'fired', NULL, %(failed)s, 1),
       (%(id)s, now() - interval '3 h', 'skipped', 'missed', NULL, 7),
       (%(id)s, now() - interval '4 h', 'skipped', 'overlap', NULL, 1)
"""
DEFINITION = """
INSERT INTO task_definition (name, task, description, kwargs, created_by)
VALUES (%s, 'tasks.demo.echo', 'Says a <i>word</i>', '{"value": 1}', 'admin@example.com') RETURNING id
"""


def a_schedule(name: str = "nightly <b>report</b>", **fields: Any) -> int:
    """The id of a new schedule that people edited, with a history."""
    values = {"name": name, "disabled_at": None, "by": None, "reason": None} | fields
    id_ = int(ask(SCHEDULE, values)[0][0])
    done, failed = a_job(State.COMPLETED), a_failed_job()
    ask(FIRES, {"id": id_, "done": str(done), "failed": str(failed)})
    return id_


def a_definition(name: str = "say <b>it</b>") -> int:
    """The id of a new definition."""
    return int(ask(DEFINITION, (name,))[0][0])


def state_of(job_id: uuid.UUID) -> str | None:
    """The state that the row of this job has; None when it is gone."""
    rows = ask("SELECT state FROM job WHERE id = %s", (str(job_id),))
    return str(rows[0][0]) if rows else None


def jobs() -> list[dict[str, Any]]:
    """Every job: task, args, kwargs, its options, state, created_by, delay_s."""
    rows = ask(
        "SELECT row_to_json(one) FROM (SELECT id, task, args, kwargs, queue, priority, max_retries,"
        " retry_delay_cap_s, state, created_by,"
        " extract(epoch FROM run_at - created_at) AS delay_s FROM job) AS one"
    )
    return [row[0] for row in rows]
