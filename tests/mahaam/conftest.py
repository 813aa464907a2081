"""What the engine's tests share: stages, and rows that were not made by enqueueing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.mahaam.stage import Stage, new_stage
from tests.servers import TestServers

MakeStage = Callable[[], AbstractContextManager[Stage]]


@pytest.fixture(scope="session")
def make_stage(servers: TestServers, tmp_path_factory: pytest.TempPathFactory) -> MakeStage:
    """Makes stages, each with a database of its own."""
    return lambda: new_stage(servers, tmp_path_factory.mktemp("stage"))


@pytest.fixture(scope="module")
def stage(make_stage: MakeStage) -> Iterator[Stage]:
    """The stage of one module, where this process enqueues."""
    with make_stage() as stage, stage.here():
        yield stage


@pytest.fixture
def empty_stage(stage: Stage) -> Stage:
    """The module's stage without the rows of earlier tests."""
    stage.clear()
    return stage
