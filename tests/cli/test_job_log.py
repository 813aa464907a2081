"""`flask jobs logs`: what a job said, page by page and while it runs."""

from __future__ import annotations

import json
import threading
import uuid

import pytest

from mahaam import enqueue
from tasks import demo
from tests.cli.conftest import Flask_
from tests.dashboard.rows import a_job, add, ask
from tests.waiting import wait_until

LINES = """
INSERT INTO job_log SELECT %s, %s, number, '2026-01-02 03:04:05.678+00', level, logger, message
FROM unnest(%s::int[], %s::int[], %s::text[], %s::text[]) AS said(number, level, logger, message)
"""


def say(job_id: uuid.UUID, attempt: int, *lines: tuple[int, str | None, str]) -> None:
    """Write lines (level, logger, message) of an attempt."""
    numbers = list(range(1, len(lines) + 1))
    columns = zip(*lines, strict=True)
    ask(LINES, (str(job_id), attempt, numbers, *map(list, columns)))


@pytest.fixture
def job_id() -> uuid.UUID:
    """A job of two attempts that has said something."""
    made = a_job("completed", attempt=2)
    say(made, 1, (20, None, "rendering"), (40, "shop.mail", "refused\nTraceback: …\x1b[31m"))
    say(made, 2, (10, "shop.mail", "second try"))
    return made


def test_lines_are_printed_in_their_order(flask: Flask_, job_id: uuid.UUID) -> None:
    answer = flask("jobs", "logs", str(job_id))

    assert answer.out == (
        "2026-01-02 03:04:05.678 INFO     rendering\n"
        "2026-01-02 03:04:05.678 ERROR    shop.mail refused\\nTraceback: …\\x1b[31m\n"
        "Attempt 2\n"
        "2026-01-02 03:04:05.678 DEBUG    shop.mail second try\n"
    )


def test_one_attempt_and_a_level_are_chosen(flask: Flask_, job_id: uuid.UUID) -> None:
    def messages(*words: str) -> list[str]:
        out = flask("jobs", "logs", str(job_id), "--json", *words).out
        return [json.loads(line)["message"][:9] for line in out.splitlines()]

    assert messages() == ["rendering", "refused\nT", "second tr"]
    assert messages("--attempt", "2") == ["second tr"]
    assert messages("--attempt", "1", "--level", "warning") == ["refused\nT"]
    assert messages("--level", "info") == ["rendering", "refused\nT"]


def test_an_object_has_all_fields(flask: Flask_, job_id: uuid.UUID) -> None:
    first = flask("jobs", "logs", str(job_id), "--json").out.splitlines()[0]

    assert json.loads(first) == {
        "attempt": 1,
        "number": 1,
        "said_at": "2026-01-02T03:04:05.678000Z",
        "level": 20,
        "logger": None,
        "message": "rendering",
    }


def test_many_lines_are_read_in_pages(flask: Flask_) -> None:
    job_id = a_job("completed")
    say(job_id, 1, *((20, None, f"line {number}") for number in range(2500)))

    lines = flask("jobs", "logs", str(job_id)).out.splitlines()

    assert [line.partition("line ")[2] for line in lines] == [str(number) for number in range(2500)]


def test_following_ends_a_moment_after_the_job(flask: Flask_) -> None:
    job_id = a_job("running")
    say(job_id, 1, (20, None, "first"))
    thread = threading.Thread(target=_go_on, args=(job_id,))

    thread.start()
    answer = flask("jobs", "logs", str(job_id), "--follow")
    thread.join()

    assert [line.rpartition(" ")[2] for line in answer.out.splitlines()] == ["first", "last"]


def _go_on(job_id: uuid.UUID) -> None:
    ask("UPDATE job SET state = 'completed', finished_at = now() WHERE id = %s", (str(job_id),))
    add("job_log", job_id=job_id, number=2, message="last")


def test_what_cannot_be_meant_is_told_in_a_sentence(flask: Flask_) -> None:
    missing = uuid.uuid4()

    assert flask("jobs", "logs", str(missing)).err == f"No job {missing} exists.\n"
    assert flask("jobs", "logs", "4f2c").err == "'4f2c' is not a job's id.\n"
    assert flask("jobs", "logs", str(missing), "--level", "loud").code == 2
    assert flask("jobs", "logs", str(missing), "--attempt", "0").code == 2


def test_a_running_consumers_lines_are_followed(flask: Flask_, consumer: None) -> None:
    job_id = enqueue(demo.progress, (2, 0.1)).id

    answer = flask("jobs", "logs", str(job_id), "--follow")

    assert answer.out.endswith("INFO     Step 2 of 2 is done.\n")
    wait_until(lambda: ask("SELECT progress FROM job WHERE id = %s", (str(job_id),)) == [(100,)])
