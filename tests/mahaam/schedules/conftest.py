"""Schedules as tests make them: due when the test wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mahaam import verbs
from tests.mahaam.stage import Stage

Make = Callable[..., int]


@pytest.fixture
def clear(empty_stage: Stage) -> Stage:
    """A stage without schedules and jobs."""
    empty_stage.ask("DELETE FROM schedule; DELETE FROM task_definition")
    return empty_stage


@pytest.fixture
def make(clear: Stage) -> Make:
    """Makes a schedule of `echo`, every minute if nothing else is said, due `ago` seconds ago."""

    def made(ago: float | None = None, **fields: Any) -> int:
        given = {"task": "tests.mahaam.tasks.echo", "kind": "interval", "every_s": 60} | fields
        if given["kind"] != "interval":
            del given["every_s"]
        id_ = verbs.create_schedule(given, by="ali")
        if ago is not None:
            clear.ask(DUE, ago, ago, id_)
        return id_

    return made


DUE = """
UPDATE schedule SET starts_at = date_trunc('second', now()) - %s * interval '1 s',
                    next_run_at = date_trunc('second', now()) - %s * interval '1 s'
WHERE id = %s
"""
