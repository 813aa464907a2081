"""Time limits on one timer: each wait has its own, and none inherits what is left of another's."""

import time
from collections.abc import Callable

import gevent
from gevent.event import Event

from mahaam.core.deadline import Deadline, TimedEvent
from tests.machine import within

LIMIT_S = 0.2


def test_a_deadline_expires_once_and_not_before_its_time() -> None:
    expired: list[float] = []
    fired = Event()

    def expire() -> None:
        expired.append(time.monotonic())
        fired.set()

    deadline = Deadline(expire)
    begun = time.monotonic()
    deadline.set(LIMIT_S)
    assert fired.wait(within(30))
    gevent.sleep(2 * LIMIT_S)
    (at,) = expired
    assert at - begun >= LIMIT_S


def test_limits_that_follow_one_another_do_not_add_up() -> None:
    expired: list[bool] = []
    deadline = Deadline(lambda: expired.append(True))
    begun = time.monotonic()
    while time.monotonic() - begun < 5 * LIMIT_S:
        deadline.set(1000 * LIMIT_S)
        gevent.sleep(LIMIT_S / 10)
        deadline.clear()
    assert not expired


def test_a_deadline_that_was_cleared_does_not_expire_for_the_next_one() -> None:
    expired: list[bool] = []
    deadline = Deadline(lambda: expired.append(True))
    deadline.set(LIMIT_S)
    deadline.clear()
    deadline.set(1000 * LIMIT_S)
    gevent.sleep(3 * LIMIT_S)
    assert not expired


def test_a_nearer_limit_after_a_farther_one_is_kept() -> None:
    fired = Event()
    deadline = Deadline(fired.set)
    deadline.set(1000)
    deadline.clear()
    deadline.set(LIMIT_S)
    assert fired.wait(within(30))


def test_a_deadline_can_be_set_again_after_it_expired() -> None:
    fired = Event()
    deadline = Deadline(fired.set)
    for _ in range(3):
        fired.clear()
        deadline.set(LIMIT_S / 10)
        assert fired.wait(within(30))


def test_a_wait_says_whether_it_was_ended_by_its_limit() -> None:
    event = TimedEvent()
    assert not event.wait(LIMIT_S / 10)
    gevent.spawn_later(LIMIT_S / 10, event.set)
    assert event.wait(within(30))
    assert event.wait(0), "a set event is not waited for"
    event.clear()
    assert not event.is_set()
    assert not event.wait(LIMIT_S / 10)


def test_a_wait_that_is_killed_leaves_no_limit_behind() -> None:
    event = TimedEvent()
    waiting = gevent.spawn(event.wait, LIMIT_S)
    gevent.sleep(0)
    waiting.kill()
    woken: list[bool] = []
    second = gevent.spawn(_wait_and_note, event.wait, woken)
    gevent.sleep(3 * LIMIT_S)
    assert not woken
    event.set()
    second.join(within(30))
    assert woken == [True]


def _wait_and_note(wait: Callable[[float], bool], woken: list[bool]) -> None:
    woken.append(wait(1000))
