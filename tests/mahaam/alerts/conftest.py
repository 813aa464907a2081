"""A stage with tables of alerts, and rules that look when a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mahaam.alerts import evaluate
from mahaam.failures import groups_store
from mahaam.postgres import database
from tests.mahaam.conftest import *  # noqa: F403
from tests.mahaam.stage import Stage

CLEAN = """
DELETE FROM alert; DELETE FROM alert_rule; DELETE FROM channel; DELETE FROM maintenance;
DELETE FROM error_group; DELETE FROM failure; DELETE FROM queue_depth; DELETE FROM incident;
DELETE FROM job_minute; DELETE FROM job_period; DELETE FROM schedule; DELETE FROM worker;
UPDATE alert_pass SET ended_at = NULL;
UPDATE queue SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, resume_at = NULL
"""


@pytest.fixture
def quiet(empty_stage: Stage) -> Iterator[Stage]:
    """A stage without jobs, rules, channels and alerts, on which this process works."""
    empty_stage.ask(CLEAN)
    yield empty_stage
    empty_stage.ask(CLEAN)


def look(stage: Stage) -> None:
    """Gather what failed, and look at the rules now."""
    database.repeatable(lambda c: groups_store.gather(c, limit=100_000), atomic=True)
    stage.ask("UPDATE alert_pass SET ended_at = NULL")
    assert evaluate.watch()


def alerts(stage: Stage) -> list[dict[str, Any]]:
    """All alerts, the oldest first."""
    return stage.ask("SELECT * FROM alert ORDER BY id")


def open_subjects(stage: Stage) -> list[str]:
    """The subjects of the open ones."""
    rows = stage.ask("SELECT subject FROM alert WHERE closed_at IS NULL ORDER BY subject")
    return [row["subject"] for row in rows]
