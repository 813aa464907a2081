"""What `flask jobs VERB` and `flask queue VERB` do to what is named, and to all that match."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.cli.conftest import Flask_
from tests.dashboard.rows import a_job, a_letter, ask, state_of

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


# A verb of jobs, the state that it takes, its inputs, and what the page says when it is done.
EVERY: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("retry", "failed", (), "1 job was queued again."),
    ("cancel", "queued", (), "1 job was cancelled."),
    ("stop", "running", (), "1 job was asked to stop."),
    ("promote", "scheduled", (), "1 job is queued now."),
    ("priority", "queued", ("--to", "7"), "1 job has another priority."),
    ("move", "queued", ("--to", "default"), "1 job was moved."),
    ("reschedule", "queued", ("--in", "1h"), "1 job was rescheduled."),
    ("fail", "completed", (), "1 job was turned into a failed one; its dead letter is there."),
    ("clean", "completed", (), "1 job was removed."),
)


@pytest.mark.parametrize(("verb", "state", "inputs", "sentence"), EVERY)
def test_a_verb_is_an_operation_for_one_job_as_for_all_that_match(
    flask: Flask_, verb: str, state: str, inputs: tuple[str, ...], sentence: str
) -> None:
    for words in (["{job}"], ["--all", "--yes", "--state", state]):
        ask("DELETE FROM operation; DELETE FROM job")
        job = a_job(state)

        named = [word.format(job=job) for word in words]
        answer = flask("jobs", verb, *named, *inputs, "--reason", "a drill")

        assert (answer.code, answer.err, answer.out) == (0, "", f"{sentence}\n")
        kept = "SELECT state, done, refused, reason, created_by LIKE 'cli:%' FROM operation"
        assert ask(kept) == [("finished", 1, 0, "a drill", True)]


def test_what_a_command_did_is_undone(flask: Flask_) -> None:
    jobs = [a_job("queued", queue="emails") for _ in range(3)]

    done = flask("jobs", "move", "--all", "--queue", "emails", "--to", "default", "--yes", "--json")
    made = json.loads(done.out)["operation"]

    assert [value_of(job, "queue") for job in jobs] == ["default"] * 3
    assert flask("operations", "undo", str(made)).code == 0
    assert [value_of(job, "queue") for job in jobs] == ["emails"] * 3


def test_dead_letters_are_assigned_annotated_and_resolved(flask: Flask_) -> None:
    letter, other = str(a_letter()), str(a_letter())

    assigned = flask("queue", "assign", "--all", "--yes", "--to", "bob@example.com")
    noted = flask("queue", "annotate", letter, "--note", "seen")
    resolved = flask("queue", "resolve", letter, "--note", "known")
    told = flask("queue", "notify", other)

    assert assigned.out == "2 dead letters have another owner.\n"
    assert noted.out == "1 dead letter has a new note.\n"
    assert resolved.out == "1 dead letter was resolved.\n"
    assert told.code == 0
    assert ask("SELECT resolution_note FROM dead_letter ORDER BY id") == [("known",), (None,)]
    assert flask("queue", "annotate", letter).code == 2


def test_a_flush_takes_the_filter_of_the_page_and_is_undone(flask: Flask_) -> None:
    here, there = a_letter(), a_letter()
    ask("UPDATE dead_letter SET owner = 'bob' WHERE id = %s", (here,))

    told = json.loads(flask("queue", "flush", "--owner", "bob", "--yes", "--json").out)

    marks = "SELECT id FROM dead_letter WHERE resolved_at IS NOT NULL"
    assert (told["resolved"], ask(marks)) == (1, [(here,)])
    assert there != here
    assert flask("operations", "undo", str(told["operation"])).code == 0
    assert ask(marks) == []
