"""The tables of verbs: each has a right, words, a page, a command and an audit name, and takes its states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import click
import pytest
from flask import Flask
from flask_babel import force_locale

from dashboard.actions import catalog, direct
from dashboard.actions.audit_labels import VERBS
from dashboard.auth import access
from dashboard.auth.accounts import RANKS
from mahaam import verb_table, verbs
from mahaam.core.errors import OptionNotValid
from mahaam.jobs.states import State
from mahaam.operations import lifecycle
from mahaam.search.job_filter import JobFilter
from mahaam.verb_table import TABLE, VerbRow
from tests.dashboard.rows import (
    a_channel,
    a_job,
    a_letter,
    a_rule,
    a_schedule,
    an_alert,
    an_error_group,
    ask,
)

ROWS = list(TABLE.values())
NAMES = [f"{row.kind} {row.name}" for row in ROWS]
LOOKS: dict[tuple[str, str], Any] = {
    **{(action.kind, action.name): action for action in direct.ALL},
    **{(verbs.ACTS[action.verb].kind, action.verb): action for action in catalog.ALL.values()},
}
GROUPS = {"job": "jobs", "dead_letter": "queue"}
PAGES = {"job": "job.index", "dead_letter": "deadletterqueue.index"}
INPUTS: dict[tuple[str, str], dict[str, Any]] = {
    ("job", "set_priority"): {"priority": 7},
    ("job", "move"): {"queue": "default"},
    ("job", "reschedule"): {"delay_s": 60},
    ("dead_letter", "annotate"): {"note": "seen"},
    ("worker", "resize"): {"greenlets": 8},
    ("alert", "silence"): {"minutes": 30},
}
WORKER = """
INSERT INTO worker (id, host, pid, version, queues, greenlets, state, lease_until, stopped_at)
VALUES (%(id)s, 'h', 42, '1', '{}', 4, %(state)s, now() + interval '1 hour',
        CASE WHEN %(state)s = 'stopped' THEN now() - interval '185 s' END)
