"""asyncio beside greenlets: each event loop runs in a native thread of its own.

asyncio keeps one running loop per thread, so that two greenlets of one thread cannot both have
one. A greenlet that runs a loop, by `asyncio.run` or in any other way, waits for a thread that runs
the loop; `current_job` is known there. The loop keeps its thread until it is closed, because what the
loop has started (executors, greenlets) belongs to the hub of that thread.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import selectors
from _queue import SimpleQueue
from asyncio import base_events, selector_events
from collections.abc import Callable
from typing import Any, NoReturn
from weakref import WeakKeyDictionary, finalize

import gevent
from gevent import hub as gevent_hub
from gevent import monkey
from gevent.event import Event

from mahaam.core.errors import MahaamError
from mahaam.run import fork

start_thread = monkey.get_original("_thread", "start_new_thread")
thread_id = monkey.get_original("_thread", "get_ident")

CLEAN_UP_S = 2.0  # time for coroutines to end when their task is stopped

run_forever = base_events.BaseEventLoop.run_forever
close = base_events.BaseEventLoop.close
init = selector_events.BaseSelectorEventLoop.__init__

_threads: WeakKeyDictionary[Any, LoopThread] = WeakKeyDictionary()


def install() -> None:
    """Run loops of this thread's greenlets in threads of their own from now on."""
    here = thread_id()

    def run_in_its_thread(loop: Any) -> None:
        if thread_id() != here or fork.is_child():
            run_forever(loop)
        else:
            _thread_of(loop).run(loop)

    def close_with_its_thread(loop: Any) -> None:
        close(loop)
        if (thread := _threads.pop(loop, None)) is not None:
            thread.close()

    def init_at_rest(loop: Any, selector: Any = None) -> None:
        init(loop, selector if selector is not None or thread_id() != here else _at_rest())

    async def start_no_program(_loop: Any, *_args: Any, **_options: Any) -> NoReturn:
        raise ProgramNotStarted

    programs: Any = asyncio.SelectorEventLoop
    programs.subprocess_exec = programs.subprocess_shell = start_no_program
    base: Any = base_events.BaseEventLoop
    base.run_forever, base.close = run_in_its_thread, close_with_its_thread
    selecting: Any = selector_events.BaseSelectorEventLoop
    selecting.__init__ = init_at_rest


class ProgramNotStarted(MahaamError):
    """A coroutine cannot start a program in a consumer: call subprocess.run in the task itself,
    outside of asyncio, or mark the task cpu_bound=True."""


class LoopThread:
    """The thread of one loop."""

    def __init__(self) -> None:
        self._orders: Any = SimpleQueue()
        start_thread(self._serve, ())

    def run(self, loop: Any) -> None:
        """Run a loop until it is stopped. An interruption of this greenlet cancels the loop's tasks."""
        turn = _LoopRun(loop)
        self._orders.put(turn)
        try:
            turn.wait()
        except BaseException:
            loop.call_soon_threadsafe(_cancel_all, loop)
            with gevent.Timeout(CLEAN_UP_S, False):
                turn.wait()
            raise
        if turn.fault is not None:
            raise turn.fault

    def close(self) -> None:
        """End the thread when its current run has ended."""
        self._orders.put(None)

    def _serve(self) -> None:
        while (turn := self._orders.get()) is not None:
            turn.carry_out()
            if fork.is_child():
                os._exit(1)  # the child of a fork in a coroutine, after the coroutine has ended
            del turn  # and with it the loop
        if (hub := gevent_hub._get_hub()) is not None:
            hub.destroy(destroy_loop=True)


class _LoopRun:
    """One run of a loop."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._context = contextvars.copy_context()
        self._is_over = Event()
        self._notice = gevent.get_hub().loop.async_()
        self._notice.start(self._is_over.set)
        self.fault: BaseException | None = None

    def wait(self) -> None:
        """Wait as a greenlet until the run is over."""
        self._is_over.wait()
        self._notice.stop()
        self._notice.close()

    def carry_out(self) -> None:
        """Run the loop, in its thread."""
        try:
            self._context.run(self._run)
        except BaseException as fault:  # noqa: BLE001 (raised where it is waited for)
            self.fault = fault
        self._notice.send()

    def _run(self) -> None:
        loop = self._loop
        _move(
            loop, selectors.DefaultSelector()
        )  # gevent's: this thread's greenlets run while it waits
        try:
            run_forever(loop)
        finally:
            _move(loop, _at_rest())


def _thread_of(loop: Any) -> LoopThread:
    if (thread := _threads.get(loop)) is None:
        thread = _threads[loop] = LoopThread()
        finalize(loop, thread.close)  # for those that are never closed
    return thread


def _move(loop: Any, selector: Any) -> None:
    """Replace a loop's selector, and register everything that the loop waits for."""
    old = loop._selector
    for key in list(old.get_map().values()):
        selector.register(key.fileobj, key.events, key.data)
    old.close()
    loop._selector = selector


def _at_rest() -> Any:
    """Return a native selector, which belongs to no thread."""
    make: Callable[[], Any] = monkey.get_original("selectors", _NATIVE)
    return make()


_NATIVE = next(
    name
    for name in ("EpollSelector", "KqueueSelector", "DevpollSelector", "SelectSelector")
    if name in monkey.saved.get("selectors", {}) or hasattr(selectors, name)
)


def _cancel_all(loop: Any) -> None:
    """Cancel all tasks of a loop; stop a loop that has none."""
    waiting = asyncio.all_tasks(loop)
    for each in waiting:
        each.cancel()
    if not waiting:
        loop.stop()
