"""Each rule of the soak can fail, and a level system breaks none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.soak.readings import Reading, Usage
from tests.soak.result import LONG, judge

LEVEL = Reading(
    at_s=0,
    usage={"consumer 0": Usage(90, 20, 3)},
    backends=frozenset({(1, "mahaam dispatcher"), (2, "mahaam")}),
    redis_clients=5,
    sizes_mb={"job": 10},
    late_results=0,
    waits_s=(0.002, 0.003),
)


def readings(**last: Any) -> list[Reading]:
    """Nine readings, ten seconds apart; the last three have these values."""
    made = [replace(LEVEL, at_s=10.0 * place) for place in range(9)]
    return made[:6] + [replace(reading, **last) for reading in made[6:]]


def test_a_level_system_breaks_no_rule() -> None:
    assert judge(readings(), LONG, []) == []


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ({"usage": {"consumer 0": Usage(99, 20, 3)}}, "memory_mb of consumer 0 grew"),
        ({"usage": {"consumer 0": Usage(90, 30, 3)}}, "files of consumer 0 grew"),
        ({"usage": {"consumer 0": Usage(90, 20, 9)}}, "threads of consumer 0 grew"),
        ({"backends": LEVEL.backends | {(n, "mahaam") for n in range(9)}}, "to PostgreSQL grew"),
        ({"redis_clients": 50}, "to Redis grew"),
        ({"backends": {(7, "mahaam dispatcher"), (2, "mahaam")}}, "connected anew"),
        ({"sizes_mb": {"job": 20}}, "most of it in job"),
        ({"waits_s": (0.5,)}, "start latency rose"),
        ({"waits_s": ()}, "No probe was started"),
        ({"late_results": 1}, "results came late"),
    ],
)
def test_a_broken_rule_is_told(last: dict[str, Any], words: str) -> None:
    (sentence,) = judge(readings(**last), LONG, [])
    assert words in sentence


def test_too_few_readings_prove_nothing() -> None:
    (sentence,) = judge(readings()[:4], LONG, [])
    assert "6 are needed" in sentence


def test_a_warning_that_nothing_provoked_is_told(tmp_path: Path) -> None:
    log = tmp_path / "consumer.log"
    log.write_text(
        '{"time": "x", "level": "CRITICAL", "logger": "mahaam.outcome", '
        '"message": "Job failed for good. task=tests.soak.jobs.fall"}\n'
        '{"time": "x", "level": "WARNING", "logger": "mahaam.postgres", "message": "away"}\n'
    )
    (sentence,) = judge(readings(), LONG, [log])
    assert "mahaam.postgres away" in sentence
