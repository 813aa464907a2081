"""`flask queue pause | resume`, `flask tasks list | pause | resume`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Flask_
from tests.dashboard.rows import add, ask

TASK = "tasks.demo.echo"
QUEUE = "set-aside"  # no test's jobs go here


@pytest.fixture(autouse=True)
def _goes_on(shared_app: object, _here: None) -> Iterator[None]:
    add("queue", name=QUEUE)
    yield
    ask("DELETE FROM task_pause")
    ask("DELETE FROM queue WHERE name = %s", (QUEUE,))


def test_a_queue_is_paused_with_a_reason_and_an_end_and_resumed(flask: Flask_) -> None:
    answer = flask("queue", "pause", QUEUE, "--reason", "stocktaking", "--for", "30m")

    assert (answer.code, answer.out) == (0, "1 queue is paused.\n")
    columns = (
        "pause_reason, paused_by LIKE 'cli:%%', round(extract(epoch FROM resume_at - now()) / 60)"
    )
    found = ask(f"SELECT {columns} FROM queue WHERE name = %s", (QUEUE,))
    assert found == [("stocktaking", True, 30)]
    again = flask("queue", "pause", QUEUE)
    assert again.code == 1
    assert again.err.startswith(f"Queue {QUEUE} cannot be paused: cli:")
    assert flask("queue", "pause", QUEUE, "--replace").code == 0
    assert flask("queue", "resume", QUEUE).out == "1 queue is served again.\n"
    assert "it is not paused" in flask("queue", "resume", QUEUE).err


def test_a_task_is_paused_listed_and_resumed(flask: Flask_) -> None:
    assert flask("tasks", "pause", TASK, "--reason", "a bug").out == "1 task is paused.\n"

    listed = json.loads(flask("tasks", "list", "--json").out)
    assert "a bug" in flask("tasks", "list").out

    pauses = {task["name"]: task["pause"] for task in listed}
    assert pauses[TASK]["reason"] == "a bug"
    assert [name for name, pause in pauses.items() if pause] == [TASK]
    assert flask("tasks", "resume", TASK).out == "1 task goes on.\n"
    assert flask("tasks", "resume", TASK).code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("queue", "pause", "nonsense"),
        ("queue", "pause", QUEUE, "--for", "0"),
        ("queue", "pause", QUEUE, "--for", "a while"),
        ("queue", "pause", QUEUE, "--until", "2001-01-01"),
        ("queue", "resume", "nonsense"),
        ("tasks", "pause", "nonsense"),
        ("tasks", "pause", TASK, "--for", "1h", "--until", "2040-01-01"),
        ("tasks", "pause"),
    ],
)
def test_what_cannot_be_meant_pauses_nothing(flask: Flask_, words: tuple[str, ...]) -> None:
    answer = flask(*words)

    assert answer.code == 2
    assert answer.err
    assert ask("SELECT FROM task_pause") == []
    assert ask("SELECT FROM queue WHERE paused_at IS NOT NULL AND name = %s", (QUEUE,)) == []


def test_a_pause_that_is_over_is_not_shown(flask: Flask_) -> None:
    over = "paused_at = now() - interval '2 min', resume_at = now() - interval '1 min'"
    ask(f"UPDATE queue SET {over} WHERE name = %s", (QUEUE,))

    queues = json.loads(flask("queue", "monitor", "--json").out)["queues"]

    (found,) = (queue for queue in queues if queue["name"] == QUEUE)
    assert found["paused_at"] is None
