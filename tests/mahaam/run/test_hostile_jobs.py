"""Jobs that end in unusual ways or whose rows are broken: each fails, and the consumer stays whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from huey.api import Task

from mahaam import enqueue, huey
from tests.mahaam import rows
from tests.mahaam import tasks as jobs
from tests.mahaam.conftest import MakeStage
from tests.mahaam.scenario_run import Enqueue, Scenarios, told
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

TRACEBACK_LIMIT_BYTES = 8192
CUT_MARK_BYTES = 100
NEXT = '{"on_complete": {"id": "x", "name": "gone.task", "args": [], "kwargs": {}}}'


def leaves(how: str) -> Enqueue:
    return lambda stage: enqueue(jobs.leave, (how,)).id


def row(**columns: Any) -> Enqueue:
    """A story of a row that was not made by enqueueing."""
    quoted = {name: f"'{value}'" for name, value in columns.items()}
    return lambda stage: rows.a_job(stage, max_retries="0", **quoted)


def sent(message: Task) -> str:
    huey.enqueue(message)
    return str(message.id)


def argument(text: str) -> Enqueue:
    return row(args=f"[{text}]")


EXITS = {how: leaves(how) for how in jobs.EXITS}
BROKEN = {
    "args is an object": row(args='{"a": 1}'),
    "args is a number": row(args="1"),
    "kwargs is a list": row(kwargs="[]"),
    "unknown tag": argument('{"$nonsense": 1}'),
    "date of the 31st of February": argument('{"$date": "2024-02-31"}'),
    "datetime of a number": argument('{"$datetime": 5}'),
    "timedelta too short": argument('{"$timedelta": [1]}'),
    "timedelta of an object": argument('{"$timedelta": {}}'),
    "timedelta too long": argument('{"$timedelta": [99999999999, 0, 0]}'),
    "uuid of a number": argument('{"$uuid": 5}'),
    "uuid of a word": argument('{"$uuid": "x"}'),
    "decimal of a word": argument('{"$decimal": "x"}'),
    "bytes of a word": argument('{"$bytes": "%"}'),
    "float of a word": argument('{"$float": "x"}'),
    "set of lists": argument('{"$set": [[1]]}'),
    "set of a number": argument('{"$set": 1}'),
    "dict of a list": argument('{"$dict": [[1]]}'),
    "dict with a list as key": argument('{"$dict": [[[1], 2]]}'),
}
SCENARIOS = {
    **EXITS,
    **{f"odd {number}": leaves("odd") for number in range(4)},
    **BROKEN,
    "returns hostile": lambda stage: enqueue(jobs.return_hostile).id,
    "hands hostile on": lambda stage: sent(jobs.return_hostile.s().then(jobs.echo)),
    "logs hostile": lambda stage: enqueue(jobs.log_hostile).id,
    "is deep": lambda stage: enqueue(jobs.fall_deep).id,
    "leads to an unknown task": row(options=NEXT),
    "has options of a list": row(options="[1]"),
}


@pytest.fixture(scope="module")
def scenarios(stage: Stage) -> Iterator[Scenarios]:
    settings = {"traceback_limit_bytes": TRACEBACK_LIMIT_BYTES, "log_format": "json"}
    with told(stage, SCENARIOS, timeout_s=8, **settings) as scenarios:
        yield scenarios


def test_whatever_a_task_raises_its_job_fails(scenarios: Scenarios) -> None:
    found = {how: (scenarios.job(how)["state"], scenarios.job(how)["attempt"]) for how in EXITS}

    assert found == dict.fromkeys(EXITS, ("failed", 1))
    assert all(scenarios.letter(how)["error_class"] for how in EXITS)


def test_a_hostile_object_costs_its_own_job_at_most(scenarios: Scenarios) -> None:
    found = {
        name: scenarios.job(name)["state"]
        for name in ("returns hostile", "hands hostile on", "logs hostile")
    }

    assert found == {
        "returns hostile": "completed",
        "hands hostile on": "failed",  # nobody can say what the next job would get
        "logs hostile": "completed",
    }
    assert scenarios.job("returns hostile")["result"]["repr"] == "(its repr fails: SystemExit)"
    assert "SystemExit: looked at" in scenarios.job("hands hostile on")["error"]
    assert "mahaam.loop" not in scenarios.consumer.log  # no loop ended or stood still


def test_an_exception_that_cannot_be_asked_is_kept_by_its_class(scenarios: Scenarios) -> None:
    assert scenarios.letter("silent")["error_class"] == "tests.mahaam.tasks.Silent"
    assert (
        scenarios.letter("silent")["error_message"]
        == "(its message cannot be formatted: SystemExit)"
    )
    assert ", in leave" in scenarios.letter("silent")["traceback"]
    assert scenarios.letter("liar")["error_message"] == (
        "The task raised tests.mahaam.tasks.Liar: not what it says"
    )
    assert scenarios.letter("faceless")["error_class"] == "tests.mahaam.tasks.Faceless"
    assert scenarios.letter("anonymous")["error_class"] == "a class that cannot be named"


def test_arguments_that_cannot_be_read_make_the_job_fail(scenarios: Scenarios) -> None:
    assert {how: scenarios.job(how)["state"] for how in BROKEN} == dict.fromkeys(BROKEN, "failed")
    assert {scenarios.letter(how)["error_class"] for how in BROKEN} == {"PayloadBroken"}


def test_a_following_task_that_is_unknown_does_not_pass_for_success(scenarios: Scenarios) -> None:
    assert scenarios.job("leads to an unknown task")["state"] == "failed"
    assert scenarios.letter("leads to an unknown task")["error_class"] == "UnknownTask"


def test_options_that_cannot_be_read_make_the_job_fail(scenarios: Scenarios) -> None:
    assert scenarios.job("has options of a list")["state"] == "failed"


def test_a_message_is_kept_as_far_as_it_can_be(scenarios: Scenarios) -> None:
    assert (
        scenarios.letter("mute")["error_message"]
        == "(its message cannot be formatted: RuntimeError)"
    )
    assert scenarios.letter("nul")["error_message"] == "a␀b ? c"
    assert scenarios.letter("exit")["error_message"] == "The task raised SystemExit: 3"
    assert scenarios.letter("many lines")["error_message"] == "first\nsecond"
    long = scenarios.letter("long")["error_message"]
    assert long.startswith("éé")
    assert "bytes cut" in long
    assert len(long.encode()) <= 8192 + CUT_MARK_BYTES


def test_a_huge_traceback_is_capped_and_keeps_both_ends(scenarios: Scenarios) -> None:
    traceback = scenarios.letter("is deep")["traceback"]

    assert len(traceback.encode()) <= TRACEBACK_LIMIT_BYTES + CUT_MARK_BYTES
    assert "at the bottom" in traceback[:2000]
    assert "bytes cut" in traceback
    assert traceback.endswith("ValueError: level 300\n")


def test_a_critical_line_is_one_line(scenarios: Scenarios) -> None:
    for name in ("many lines", "long"):
        (line,) = [line for line in scenarios.lines(name) if "CRITICAL" in line]
        assert len(line) < 10_000


def test_every_line_of_a_json_log_is_one_object(scenarios: Scenarios) -> None:
    lines = [json.loads(line) for line in scenarios.consumer.log.splitlines()]

    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, lines))
    assert "CRITICAL" in {line["level"] for line in lines}


def test_no_greenlet_was_lost(scenarios: Scenarios) -> None:
    assert "died" not in scenarios.consumer.log
    naps = [enqueue(jobs.nap, (1.0,)).id for _ in range(4)]
    for nap in naps:
        scenarios.stage.wait_for_state(nap, "completed")

    rows = [scenarios.stage.job(nap) for nap in naps]  # there was an instant at which all ran
    assert max(row["started_at"] for row in rows) < min(row["finished_at"] for row in rows)
    assert scenarios.consumer.stop() == 0


LINES = "SELECT message FROM job_log JOIN job ON job.id = job_id WHERE task LIKE '%spoil'"


def test_streams_that_a_task_closes_or_replaces_are_put_right(make_stage: MakeStage) -> None:
    said = {f"after {how}": f"said after {how}" for how in jobs.SPOILERS}
    plan: dict[str, Enqueue] = {}
    for how in jobs.SPOILERS:
        plan |= {how: spoiling(how), f"after {how}": saying(said[f"after {how}"])}
    with make_stage() as stage, stage.here(), told(stage, plan, "-w", "1") as scenarios:
        assert {scenarios.job(name)["state"] for name in plan} == {"completed"}
        for words in said.values():
            assert scenarios.consumer.log.count(words) == 2
        wait_until(lambda: len(stage.ask(LINES)) >= len(jobs.SPOILERS))
        assert all("cpu_bound=True" in line["message"] for line in stage.ask(LINES))
        assert "The task closed or replaced std" in scenarios.consumer.log
        assert scenarios.consumer.stop() == 0
        assert "Stopped." in scenarios.consumer.log


def spoiling(how: str) -> Enqueue:
    return lambda stage: enqueue(jobs.spoil, (how,)).id


def saying(words: str) -> Enqueue:
    return lambda stage: enqueue(jobs.say, (words,)).id


@pytest.mark.parametrize("how", ["text", "note", "cause", "argument"])
def test_an_error_of_fifty_megabytes_is_cut_before_it_is_kept(big: Scenarios, how: str) -> None:
    letter = big.letter(how)

    assert "bytes cut" in letter["traceback"]
    assert len(letter["traceback"]) + len(letter["error_message"]) < 50_000
    assert len(big.job(how)["error"]) < 10_000


def test_nothing_of_a_long_text_stays_in_memory(big: Scenarios) -> None:
    before, after = (big.job(name)["result"] for name in ("at first", "at last"))

    assert (after["VmRSS:"] - before["VmRSS:"]) * 1024 < BIG / 2  # nothing is kept
    # At the worst moment two jobs have their texts, and Python makes the repr of one of them.
    assert (after["VmHWM:"] - before["VmRSS:"]) * 1024 < 7 * BIG
    assert max(map(len, big.consumer.log.splitlines())) < 70_000
    lines = "SELECT max(length(message)) AS most FROM job_log"
    wait_until(lambda: big.stage.ask(lines)[0]["most"])  # they are written twice a second
    assert big.stage.ask(lines)[0]["most"] < 10_000


BIG = 50_000_000


@pytest.fixture(scope="module")
def big(make_stage: MakeStage) -> Iterator[Scenarios]:
    plan: dict[str, Enqueue] = {"at first": lambda stage: enqueue(jobs.memory_kb, (True,)).id}
    for how in ("text", "note", "cause", "argument"):
        plan[how] = failing_at_length(how)
    plan["logs"] = lambda stage: enqueue(jobs.log_at_length, (BIG,)).id
    plan["returns"] = lambda stage: enqueue(jobs.text, (BIG,)).id
    plan["at last"] = lambda stage: enqueue(jobs.memory_kb).id
    with (
        make_stage() as stage,
        stage.here(),
        told(stage, plan, "-w", "1", timeout_s=60) as scenarios,
    ):
        yield scenarios


def failing_at_length(how: str) -> Enqueue:
    return lambda stage: enqueue(jobs.fail_at_length, (BIG, how)).id
