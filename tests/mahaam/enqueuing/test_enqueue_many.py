"""Many jobs at once: all or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mahaam import enqueue_many
from mahaam.core.errors import ArgumentNotStorable, OptionNotValid
from tests.mahaam import tasks as jobs
from tests.mahaam.stage import Stage


def test_many_calls_become_as_many_jobs(empty_stage: Stage) -> None:
    calls = ((n, "x") if n % 2 else {"n": n} for n in range(4500))

    assert enqueue_many(jobs.echo, calls, priority=2) == 4500

    assert empty_stage.count("args = '[]' AND kwargs->>'n' IS NOT NULL") == 2250
    assert empty_stage.count("jsonb_array_length(args) = 2 AND priority = 2") == 2250
    assert len(empty_stage.rung()) == 4500


def test_many_keep_the_order_of_the_calls(empty_stage: Stage) -> None:
    enqueue_many(jobs.echo, [(n,) for n in range(50)])

    in_order = empty_stage.ask("SELECT args->>0 AS n FROM job ORDER BY id")
    assert [int(row["n"]) for row in in_order] == list(range(50))


def test_many_tell_how_far_they_have_come(empty_stage: Stage) -> None:
    steps: list[int] = []

    made = enqueue_many(jobs.echo, ((n,) for n in range(1700)), progress=steps.append)

    assert made == sum(steps) == 1700
    assert len(steps) > 2
    assert max(steps) < 1700


def test_many_that_are_delayed_are_not_rung(empty_stage: Stage) -> None:
    assert enqueue_many(jobs.echo, ((n,) for n in range(30)), delay=3600) == 30

    assert empty_stage.count("state = 'scheduled' AND run_at > now()") == 30
    assert empty_stage.rung() == {}


def test_many_keep_texts_with_quotes_backslashes_and_braces(empty_stage: Stage) -> None:
    texts = ['"', "\\", "{}", ",", "NULL", "ä\n", "'"]

    enqueue_many(jobs.echo, [(text,) for text in texts])

    rows = empty_stage.ask("SELECT args->>0 AS text FROM job ORDER BY id")
    assert [row["text"] for row in rows] == texts


def test_no_calls_make_no_jobs(empty_stage: Stage) -> None:
    assert enqueue_many(jobs.echo, []) == 0
    assert empty_stage.count() == 0


def failing() -> Iterator[tuple[int]]:
    yield from ((n,) for n in range(2500))
    raise LookupError("the source broke")


@pytest.mark.parametrize(
    ("calls", "fault"),
    [
        ([*((n,) for n in range(2500)), (object(),)], ArgumentNotStorable),
        ([(1,), [2]], OptionNotValid),
        ([(1,), "ab"], OptionNotValid),
        (failing(), LookupError),
    ],
    ids=["argument", "list", "text", "generator"],
)
def test_one_bad_call_among_many_makes_no_job(
    empty_stage: Stage, calls: Any, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        enqueue_many(jobs.echo, calls)

    assert empty_stage.count() == 0
    assert empty_stage.rung() == {}


def test_many_share_no_dedupe_key(empty_stage: Stage) -> None:
    with pytest.raises(OptionNotValid, match="dedupe_key belongs to one job"):
        enqueue_many(jobs.echo, [(1,)], dedupe_key="k")
