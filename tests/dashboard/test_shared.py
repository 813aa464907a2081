"""What viewers share: made once for many, never older than allowed, never from before a change."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from dashboard.shared import SLOW_S, Shared
from tests.waiting import wait_until


class Source:
    """Counts how often it was asked; takes its time."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self.asked = 0
        self.takes_s = takes_s
        self.faults = 0

    def __call__(self) -> int:
        self.asked += 1
        time.sleep(self.takes_s)
        if self.faults:
            self.faults -= 1
            raise ValueError("not this time")
        return self.asked


def test_a_fresh_value_is_not_made_again() -> None:
    source = Source()
    shared = Shared(source, fresh_s=60, stale_s=120)
    assert [shared.get() for _ in range(5)] == [1] * 5


def test_an_old_value_is_made_again() -> None:
    shared = Shared(Source(), fresh_s=0, stale_s=60)
    assert [shared.get() for _ in range(3)] == [1, 2, 3]


def test_a_rush_makes_it_once() -> None:
    source = Source(takes_s=0.05)
    shared = Shared(source, fresh_s=60, stale_s=120)
    with ThreadPoolExecutor(8) as pool:
        assert {found.result() for found in [pool.submit(shared.get) for _ in range(16)]} == {1}
    assert source.asked == 1


def test_nobody_waits_for_what_takes_long(app: Flask) -> None:
    source = Source(takes_s=25 * SLOW_S)
    shared = Shared(source, fresh_s=0, stale_s=60)
    with app.app_context():
        assert shared.get() == 1
        begun_at = time.monotonic()
        assert shared.get() == 1
        assert time.monotonic() - begun_at < 20 * SLOW_S
        wait_until(lambda: shared._made is not None and shared._made.value == 2, timeout_s=5)


def test_one_that_is_too_old_is_never_shown() -> None:
    shared = Shared(Source(takes_s=2 * SLOW_S), fresh_s=0, stale_s=0)
    assert [shared.get() for _ in range(3)] == [1, 2, 3]


def test_what_was_begun_before_a_change_is_not_kept() -> None:
    source = Source(takes_s=0.2)
    shared = Shared(source, fresh_s=60, stale_s=120)
    slow = threading.Thread(target=shared.get)
    slow.start()
    wait_until(lambda: source.asked == 1, timeout_s=5)
    shared.forget()
    slow.join()
    assert shared.get() == 2


def test_a_fault_is_raised_and_the_next_tries_again() -> None:
    source = Source()
    source.faults = 1
    shared = Shared(source, fresh_s=60, stale_s=120)
    with pytest.raises(ValueError, match="not this time"):
        shared.get()
    assert shared.get() == 2
