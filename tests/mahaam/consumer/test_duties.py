"""The registry of housekeeping: each duty when it is due, whatever becomes of the others."""

from __future__ import annotations

import logging

import pytest

import mahaam.alerts.tasks  # noqa: F401 (registers the duties of alerts)
from mahaam.consumer.maintenance import duties
from mahaam.consumer.maintenance.duties import Duty, do_due
from mahaam.core.errors import DatabaseUnavailable
from mahaam.postgres.reconnecting import ConnectionBroken


def failing(fault: Exception) -> Duty:
    def work() -> None:
        raise fault

    return Duty("failing", 60.0, 60.0, work)


@pytest.mark.parametrize("fault", [ValueError("bad"), DatabaseUnavailable("away")])
def test_a_duty_that_fails_does_not_keep_the_others_from_theirs(fault: Exception) -> None:
    done: list[str] = []
    do_due([failing(fault), Duty("next", 60.0, 60.0, lambda: done.append("next"))])
    assert done == ["next"]


def test_a_broken_connection_ends_the_round_until_it_is_back() -> None:
    done: list[str] = []
    rows = [
        failing(ConnectionBroken("gone")),
        Duty("next", 60.0, 60.0, lambda: done.append("next")),
    ]
    do_due(rows)
    assert done == []
    do_due(rows)  # the first one is not due again
    assert done == ["next"]


def test_a_duty_is_done_when_it_is_due_and_not_before() -> None:
    done: list[str] = []
    often = Duty("often", 0.0, 60.0, lambda: done.append("often"))
    seldom = Duty("seldom", 3600.0, 60.0, lambda: done.append("seldom"))
    for _ in range(3):
        do_due([often, seldom])
    assert done == ["often", "seldom", "often", "often"]


def test_a_duty_that_takes_longer_than_it_may_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="mahaam.duties"):
        do_due([Duty("slow", 60.0, -1.0, lambda: None), Duty("quick", 60.0, 60.0, lambda: None)])
    assert [record.args[0] for record in caplog.records if record.args] == ["slow"]


def test_what_alerts_need_is_registered_with_its_limits() -> None:
    assert {"alerts", "forget alerts"} <= duties.registered.keys()
    assert all(duty.every_s > 0 < duty.within_s for duty in duties.registered.values())
