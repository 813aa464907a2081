"""One stage and one consumer for everything that is said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mahaam.conftest import MakeStage
from tests.mahaam.consumer_process import Consumer
from tests.mahaam.stage import Stage

SETTINGS = {
    "task_modules": "tests.mahaam.run.job_log.tasks",
    "job_log_level": "DEBUG",
    "job_log_lines": 50,
    "job_log_line_bytes": 500,
    "hook_timeout_s": 0.3,
    "flush_interval_ms": 300,  # so that a fault meets completions that are not on disk
}


@pytest.fixture(scope="package")
def stage(make_stage: MakeStage) -> Iterator[Stage]:
    """The stage of this package, where this process enqueues."""
    with make_stage() as stage, stage.here(**SETTINGS):
        yield stage


@pytest.fixture(scope="package")
def consumer(stage: Stage) -> Iterator[Consumer]:
    """The consumer whose jobs speak; tests that start another one use another queue."""
    with stage.consumer("--workers", "8", "--queues", "default", **SETTINGS) as consumer:
        yield consumer.wait_ready()
        assert consumer.stop() == 0
