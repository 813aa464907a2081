"""`flask jobs create`: what is typed becomes a row, or one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flask_
from tests.dashboard.rows import a_job, ask, jobs


@pytest.mark.parametrize(
    ("words", "args", "kwargs"),
    [
        (["--args", '["hi"]'], ["hi"], {}),
        (["--args", '{"value": {"a": 1}}'], [], {"value": {"a": 1}}),
        (["--kwargs", '{"value": null}'], [], {"value": None}),
        (["--args", "[]", "--kwargs", '{"value": 2}'], [], {"value": 2}),
        ([], [], {}),
    ],
)
def test_arguments_reach_the_row(
    flask: Flask_, words: list[str], args: list[object], kwargs: dict[str, object]
) -> None:
    assert flask("jobs", "create", "tasks.demo.echo", *words).code == 0

    (job,) = jobs()
    assert (job["args"], job["kwargs"]) == (args, kwargs)


def test_options_reach_the_row(flask: Flask_) -> None:
    options = ["--priority", "-7", "--max-retries", "9", "--delay", "60", "--queue", "emails"]
    options += ["--retry-delay-cap", "30"]

    answer = flask("jobs", "create", "tasks.demo.echo", *options, "--json")

    (job,) = jobs()
    assert json.loads(answer.out) == {"id": job["id"], "state": "scheduled", "deduplicated": False}
    assert (job["priority"], job["max_retries"], job["queue"]) == (-7, 9, "emails")
    assert job["retry_delay_cap_s"] == 30
    assert job["delay_s"] == pytest.approx(60, abs=1)
    assert job["created_by"].startswith("cli:")


def test_running_jobs_are_asked_to_stop(flask: Flask_) -> None:
    running, queued = a_job("running"), a_job()

    answer = flask("jobs", "stop", str(running), str(queued))

    assert (answer.code, answer.out) == (1, "1 job was asked to stop.\n")
    assert answer.err == f"Job {queued} cannot be stopped: it is queued.\n"
    assert ask("SELECT id::text, cancel_requested_by LIKE 'cli:%%' FROM job WHERE id = %s",
               (str(running),)) == [(str(running), True)]  # fmt: skip
    again = json.loads(flask("jobs", "stop", str(running), "--json").out)
    assert again["done"] == []
    assert again["refused"][str(running)].endswith("it is stopping since 0 s.")
    assert flask("jobs", "stop", "4f2c").err == "'4f2c' is not a job's id.\n"


def test_a_second_job_with_a_live_key_is_not_made(flask: Flask_) -> None:
    words = ["jobs", "create", "tasks.demo.echo", "--delay", "60", "--dedupe-key", "k"]
    flask(*words)

    answer = flask(*words)

    (job,) = jobs()
    sentence = f"Job {job['id']}, which is scheduled, has this key; no second one was made.\n"
    assert (answer.code, answer.out) == (0, sentence)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["tasks.nothing"], "There is no task 'tasks.nothing'."),
        (["tasks.demo.echo", "--args", "[1"], "--args: This is not JSON: "),
        (["tasks.demo.echo", "--args", "[NaN]"], "--args: NaN is not a number that can be stored."),
        (
            ["tasks.demo.echo", "--args", "7"],
            "--args must be a list or an object in JSON; it is 7.",
        ),
        (["tasks.demo.echo", "--kwargs", "[]"], "--kwargs must be an object in JSON"),
        (["tasks.demo.echo", "--args", "{}", "--kwargs", "{}"], "--args is an object already"),
        (["tasks.demo.echo", "--args", "[1, 2]"], "tasks.demo.echo cannot be called so: "),
        (["tasks.demo.echo", "--args", '["\\u0000"]'], "Argument 1 contains a NUL character"),
        (["tasks.demo.echo", "--queue", "nowhere"], "There is no queue 'nowhere'."),
        (["tasks.demo.echo", "--delay", "nan"], "delay must be a number of seconds"),
        (["tasks.demo.echo", "--max-retries", "-1"], "max_retries must be a whole number"),
    ],
)
def test_bad_input_is_refused_with_one_sentence(
    flask: Flask_, words: list[str], sentence: str
) -> None:
    answer = flask("jobs", "create", *words)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(sentence)
    assert answer.err.count("\n") == 1
    assert jobs() == []


def test_each_line_of_a_file_becomes_a_job(flask: Flask_, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    calls.write_text('["hi"]\n\n{"value": 2}\n')

    answer = flask("jobs", "create-many", "tasks.demo.echo", str(calls), "--priority", "3")

    assert (answer.code, answer.out) == (0, "2 jobs were made.\n")
    assert [(job["args"], job["kwargs"], job["priority"]) for job in jobs()] == [
        (["hi"], {}, 3), ([], {"value": 2}, 3),
    ]  # fmt: skip


def test_one_bad_line_makes_no_job(flask: Flask_, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    calls.write_text('["hi"]\n7\n')

    answer = flask("jobs", "create-many", "tasks.demo.echo", str(calls))

    assert answer.code == 2
    assert answer.err == "Line 2 must be a list or an object in JSON; it is 7.\n"
    assert jobs() == []
