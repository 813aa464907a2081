"""What `huey_consumer.py` understands, and when it ends by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from mahaam import enqueue, enqueue_many
from mahaam.consumer.command import main
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.stage import Stage

FLAGS = (
    *("--help", "--workers", "--queues", "--strict", "--weighted", "--shutdown-timeout"),
    *("--max-jobs", "--max-time", "--stop-when-empty", "-w", "-q"),
)


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])

    said = capsys.readouterr().out
    assert end.value.code == 0
    assert [flag for flag in FLAGS if flag not in said] == []
    assert "SIGTERM" in said


WRONG = [
    (["--workers", "0"], "argument -w/--workers: '0' is not a whole number of at least 1"),
    (["--workers", "-1"], "-w/--workers"),
    (["--workers", "four"], "argument -w/--workers: 'four' is not a whole number"),
    (["--workers", "2.5"], "argument -w/--workers: '2.5' is not a whole number"),
    (["--workers", "٤"], "argument -w/--workers: '٤' is not a whole number"),
    (["--queues", "a,b,a"], "argument -q/--queues: a queue is named twice"),
    (["--max-jobs", "0"], "argument --max-jobs: '0' is not a whole number"),
    (["--max-time", "soon"], "argument --max-time: 'soon' is not a number of seconds"),
    (["--max-time", "nan"], "argument --max-time: 'nan' is not a number of seconds"),
    (["--max-time", "inf"], "argument --max-time: 'inf' is not a number of seconds"),
    (["--shutdown-timeout", "-1"], "--shutdown-timeout"),
    (["--strict", "--weighted"], "argument --weighted: not allowed with argument --strict"),
    (["--nonsense"], "unrecognized arguments: --nonsense"),
    (["nonsense"], "unrecognized arguments: nonsense"),
    (["--workers"], "argument -w/--workers: expected one argument"),
]


def test_a_wrong_value_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words, sentence in WRONG:
        with pytest.raises(SystemExit) as end:
            main(words)

        last = capsys.readouterr().err.strip().splitlines()[-1]
        assert end.value.code == 2, words
        assert last.startswith("huey_consumer.py: error: ")
        assert sentence in last


def test_a_bad_setting_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKERS", "none")

    assert main([]) == 2

    said = capsys.readouterr().err
    assert said.startswith("WORKERS is wrong (found: 'none'): ")
    assert said.count("\n") == 1


@dataclass(frozen=True)
class Ended:
    """A consumer that has ended."""

    stage: Stage
    code: int
    log: str


RUNS = {
    "max jobs": (["--max-jobs", "5", "--workers", "2"], {}),
    "max time": (["--max-time", "0.5"], {}),
    "empty": (["--stop-when-empty", "--queues", "default"], {}),
    "unknown queue": (["--queues", "nowhere", "--max-time", "30"], {}),
    "bad module": ([], {"task_modules": "tests.mahaam.nowhere"}),
    "no database": ([], {"database_url": "postgresql://mahaam@127.0.0.1:1/mahaam"}),
}


@pytest.fixture(scope="module")
def ended(make_stage: MakeStage) -> Iterator[dict[str, Ended]]:
    """All runs, at the same time, each with ten jobs in its queue and one in another."""
    with ExitStack() as stack:
        consumers = {}
        for name, (words, more) in RUNS.items():
            stage = stack.enter_context(make_stage())
            with stage.here():
                enqueue_many(jobs.nothing, [()] * 10)
                enqueue(jobs.nothing, queue="reports", delay=60)
                enqueue(jobs.nothing, queue="orders")
            consumers[name] = (
                stage,
                stack.enter_context(stage.consumer(*words, is_cold=True, **more)),
            )
        yield {
            name: Ended(stage, consumer.wait(25), consumer.log)
            for name, (stage, consumer) in consumers.items()
        }


def test_a_consumer_ends_after_about_so_many_jobs(ended: dict[str, Ended]) -> None:
    run = ended["max jobs"]

    assert run.code == 0
    assert 5 <= run.stage.count("state = 'completed'") <= 8
    assert run.stage.count("state = 'running'") == 0
    assert "Stopping: 5 jobs were started." in run.log


def test_a_consumer_ends_after_a_time(ended: dict[str, Ended]) -> None:
    assert ended["max time"].code == 0
    assert "Stopping: 0.5 s have passed." in ended["max time"].log


def test_a_consumer_ends_when_its_queues_are_empty(ended: dict[str, Ended]) -> None:
    run = ended["empty"]

    assert run.code == 0
    assert run.stage.count("state = 'completed' AND queue = 'default'") == 10
    assert run.stage.count("state = 'queued' AND queue = 'orders'") == 1
    assert run.stage.count("state = 'scheduled'") == 1
    assert "Stopping: nothing is left." in run.log


def test_a_queue_that_does_not_exist_is_told(ended: dict[str, Ended]) -> None:
    run = ended["unknown queue"]

    assert (run.code, run.stage.count("state = 'completed'")) == (2, 0)
    assert "nowhere" in run.log.strip().splitlines()[-1]
    assert "Traceback" not in run.log


def test_what_cannot_work_is_told_in_one_sentence(ended: dict[str, Ended]) -> None:
    for name, code, sentence in (
        ("bad module", 2, "TASK_MODULES names tests.mahaam.nowhere, which cannot be imported: "),
        ("no database", 1, "The consumer could not start: "),
    ):
        assert ended[name].code == code
        assert ended[name].log.startswith(sentence)
        assert "Traceback" not in ended[name].log


def test_a_consumer_that_ended_is_marked_as_stopped(ended: dict[str, Ended]) -> None:
    for name in ("max jobs", "max time", "empty"):
        (worker,) = ended[name].stage.ask("SELECT * FROM worker")
        assert worker["state"] == "stopped"
        assert worker["stopped_at"] >= worker["started_at"]
