"""Every kind of rule: when it fires, when it does not, what it would have found, what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest

from mahaam import verbs
from mahaam.alerts import evaluate, rules, store
from mahaam.alerts.rule_types import KINDS
from mahaam.alerts.rule_types.rule_type import Probes, firings
from mahaam.alerts.rules import would_have_fired
from mahaam.core.field import FieldNotValid
from tests.factory import Sql
from tests.mahaam import rows
from tests.mahaam.alerts.conftest import alerts, look, open_subjects
from tests.mahaam.stage import Stage

Given = Callable[[Stage], None]


def sql(statement: str, *values: Any) -> Given:
    """Something that a rule may find."""
    return lambda stage: stage.ask(statement, *values) and None


def row(table: str, **fields: Any) -> Given:
    """A row that a rule may find."""
    return lambda stage: stage.add(table, **fields) and None


def a_letter(fingerprint: str = "f", task: str = "t", queue: str = "default") -> Given:
    def given(stage: Stage) -> None:
        job = rows.a_job(stage, "failed", attempt="1")
        names = {"task": task, "queue": queue, "fingerprint": fingerprint}
        letter = stage.add("dead_letter", of=job, **names)
        stage.add("failure", dead_letter_id=letter, **names)

    return given


def both(*given: Given) -> Given:
    return lambda stage: [one(stage) for one in given] and None


def minute(ago: int = 1, completed: int = 0, failed: int = 0, task: str = "t") -> Given:
    then = Sql(f"date_trunc('minute', now()) - {ago} * interval '1 minute'")
    return row("job_minute", minute=then, task=task, completed=completed, failed=failed)


def waiting(seconds: int, queue: str = "default") -> Given:
    def given(stage: Stage) -> None:
        job = rows.a_job(stage, "queued", queue=f"'{queue}'")
        stage.ask(
            "UPDATE job SET queued_at = now() - %s * interval '1 s' WHERE id = %s", seconds, job
        )

    return given


def running(seconds: int) -> Given:
    def given(stage: Stage) -> None:
        job = rows.a_job(stage, "running", attempt="1")
        stage.ask(
            "UPDATE job SET started_at = now() - %s * interval '1 s' WHERE id = %s", seconds, job
        )

    return given


RUNS = sql(
    "INSERT INTO job_period (length_s, starts_at, queue, task, completed, runs, run_counts) SELECT 3600,"
    " date_trunc('hour', now()), '', task, 100, '{40}', '{100}' FROM (SELECT DISTINCT task FROM job) AS t"
)  # bucket 40: a second
SCHEDULE = (
    "INSERT INTO schedule (name, task, kind, every_s, next_run_at, created_by{more}) VALUES"
    " ('s', 't', 'interval', 60, now() - %s * interval '1 s', 'x'{values})"
)
BROKEN = SCHEDULE.format(more=", broken, broken_at", values=", '{}', now()")
DISABLED = SCHEDULE.format(more=", disabled_at, disabled_by", values=", now(), 'x'")
LOST = (
    "INSERT INTO worker (id, host, pid, version, queues, greenlets, lease_until, state, stopped_at) VALUES"
    " (gen_random_uuid(), 'h', 1, '1', '{}', 4, now(), %s, now() - %s * interval '1 minute')"
)
DEPTH = (
    "INSERT INTO queue_depth VALUES (date_trunc('minute', now()) - %s * interval '1 minute',"
    " 'default', %s)"
)
INCIDENT = "INSERT INTO incident (kind, happened_at) VALUES (%s, now() - %s * interval '1 minute')"

OLD_CAUSE = row(
    "error_group", fingerprint="f", tasks=["t"], queues=["default"],
    first_seen_at=Sql("now() - interval '2 hours'"),
)  # fmt: skip

# kind, parameters, what is there, whether it fires
FIRES: list[tuple[str, dict[str, Any], Given, bool]] = [
    ("job_failed", {}, a_letter(), True),
    ("job_failed", {"task": "t"}, a_letter(), True),
    ("job_failed", {"task": "other"}, a_letter(), False),
    ("job_failed", {"queue": "emails"}, a_letter(), False),
    ("job_failed", {}, sql("SELECT 1"), False),
    ("job_failed", {}, both(a_letter(), sql("UPDATE dead_letter SET resolved_at = now()")), False),
    ("job_failed", {}, both(a_letter(), sql("UPDATE dead_letter SET reprocessed_at = now()")), False),
    ("failure_rate", {"percent": 20}, minute(completed=40, failed=10), True),
    ("failure_rate", {"percent": 21}, minute(completed=40, failed=10), False),
    ("failure_rate", {"at_least": 51}, minute(completed=40, failed=10), False),
    ("failure_rate", {"minutes": 15}, minute(ago=20, failed=50), False),
    ("failure_rate", {"name": "u"}, minute(failed=50), False),
    ("failure_rate", {"of": "queue", "name": "default"}, minute(failed=50), True),
    ("failure_rate", {"percent": 1}, minute(completed=50), False),
    ("queue_latency", {"seconds": 300}, waiting(310), True),
    ("queue_latency", {"seconds": 300}, waiting(290), False),
    ("queue_latency", {"seconds": 300, "queue": "emails"}, waiting(310), False),
    (
        "queue_latency", {"seconds": 300},
        both(waiting(310), sql("UPDATE queue SET paused_at = now(), paused_by = 'x'")), False,
    ),
    ("backlog_growth", {"waiting": 100, "minutes": 30}, sql(DEPTH, 31, 1000), True),
    ("backlog_growth", {"waiting": 100, "minutes": 30}, sql(DEPTH, 31, 1400), False),
    ("backlog_growth", {"waiting": 3000, "minutes": 30}, sql(DEPTH, 31, 1000), False),
    ("backlog_growth", {"waiting": 100, "minutes": 30}, sql(DEPTH, 29, 1000), False),
    ("job_stuck", {"minutes": 60}, running(3700), True),
    ("job_stuck", {"minutes": 60}, running(3500), False),
    ("job_stuck", {"minutes": 60, "times": 100}, both(running(200), RUNS), True),
    ("job_stuck", {"minutes": 60, "times": 400}, both(running(200), RUNS), False),
    ("job_stuck", {"minutes": 60, "times": 10}, both(running(50), RUNS), False),
    ("job_stuck", {"minutes": 60, "times": 10}, running(200), False),  # nothing is known of its like
    ("job_stuck", {"minutes": 1, "task": "other"}, running(200), False),
    ("schedule_overdue", {}, sql(SCHEDULE.format(more="", values=""), 310), True),
    ("schedule_overdue", {}, sql(SCHEDULE.format(more="", values=""), 290), False),
    ("schedule_overdue", {}, sql(BROKEN, 0), True),
    ("schedule_overdue", {}, sql(DISABLED, 1000), False),
    ("worker_lost", {"minutes": 10}, sql(LOST, "lost", 5), True),
    ("worker_lost", {"minutes": 10}, sql(LOST, "lost", 15), False),
    ("worker_lost", {"minutes": 10}, sql(LOST, "stopped", 5), False),
    ("dead_letters", {"count": 10}, minute(failed=10), True),
    ("dead_letters", {"count": 11}, minute(failed=10), False),
    ("dead_letters", {"count": 10, "minutes": 10}, minute(ago=11, failed=10), False),
    ("dead_letters", {"count": 10, "task": "u"}, minute(failed=10), False),
    ("new_error", {"minutes": 60}, a_letter(), True),
    ("new_error", {"task": "other"}, a_letter(), False),
    ("new_error", {"minutes": 60}, both(a_letter(), OLD_CAUSE), False),
    ("success_missing", {"task": "t", "minutes": 60}, minute(ago=61, completed=1), True),
    ("success_missing", {"task": "t", "minutes": 60}, minute(ago=59, completed=1), False),
    ("success_missing", {"task": "t", "minutes": 60}, minute(ago=1, failed=1), True),
    ("redis_memory_lost", {"minutes": 15}, sql(INCIDENT, "redis_memory_lost", 10), True),
    ("redis_memory_lost", {"minutes": 15}, sql(INCIDENT, "redis_memory_lost", 20), False),
    ("redis_memory_lost", {"minutes": 15}, sql(INCIDENT, "other", 10), False),
    ("failed_over", {}, sql(INCIDENT, "failed_over", 10), True),
    ("failed_over", {"minutes": 15}, sql(INCIDENT, "failed_over", 20), False),
    ("failed_over", {}, sql(INCIDENT, "job_missing", 10), False),
    ("storage", {"percent": 90}, sql("SELECT 1"), True),
    ("storage", {"percent": 96}, sql("SELECT 1"), False),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _world(monkeypatch: pytest.MonkeyPatch) -> None:
    """The world outside PostgreSQL, as it is told here."""
    monkeypatch.setattr(evaluate, "world", lambda _cursor: Probes(50.0, 95.0, {"default": 2000}))


def a_rule(kind: str, parameters: dict[str, Any], **more: Any) -> int:
    given = {"name": f"a rule {kind}", "kind": kind, "parameters": parameters} | more
    return rules.create_rule(given, by="ann")


@pytest.mark.parametrize(("kind", "parameters", "given", "fires"), FIRES)
def test_a_rule_fires_when_it_should(
    quiet: Stage, kind: str, parameters: dict[str, Any], given: Given, fires: bool
) -> None:
    given(quiet)
    id_ = a_rule(kind, parameters)
    quiet.ask("UPDATE alert_rule SET changed_at = now() - interval '10 days' WHERE id = %s", id_)
    look(quiet)
    assert bool(open_subjects(quiet)) is fires, quiet.ask("SELECT fault FROM alert_rule")
    assert quiet.ask("SELECT fault FROM alert_rule") == [{"fault": None}]


def test_every_kind_has_both_rows_in_the_table() -> None:
    for fires in (True, False):
        assert {kind for kind, _parameters, _given, is_so in FIRES if is_so is fires} == set(KINDS)


def test_a_cause_is_one_alert_that_closes_itself(quiet: Stage) -> None:
    for _ in range(20):
        a_letter()(quiet)
    a_rule("job_failed", {})
    for _ in range(3):
        look(quiet)
    (alert,) = alerts(quiet)
    assert alert["closed_at"] is None
    quiet.ask("UPDATE dead_letter SET resolved_at = now()")
    look(quiet)
    (alert,) = alerts(quiet)
    assert (alert["closed_by"], alert["gone_at"]) == (None, alert["closed_at"])
    a_letter()(quiet)
    look(quiet)
    assert len(alerts(quiet)) == 2


def test_what_is_closed_by_hand_opens_again_only_when_it_gets_worse(quiet: Stage) -> None:
    from mahaam.alerts.verbs import resolve_alerts

    a_letter()(quiet)
    a_rule("job_failed", {})
    look(quiet)
    (alert,) = alerts(quiet)
    assert resolve_alerts([alert["id"]], by="ann").done == (alert["id"],)
    look(quiet)
    assert (open_subjects(quiet), len(alerts(quiet))) == ([], 1)
    a_letter()(quiet)
    look(quiet)
    assert len(open_subjects(quiet)) == 1
    assert len(alerts(quiet)) == 2


def test_an_ignored_cause_makes_no_alert(quiet: Stage) -> None:
    a_letter()(quiet)
    a_rule("job_failed", {})
    look(quiet)
    (group,) = quiet.ask("SELECT id FROM error_group")
    verbs.ignore_groups([group["id"]], by="ann")
    look(quiet)
    assert open_subjects(quiet) == []


def test_a_rule_that_is_switched_off_closes_what_it_found(quiet: Stage) -> None:
    a_letter()(quiet)
    id_ = a_rule("job_failed", {})
    look(quiet)
    rules.edit_rule(id_, {"is_enabled": False}, by="ann")
    look(quiet)
    assert open_subjects(quiet) == []


def test_a_rule_that_cannot_be_looked_at_keeps_no_other_from_it(
    quiet: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_letter()(quiet)
    broken, gone = a_rule("storage", {}, name="a"), a_rule("storage", {}, name="b")
    a_rule("job_failed", {}, name="c")
    quiet.ask("UPDATE alert_rule SET kind = 'no such kind' WHERE id = %s", gone)

    def fall(cursor: Any, _look: Any) -> Any:
        cursor.execute("SELECT nonsense")

    with monkeypatch.context() as patch:
        patch.setitem(KINDS, "storage", replace(KINDS["storage"], look=fall))
        look(quiet)
    faults = {
        row["id"]: row["fault"]
        for row in quiet.ask("SELECT id, fault FROM alert_rule")
        if row["fault"]
    }
    assert set(faults) == {broken, gone}
    assert psycopg2.errors.UndefinedColumn.__name__ in faults[broken]
    assert open_subjects(quiet) != []


def test_more_causes_than_anybody_reads_are_one_alert(
    quiet: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "MOST_FINDINGS", 3)
    for number in range(4):
        a_letter(f"f{number}")(quiet)
    a_rule("job_failed", {})
    look(quiet)
    assert open_subjects(quiet) == ["many"]


def test_one_consumer_looks_every_fifteen_seconds(quiet: Stage) -> None:
    look(quiet)
    assert not evaluate.watch()
    quiet.ask("UPDATE alert_pass SET ended_at = now() - %s * interval '1 s'", store.EVERY_S - 1)
    assert not evaluate.watch()
    quiet.ask("UPDATE alert_pass SET ended_at = now() - %s * interval '1 s'", store.EVERY_S)
    assert evaluate.watch()


# kind, parameters, the moments of the past, how often it would have fired
PERIOD = (
    "INSERT INTO job_period (length_s, starts_at, queue, task, completed, failed, crashed, oldest_s, runs,"
    " run_counts) SELECT 600, date_bin('10 min', now(), 'epoch') - ago * interval '1 hour', '{queue}',"
    " '{task}', {completed}, {failed}, {crashed}, {oldest}, '{{{bucket}}}', '{{1}}'"
    " FROM unnest(ARRAY{hours}) AS ago"
)


def periods(hours: list[float], queue: str = "", task: str = "", **counts: Any) -> Given:
    values = {"completed": 0, "failed": 0, "crashed": 0, "oldest": "NULL", "bucket": 1} | counts
    return sql(PERIOD.format(queue=queue, task=task, hours=hours, **values))


DAILY = {"task": "t", "minutes": 1440}
PAST: list[tuple[str, dict[str, Any], Given, int | None]] = [
    ("failure_rate", {}, periods([1, 2, 50], task="t", failed=50), 3),
    ("failure_rate", {}, periods([1, 200], task="t", failed=50), 1),
    ("failure_rate", {}, periods([1, 2], task="t", completed=50), 0),
    ("queue_latency", {}, periods([3, 30], queue="default", oldest=400), 2),
    ("queue_latency", {}, periods([3, 30], queue="default", oldest=200), 0),
    ("job_stuck", {}, periods([5], task="t", bucket=100), 1),
    ("job_stuck", {}, periods([5], task="t", bucket=40), 0),
    ("worker_lost", {}, periods([5, 9], crashed=1), 2),
    ("dead_letters", {"count": 40}, periods([5, 9], failed=50), 2),
    ("dead_letters", {"count": 60}, periods([5, 9], failed=50), 0),
    ("redis_memory_lost", {}, sql(INCIDENT, "redis_memory_lost", 100), 1),
    ("failed_over", {}, sql(INCIDENT, "failed_over", 100), 1),
    ("success_missing", DAILY, periods([*range(20, 168, 20)], task="t", completed=1), 0),
    ("success_missing", DAILY, periods([20, 40, 100, 120, 140, 160], task="t", completed=1), 1),
    ("job_failed", {}, sql("SELECT 1"), 0),
    ("new_error", {}, OLD_CAUSE, 1),
    ("schedule_overdue", {}, sql("SELECT 1"), 0),
    ("backlog_growth", {}, sql("SELECT 1"), 0),
    ("storage", {}, sql("SELECT 1"), None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "parameters", "given", "count"), PAST)
def test_a_rule_is_tried_on_the_last_seven_days(
    quiet: Stage, kind: str, parameters: dict[str, Any], given: Given, count: int | None
) -> None:
    given(quiet)
    assert would_have_fired(kind, parameters) == count


def test_every_kind_is_tried_in_the_table() -> None:
    assert {kind for kind, _parameters, _given, _count in PAST} == set(KINDS)


def test_moments_that_are_close_are_one_firing() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [("a", at + timedelta(minutes=10 * n)) for n in range(5)]
    later = [("a", at + timedelta(hours=5)), ("b", at)]
    assert firings([*later, *moments], timedelta(minutes=25)) == 3


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "x" * 201}),
        ("name", {"name": "a\nb"}),
        ("name", {"name": 5}),
        ("kind", {"kind": "nonsense"}),
        ("kind", {"kind": None}),
        ("severity", {"severity": "grave"}),
        ("cooldown_s", {"cooldown_s": -1}),
        ("cooldown_s", {"cooldown_s": "5"}),
        ("cooldown_s", {"cooldown_s": 10**9}),
        ("channels", {"channels": [10**6]}),
        ("channels", {"channels": ["x"]}),
        ("percent", {"kind": "failure_rate", "parameters": {"percent": 101}}),
        ("percent", {"kind": "failure_rate", "parameters": {"percent": "20"}}),
        ("of", {"kind": "failure_rate", "parameters": {"of": "worker"}}),
        ("minutes", {"kind": "failure_rate", "parameters": {"minutes": 10**20}}),
        ("task", {"kind": "job_failed", "parameters": {"task": "\x00"}}),
        ("task", {"kind": "success_missing", "parameters": {}}),
        ("nonsense", {"kind": "job_failed", "parameters": {"nonsense": 1}}),
        ("nonsense", {"nonsense": 1}),
    ],
)
def test_what_is_no_rule_is_refused_with_its_field(
    quiet: Stage, field: str, given: dict[str, Any]
) -> None:
    with pytest.raises(FieldNotValid) as refusal:
        rules.create_rule({"name": "r", "kind": "job_failed"} | given, by="ann")
    assert refusal.value.field == field


def test_rules_are_made_changed_deleted_and_that_is_audited(quiet: Stage) -> None:
    id_ = a_rule("job_failed", {})
    with pytest.raises(FieldNotValid, match="Another rule"):
        a_rule("job_failed", {})
    assert rules.edit_rule(id_, {"severity": "critical"}, by="ann")
    assert not rules.edit_rule(id_, {"severity": "critical"}, by="ann")
    rules.delete_rule(id_, by="ann")
    with pytest.raises(LookupError):
        rules.delete_rule(id_, by="ann")
    rows_ = quiet.ask(
        "SELECT verb FROM audit_event WHERE kind = 'alert_rule' ORDER BY id DESC LIMIT 3"
    )
    assert [row["verb"] for row in rows_] == ["delete", "edit", "create"]
