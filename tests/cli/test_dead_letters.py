"""`flask queue failed | failed-show | retry | flush`."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.cli.conftest import Flask_
from tests.dashboard.rows import a_failed_job, a_job, a_letter, ask, state_of


def test_open_dead_letters_are_listed_newest_first(flask: Flask_) -> None:
    letters = [a_letter() for _ in range(3)]
    ask("UPDATE dead_letter SET resolved_at = now() WHERE id = %s", (letters[1],))

    def listed(*words: str) -> list[int]:
        return [row["id"] for row in json.loads(flask("queue", "failed", "--json", *words).out)]

    assert listed() == [letters[2], letters[0]]
    assert listed("--limit", "1") == [letters[2]]
    assert listed("--all") == letters[::-1]
    assert listed("--queue", "emails") == []


def test_the_list_tells_that_there_are_more_or_none(flask: Flask_) -> None:
    assert flask("queue", "failed").out == "There is no dead letter.\n"
    letters = [a_letter(), a_letter()]

    answer = flask("queue", "failed", "--limit", "1")

    assert "LastError: the last message" in answer.out
    assert f" {letters[1]} " in answer.out
    assert answer.out.endswith("There are more; --limit shows them.\n")


def test_a_dead_letter_is_shown_by_its_number_and_by_its_job(flask: Flask_) -> None:
    job = a_failed_job()
    letter = a_letter(job)

    for name in (str(letter), str(job)):
        shown = flask("queue", "failed-show", name).out
        for text in (
            "LastError: the last message",
            "Traceback: last",
            "Traceback: first",
            str(job),
        ):
            assert text in shown
        case = json.loads(flask("queue", "failed-show", name, "--json").out)
        assert (case["id"], case["first_error_class"]) == (letter, "FirstError")
        assert [entry["outcome"] for entry in case["attempts"]] == ["retrying", "failed"]


def test_an_error_cannot_steer_the_terminal(flask: Flask_) -> None:
    letter = a_letter()
    ask("UPDATE dead_letter SET error_message = %s", ("\x1b[2J[red]list[0]",))

    for words in (["failed"], ["failed-show", str(letter)]):
        answer = flask("queue", *words)
        assert "\x1b[2J" not in answer.out
        assert r"\x1b[2J[red]list[0]" in answer.out


def test_dead_letters_and_jobs_are_retried(flask: Flask_) -> None:
    letter, job = a_letter(), a_job("cancelled")

    answer = flask("queue", "retry", str(letter), str(job))

    assert (answer.code, answer.out) == (0, "2 jobs are queued again.\n")
    assert state_of(job) == "queued"
    assert ask("SELECT reprocessed_by LIKE 'cli:%' FROM dead_letter") == [(True,)]


def test_what_cannot_be_retried_is_told_and_the_rest_is_done(flask: Flask_) -> None:
    letter, running = a_letter(), a_job("running")

    answer = flask("queue", "retry", str(running), str(letter), "999", "--json")

    assert answer.code == 1
    assert json.loads(answer.out)["ids"] == [letter]
    assert answer.err == (
        f"No dead letter 999 exists.\nJob {running} cannot be retried: it is running.\n"
    )


def test_all_open_dead_letters_are_retried(flask: Flask_) -> None:
    for _ in range(3):
        a_letter()

    assert flask("queue", "retry", "all", "--queue", "emails").out == "0 jobs are queued again.\n"
    assert flask("queue", "retry", "all").out == "3 jobs are queued again.\n"
    assert ask("SELECT DISTINCT state FROM job") == [("queued",)]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["failed-show", "999"], 1, "No dead letter 999 exists."),
        (["failed-show", "9" * 30], 1, f"No dead letter {'9' * 30} exists."),
        (["failed-show", str(uuid.UUID(int=1))], 1, f"No job {uuid.UUID(int=1)} exists."),
        (["failed-show", "all"], 2, "'all' is neither a dead letter's number nor a job's id."),
        (["retry", "x1"], 2, "'x1' is neither a dead letter's number nor a job's id."),
        (["retry", "all", "1"], 2, "'all' is neither a dead letter's number nor a job's id."),
        (["retry", "--all", "1"], 2, "Name ids, or say --all with a filter; not both."),
        (
            ["retry", "1", "--queue", "default"],
            2,
            "Name ids, or say --all with a filter; not both.",
        ),
        (["retry", "all", "--queue", "nowhere"], 2, "There is no queue 'nowhere'."),
        (["clear", "nowhere"], 2, "There is no queue 'nowhere'."),
    ],
)
def test_what_is_not_there_is_refused(
    flask: Flask_, words: list[str], code: int, sentence: str
) -> None:
    answer = flask("queue", *words)

    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith(sentence)
    assert answer.err.count("\n") == 1


def test_a_job_without_a_dead_letter_says_what_it_is(flask: Flask_) -> None:
    job = a_job()

    answer = flask("queue", "failed-show", str(job))

    assert (answer.code, answer.err) == (1, f"Job {job} has no dead letter: it is queued.\n")


def test_flush_asks_first(flask: Flask_) -> None:
    a_letter()

    refused = flask("queue", "flush", stdin="n\n")

    assert (refused.code, ask("SELECT resolved_at FROM dead_letter")) == (1, [(None,)])
    assert flask("queue", "flush", stdin="y\n").out.endswith("1 dead letter was resolved.\n")
    assert json.loads(flask("queue", "flush", "--yes", "--json").out)["resolved"] == 0
