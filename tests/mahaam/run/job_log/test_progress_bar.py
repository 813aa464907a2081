"""A bar of tqdm is the job's progress."""

from __future__ import annotations

import re

import pytest

from mahaam import enqueue, track
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.run.job_log import tasks
from tests.mahaam.run.job_log.test_progress import progress
from tests.mahaam.stage import Stage
from tests.waiting import wait_until


def wait_for_words(stage: Stage, job_id: object, percent: int, pattern: str) -> None:
    def is_there() -> bool:
        found, words = progress(stage, job_id)
        return found == percent and re.fullmatch(pattern, words or "") is not None

    wait_until(is_there, otherwise=lambda: f"{pattern} was expected: {progress(stage, job_id)}")


def test_an_iteration_ends_at_a_hundred(stage: Stage, consumer: Consumer) -> None:
    job = enqueue(tasks.count, ("mails", 5000))

    wait_for_words(stage, job.id, 100, r"mails: 5000/5000 \[00:0\d<00:00, .*it/s\]")
    assert stage.job(job.id)["result"] == 5000


def test_a_bar_moved_by_hand_is_seen_while_it_moves(stage: Stage, consumer: Consumer) -> None:
    options = {"pause_s": 0.7, "unit": "mail", "postfix": {"left": 3}}
    job = enqueue(tasks.fill, (8, 2, 3), options)

    for percent, words in ((0, "0/8"), (25, "2/8"), (62, "5/8")):
        wait_for_words(stage, job.id, percent, rf"{words} \[.*mail.*, left=3\]")


def test_without_a_total_the_words_tell(stage: Stage, consumer: Consumer) -> None:
    job = enqueue(tasks.fill, (None, 17), {"desc": "rows"})

    wait_for_words(stage, job.id, 0, r"rows: 17it \[.*\]")


def test_a_bar_that_cannot_be_drawn_fails_its_own_job(stage: Stage, consumer: Consumer) -> None:
    odd = enqueue(tasks.fill, (8, 1), {"bar_format": "{nonsense}"})
    stage.wait_for_state(odd.id, "failed")
    assert stage.job(odd.id)["error"] == "KeyError: 'nonsense'"

    sound = enqueue(tasks.count, ("others", 10))

    wait_for_words(stage, sound.id, 100, "others: 10/10 .*")


def test_nothing_is_printed_in_a_job(stage: Stage, consumer: Consumer) -> None:
    job = enqueue(tasks.count, ("silent bar", 100))
    stage.wait_for_state(job.id, "completed")

    assert "silent bar" not in consumer.log


def test_outside_of_a_job_it_is_plain_tqdm(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(range(3), desc="plain")) == [0, 1, 2]

    assert "plain: 100%|" in capsys.readouterr().err