"""


def a_letter_of(state: str) -> int:
    return a_letter(a_job(state))


def a_worker(state: str) -> UUID:
    id_ = uuid4()
    ask(WORKER, {"id": str(id_), "state": state})
    return id_


def a_schedule_that_is(state: str) -> int:
    id_ = a_schedule(uuid4().hex)
    if state == "disabled":
        ask("UPDATE schedule SET disabled_at = now(), disabled_by = 'b' WHERE id = %s", (id_,))
    if state != "edited":
        ask("UPDATE schedule SET edited_at = NULL WHERE id = %s", (id_,))
    return id_


def a_group(state: str) -> int:
    ask("DELETE FROM error_group")
    id_ = an_error_group()
    if state != "open":
        ask(f"UPDATE error_group SET {state}_at = now(), {state}_by = 'b' WHERE id = %s", (id_,))
    return id_


def an_alert_that_is(state: str) -> int:
    name = uuid4().hex
    id_ = an_alert(a_rule(a_channel(name), name))
    ask("UPDATE alert SET acknowledged_at = NULL, acknowledged_by = NULL WHERE id = %s", (id_,))
    if state != "open":
        ask(f"UPDATE alert SET {state}_at = now(), {state}_by = 'b' WHERE id = %s", (id_,))
    return id_


def a_queue_that_is(state: str) -> str:
    _pause(verb_table.of_kind("queue"), "default", state)
    return "default"


def a_task_that_is(state: str) -> str:
    _pause(verb_table.of_kind("task"), "tasks.demo.echo", state)
    return "tasks.demo.echo"


def _pause(rows: dict[str, VerbRow], name: str, state: str) -> None:
    verb = {"paused": "pause", "open": "resume"}[state]
    rows[verb].run([name], by="before")


def an_operation_that_is(state: str) -> int:
    ask("DELETE FROM operation")
    job = a_job("queued")
    if state == "finished":
        return verbs.apply("cancel", [job], by="before").operation_id or 0
    for _ in range(2):
        a_job("queued", queue="emails")
    id_ = verbs.start(
        verbs.OperationRequest("cancel", "before"), JobFilter(queue="emails", state="queued")
    )
    if state == "aborted":  # after its first chunk
        lifecycle.work_on_next(chunk=1)
        verbs.abort(id_, by="before")
    return id_


# By kind: how to make one in a state, and the states that there are.
MAKE: dict[str, tuple[Callable[[str], Any], tuple[str, ...]]] = {
    "job": (a_job, tuple(State)),
    "dead_letter": (a_letter_of, tuple(State)),
    "queue": (a_queue_that_is, ("open", "paused")),
    "task": (a_task_that_is, ("open", "paused")),
    "operation": (an_operation_that_is, ("waiting", "finished", "aborted")),
    "worker": (a_worker, ("running", "quiet", "stopped")),
    "schedule": (a_schedule_that_is, ("active", "disabled", "edited")),
    "error_group": (a_group, ("open", "ignored", "resolved")),
    "alert": (an_alert_that_is, ("open", "acknowledged", "closed")),
}


@pytest.fixture(autouse=True)
def _application(app: Flask) -> Any:
    with app.app_context():
        yield
    ask("DELETE FROM operation; DELETE FROM task_pause; UPDATE queue SET paused_at = NULL")
    ask("DELETE FROM worker WHERE host = 'h'; DELETE FROM schedule; DELETE FROM alert_rule")


def test_each_verb_of_the_engine_has_its_looks_in_the_console_and_no_other_has() -> None:
    assert LOOKS.keys() == TABLE.keys()


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_a_verb_has_a_right_that_roles_are_measured_by(row: VerbRow) -> None:
    assert row.role in RANKS
    assert access.NEEDED[row.needs] == row.role


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_a_verb_has_words_in_three_languages(app: Flask, row: VerbRow) -> None:
    looks = LOOKS[row.kind, row.name]
    with app.test_request_context():
        for count in (1, 2):
            english = _said("en", looks, row, count)
            for language in ("ar", "fa"):
                for ours, theirs in zip(english, _said(language, looks, row, count), strict=True):
                    assert ours, row
                    assert theirs != ours, (language, ours)


def _said(language: str, looks: Any, row: VerbRow, count: int) -> list[str]:
    with force_locale(language):
        words = [str(looks.label), looks.done(count), str(VERBS[row.audited_as])]
        question = looks.question
        if callable(question):
            words.append(question(count, str(count)))
        elif question:
            words.append(str(question))
        return words


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_a_verb_has_a_page_and_a_command(app: Flask, row: VerbRow) -> None:
    looks = LOOKS[row.kind, row.name]
    page = PAGES.get(row.kind) or looks.page
    words = [GROUPS[row.kind], looks.command] if row.kind in GROUPS else looks.command.split()

    assert page in {rule.endpoint for rule in app.url_map.iter_rules()}
    group = app.cli.commands[words[0]]
    assert isinstance(group, click.Group)
    command = group.commands[words[1]]
    flags = {option.name for option in command.params}
    if row.kind not in ("queue", "task") and row.name != "resize":
        assert {one.name for one in row.inputs} <= flags
    assert looks.help
    assert command.help


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_what_a_verb_does_not_take_is_refused(row: VerbRow) -> None:
    with pytest.raises(OptionNotValid, match="It takes no nonsense"):
        row.check({"nonsense": 1})
    for one in row.inputs:
        assert one.help
        assert one.type in ("integer", "seconds", "moment", "queue", "text")


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_a_verb_takes_its_states_and_says_why_it_refuses_each_other(row: VerbRow) -> None:
    make, states = MAKE[row.kind]
    for state in states:
        id_ = make(state)
        before = _newest_event()

        result = row.run([id_], by="ann", **INPUTS.get((row.kind, row.name), {}))

        is_taken = not row.states or state in row.states
        assert (id_ in result.done) is is_taken, (state, result)
        if is_taken:
            sql = "SELECT verb, actor FROM audit_event WHERE id > %s AND kind = %s"
            assert ask(sql, (before, row.kind)) == [(row.audited_as, "ann")]
        else:
            assert str(result.refused[id_]).endswith("."), state
            assert _newest_event() == before


def _newest_event() -> int:
    return int(ask("SELECT coalesce(max(id), 0) FROM audit_event")[0][0])


def test_kinds_of_the_table_are_told_apart() -> None:
    assert {row.kind for row in ROWS} == {
        "job", "dead_letter", "queue", "task", "worker", "schedule", "error_group", "alert", "operation",
    }  # fmt: skip
    assert verb_table.of_kind("worker").keys() == {"quiet", "wake", "resize", "stop"}
