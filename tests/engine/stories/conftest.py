"""One stage and one consumer for all stories."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.conftest import MakeStage
from tests.engine.stage import Stage
from tests.engine.stories.table import STORIES
from tests.engine.storybook import Stories, told


@pytest.fixture(scope="package")
def stage(make_stage: MakeStage) -> Iterator[Stage]:
    """The stage of all stories, where this process enqueues."""
    with make_stage() as stage, stage.here():
        yield stage


@pytest.fixture(scope="package")
def stories(stage: Stage) -> Iterator[Stories]:
    """What became of all jobs of the table; their consumer still runs."""
    with told(stage, STORIES, "--workers", "8") as stories:
        yield stories
