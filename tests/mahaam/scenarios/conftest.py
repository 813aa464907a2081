"""One stage and one consumer for all scenarios."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mahaam.conftest import MakeStage
from tests.mahaam.scenario_run import Scenarios, told
from tests.mahaam.scenarios.table import SCENARIOS
from tests.mahaam.stage import Stage


@pytest.fixture(scope="package")
def stage(make_stage: MakeStage) -> Iterator[Stage]:
    """The stage of all scenarios, where this process enqueues."""
    with make_stage() as stage, stage.here():
        yield stage


@pytest.fixture(scope="package")
def scenarios(stage: Stage) -> Iterator[Scenarios]:
    """What became of all jobs of the table; their consumer still runs."""
    with told(stage, SCENARIOS, "--workers", "8") as scenarios:
        yield scenarios
