"""`flask schedule`: list, show, next, create, enable, disable, run-now, run, work, delete."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Flask_
from tests.dashboard.rows import ask

TASK = "tasks.demo.echo"


@pytest.fixture(autouse=True)
def _no_schedules(shared_app: object, _here: None) -> Iterator[None]:
    yield
    ask("DELETE FROM schedule")


def test_the_life_of_a_schedule(flask: Flask_) -> None:
    made = flask("schedule", "create", "nightly", TASK, "--cron", "0 2 * * *", "--timezone", "Asia/Baghdad",
                 "--kwargs", '{"value": "good night"}', "--queue", "reports",
                 "--retry-delay-cap", "0.5")  # fmt: skip
    assert made.code == 0
    assert "At 02:00" in made.out

    listed = json.loads(flask("schedule", "list", "--json").out)
    (found,) = [one for one in listed if one["name"] == "nightly"]
    assert (found["cron"], found["timezone"], found["state"]) == (
        "0 2 * * *",
        "Asia/Baghdad",
        "active",
    )
    assert found["in_words"] == "At 02:00"
    assert (found["queue"], found["retry_delay_cap_s"]) == ("reports", 0.5)
    shown = flask("schedule", "show", "nightly").out
    assert "good night" in shown
    assert "nightly" in flask("schedule", "list").out

    upcoming = json.loads(flask("schedule", "next", "nightly", "--count", "3", "--json").out)
    assert [run["local"][11:] for run in upcoming] == ["02:00:00+03:00"] * 3
    assert "Asia/Baghdad" in flask("schedule", "next", "nightly").out

    assert (
        flask("schedule", "disable", "nightly", "--reason", "a bug").out
        == "1 schedule is disabled.\n"
    )
    again = flask("schedule", "disable", "nightly")
    assert (again.code, again.err) == (1, "Schedule nightly cannot be disabled: it is.\n")
    assert flask("schedule", "enable", "nightly").out == "1 schedule is enabled.\n"

    ran = json.loads(flask("schedule", "run-now", "nightly", "--json").out)
    assert ask("SELECT id::text, queue, retry_delay_cap_s FROM job") == [
        (ran["jobs"][0], "reports", 0.5)
    ]
    assert (
        json.loads(flask("schedule", "show", "nightly", "--json").out)["fires"][0]["job_state"]
        == "queued"
    )

    assert flask("schedule", "delete", "nightly", "--yes").out == "1 schedule was deleted.\n"
    assert flask("schedule", "show", "nightly").code == 1


def test_one_tick_fires_what_is_due_and_nothing_twice(flask: Flask_) -> None:
    flask("schedule", "create", "often", TASK, "--every", "60")
    ask("UPDATE schedule SET next_run_at = now() WHERE name = 'often'")

    assert flask("schedule", "run").out == "1 job was made.\n"
    assert json.loads(flask("schedule", "run", "--json").out) == {"jobs": 0}
    assert flask("schedule", "work", "--max-time", "0.01").code == 0
    assert ask("SELECT count(*) FROM job WHERE schedule_id IS NOT NULL") == [(1,)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("create", "a", TASK, "--cron", "61 * * * *"), "cron: The minute of the cron expression"),
        (("create", "a", TASK, "--cron", "0 0 31 2 *"), "cron: This cron expression never fires"),
        (("create", "a", TASK, "--every", "0"), "every_s: Enter a whole number"),
        (("create", "a", TASK, "--at", "2001-01-01T00:00"), "run_at: The time lies in the past."),
        (("create", "a", TASK, "--at", "soon"), "--at must be a time"),
        (("create", "a", TASK), "Give one of --cron, --every and --at."),
        (("create", "a", TASK, "--every", "5", "--cron", "@daily"), "Give one of"),
        (("create", "a", TASK, "--every", "5", "--timezone", "../../etc/passwd"), "timezone: There is no"),
        (("create", "a", "tasks.demo.ecko", "--every", "5"), "Did you mean tasks.demo.echo?"),
        (("create", "a", TASK, "--every", "5", "--kwargs", "[1]"), "--kwargs must be an object in JSON"),
        (("create", "a", TASK, "--every", "5", "--kwargs", "{"), "--kwargs: This is not JSON: "),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_a_sentence_with_its_field(
    words: tuple[str, ...], told: str, flask: Flask_
) -> None:
    answer = flask("schedule", *words)
    assert answer.code == 2
    assert told in answer.err
    assert ask("SELECT FROM schedule WHERE name = 'a'") == []


def test_an_unknown_schedule_is_told(flask: Flask_) -> None:
    for command in ("show", "next", "enable", "disable", "run-now"):
        answer = flask("schedule", command, "nowhere")
        assert (answer.code, answer.err) == (1, "There is no schedule 'nowhere'.\n")
