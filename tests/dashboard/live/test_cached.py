"""What viewers share: made once for many, never older than allowed, never from before a change."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from dashboard.live.cached import SLOW_S, Cached
from mahaam.postgres.query_limits import QueryTooSlow
from tests.waiting import wait_until


class Source:
    """Counts how often it was asked; takes its time."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self.asked = 0
        self.takes_s = takes_s
        self.faults = 0
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self) -> int:
        self.asked += 1
        time.sleep(self.takes_s)
        assert self.may_end.wait(60), "somebody waited for this one"
        if self.faults:
            self.faults -= 1
            raise ValueError("not this time")
        return self.asked


def test_a_fresh_value_is_not_made_again() -> None:
    source = Source()
    cached = Cached(source, fresh_s=60, stale_s=120)
    assert [cached.get() for _ in range(5)] == [1] * 5


def test_an_old_value_is_made_again() -> None:
    cached = Cached(Source(), fresh_s=0, stale_s=60)
    assert [cached.get() for _ in range(3)] == [1, 2, 3]


def test_a_rush_makes_it_once() -> None:
    source = Source(takes_s=0.05)
    cached = Cached(source, fresh_s=60, stale_s=120)
    with ThreadPoolExecutor(8) as pool:
        assert {found.result() for found in [pool.submit(cached.get) for _ in range(16)]} == {1}
    assert source.asked == 1


def test_nobody_waits_for_what_takes_long(app: Flask) -> None:
    source = Source(takes_s=2 * SLOW_S)
    cached = Cached(source, fresh_s=0, stale_s=60)
    with app.app_context():
        assert cached.get() == 1
        source.may_end.clear()
        assert cached.get() == 1
        source.may_end.set()
        wait_until(lambda: cached._made is not None and cached._made.value == 2)


def test_one_that_is_too_old_is_never_shown() -> None:
    cached = Cached(Source(takes_s=2 * SLOW_S), fresh_s=0, stale_s=0)
    assert [cached.get() for _ in range(3)] == [1, 2, 3]


def test_what_was_begun_before_a_change_is_not_kept() -> None:
    source = Source(takes_s=0.2)
    cached = Cached(source, fresh_s=60, stale_s=120)
    slow = threading.Thread(target=cached.get)
    slow.start()
    wait_until(lambda: source.asked == 1, timeout_s=5)
    cached.forget()
    slow.join()
    assert cached.get() == 2


def test_a_fault_is_raised_and_the_next_tries_again() -> None:
    source = Source()
    source.faults = 1
    cached = Cached(source, fresh_s=60, stale_s=120)
    with pytest.raises(ValueError, match="not this time"):
        cached.get()
    assert cached.get() == 2


def test_who_peeks_waits_for_nothing(app: Flask) -> None:
    asked, slow = threading.Event(), threading.Event()

    def answer() -> int:
        asked.set()
        slow.wait(5)
        return 42

    cached = Cached(answer, fresh_s=0)
    with app.app_context():
        assert cached.peek(wait_s=0) is None
        assert asked.wait(5)
        assert cached.peek() is None  # it is asked for already
        slow.set()
        wait_until(lambda: cached.peek() == 42)


def test_who_peeks_sees_the_last_value_when_the_next_one_fails(app: Flask) -> None:
    answers = iter([7])

    def answer() -> int:
        try:
            return next(answers)
        except StopIteration:
            raise QueryTooSlow from None

    cached = Cached(answer, fresh_s=0)
    with app.app_context():
        wait_until(lambda: cached.peek() == 7)
        for _ in range(20):
            assert cached.peek() == 7
