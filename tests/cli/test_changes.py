"""`flask jobs promote | reschedule | priority | move | edit | duplicate | cancel`."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.cli.conftest import Flask_
from tests.dashboard.rows import a_job, ask, state_of

WRONG = (
    ("promote", "nonsense"),
    ("reschedule", "{job}"),
    ("reschedule", "{job}", "--at", "2027-01-31", "--in", "1h"),
    ("reschedule", "{job}", "--at", "tomorrow"),
    ("reschedule", "{job}", "--in", ""),
    ("reschedule", "{job}", "--in", "1w"),
    ("priority", "{job}", "--to", "99999999999"),
    ("priority", "{job}", "--to", "high"),
    ("priority", "{job}"),
    ("move", "{job}", "--to", "nonsense"),
    ("edit", "{job}"),
    ("edit", "{job}", "--args", "{{}}"),
    ("edit", "{job}", "--kwargs", "[1"),
    ("cancel",),
)


def value_of(job: object, column: str) -> object:
    return ask(f"SELECT {column} FROM job WHERE id = %s", (str(job),))[0][0]


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_meant_changes_nothing(flask: Flask_, words: tuple[str, ...]) -> None:
    job = a_job("scheduled")
    before = ask("SELECT * FROM job")

    answer = flask("jobs", *(word.format(job=job) for word in words))

    assert answer.code == 2
    assert answer.err
    assert "Traceback" not in answer.err
    assert ask("SELECT * FROM job") == before


def test_a_promoted_job_is_queued(flask: Flask_) -> None:
    job = a_job("scheduled", task="nowhere.at_all")

    assert flask("jobs", "promote", str(job)).out == "1 job is queued now.\n"
    assert value_of(job, "run_at") is None


def test_a_refusal_is_told_beside_what_was_done(flask: Flask_) -> None:
    waiting, over = a_job("scheduled"), a_job("completed")

    answer = flask("jobs", "cancel", str(waiting), str(over), "--json")

    told = json.loads(answer.out)
    assert (answer.code, told["done"]) == (1, [str(waiting)])
    assert told["refused"][str(over)].startswith(f"Job {over} cannot be cancelled: it completed")
    assert told["refused"][str(over)] in answer.err
    assert state_of(waiting) == "cancelled"


def test_a_job_is_rescheduled_for_a_moment_or_after_a_while(flask: Flask_) -> None:
    job = a_job("scheduled")

    assert flask("jobs", "reschedule", str(job), "--at", "2031-01-31T08:00+03:00").code == 0
    assert value_of(job, "run_at") == datetime(2031, 1, 31, 5, tzinfo=UTC)
    assert flask("jobs", "reschedule", str(job), "--in", "1d1h30m").code == 0
    assert value_of(job, "round(extract(epoch FROM run_at - now()) / 60)") == 25 * 60 + 30


def test_a_waiting_job_gets_another_priority_and_queue(flask: Flask_) -> None:
    job = a_job("scheduled")

    assert flask("jobs", "priority", str(job), "--to", "-3").code == 0
    assert flask("jobs", "move", str(job), "--to", "default").out == "1 job was moved.\n"
    assert value_of(job, "priority") == -3


def test_a_job_is_edited_and_duplicated(flask: Flask_) -> None:
    job = a_job("scheduled")

    assert flask("jobs", "edit", str(job), "--args", "[1]", "--kwargs", "{}").code == 0
    answer = flask("jobs", "duplicate", str(job), "--json")

    copy = json.loads(answer.out)["made"][str(job)]
    assert (value_of(job, "args"), value_of(copy, "args")) == ([1], [1])


def test_arguments_that_the_task_does_not_take_are_refused(flask: Flask_) -> None:
    job = a_job("scheduled", task="tasks.demo.sleep")

    answer = flask("jobs", "edit", str(job), "--kwargs", '{"nonsense": 1}')

    assert answer.code == 2
    assert "cannot be called so" in answer.err
