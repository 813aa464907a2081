"""Children of a fork in a task: they run the task's code alone, not the consumer's."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

import gevent
from gevent import hub as gevent_hub
from gevent._hub_local import set_hub, set_loop
from greenlet import greenlet  # type: ignore[import-untyped]

from mahaam.core.exception_text import LINE_LIMIT_BYTES, traceback_of

FAILED = 1  # the child's exit code when the task raised

_left_behind: list[Any] = []  # must not be freed: Python would unwind the parent's greenlets
_children: list[int] = []  # this process, if it is one


def is_child() -> bool:
    """Return True if this process is the child of a fork in a consumer or in one of its CPU processes."""
    return bool(_children)


def watch() -> None:
    """Give each child of a fork of this process a new hub, in which nothing of the parent's runs.

    gevent's own hub would go on in the child with all greenlets of the parent, on its sockets.
    """
    os.register_at_fork(after_in_child=_become_child)


def end(fault: BaseException | None) -> NoReturn:
    """End the child when its task has ended. The parent settles the job."""
    code: Any = 0
    if fault is not None and issubclass(type(fault), SystemExit):
        code = fault.code  # type: ignore[attr-defined]
    elif fault is not None:
        code = FAILED
        _print(traceback_of(fault, LINE_LIMIT_BYTES))
    _print("")
    os._exit(code if isinstance(code, int) else int(code is not None))


def _become_child() -> None:
    _children.append(os.getpid())
    _leave_hub()
    _be_killable()


def _leave_hub() -> None:
    """Leave the parent's hub; gevent makes a new one as soon as one is needed."""
    hub = gevent_hub._get_hub()
    if hub is None or hub.loop is None:
        return
    loop, here = hub.loop, gevent.getcurrent()
    _left_behind.extend((hub, loop, here, here.parent))
    loop.destroy()
    set_loop(None)
    set_hub(None)
    if here.parent is not None:  # the parent's hub, which must not be run on
        here.parent = greenlet(_fallen_out, _root_of(here))


def _root_of(here: Any) -> Any:
    while here.parent is not None:
        here = here.parent
    return here


def _fallen_out(*_result: Any) -> None:
    """End the child when its forking greenlet has ended, whatever ran in it."""
    end(None)


def _be_killable() -> None:
    """Restore the default actions of signals, because the handlers are the parent's."""
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _print(text: str) -> None:
    """Print to standard error, and flush standard output."""
    for stream, words in ((sys.stdout, ""), (sys.stderr, text)):
        try:
            stream.write(words)
            stream.flush()
        except BaseException:  # noqa: BLE001, S112 (the task may have put anything there; it ends now)
            continue
