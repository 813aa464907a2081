"""Huey's own tests, on our engine: each gets an empty database and an empty Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from huey.tests import base, test_api

from mahaam.huey_adapter.durable_huey import MahaamHuey
from mahaam.huey_adapter.inline_worker import hand
from mahaam.jobs import task_registry
from tests.huey.differences import DIFFERENCES
from tests.mahaam.stage import Stage, new_stage
from tests.servers import TestServers

FULL = (
    "job, kept_value, kept_counter, task_lock, periodic_fire, chord, dead_letter, job_minute, queue"
)


@pytest.fixture(scope="module")
def huey_stage(servers: TestServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The stage of all tests here."""
    with new_stage(servers, tmp_path_factory.mktemp("huey")) as stage, stage.here():
        yield stage
        hand().close()


class TestedHuey(MahaamHuey):
    """Our Huey, in the place of Huey's own; `made` are those of one test."""

    __test__ = False
    takes_local_functions = True  # Huey's tests make tasks inside of their methods
    made: ClassVar[list[MahaamHuey]] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.made.append(self)


@pytest.fixture(autouse=True)
def _empty(huey_stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)  # some write a file beside them
    monkeypatch.setattr(base.BaseTestCase, "get_huey", lambda _self: TestedHuey(utc=False))
    monkeypatch.setattr(test_api, "MemoryHuey", TestedHuey)
    monkeypatch.setattr(task_registry, "tasks", {})
    huey_stage.ask(f"TRUNCATE {FULL} CASCADE")
    with huey_stage.redis() as client:
        client.flushdb()
    yield
    while TestedHuey.made:
        TestedHuey.made.pop().storage.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that cannot hold must fail: so the list of them stays true."""
    for item in items:
        kind = getattr(item, "cls", None)
        reason = DIFFERENCES.get(f"{kind.__name__}.{item.name}") if kind else None
        if reason and item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
