"""Runs computations that would keep other requests waiting in a thread of the operating system."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import gevent
from gevent import monkey

P = ParamSpec("P")
T = TypeVar("T")


def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what `work` returns. Where requests are greenlets, the others continue meanwhile.

    `work` must use no connection: what belongs to greenlets must not be used in other threads.
    """
    if not monkey.is_module_patched("threading"):
        return work(*args, **kwargs)
    context = contextvars.copy_context()
    done: T = gevent.get_hub().threadpool.apply(context.run, (work, *args), kwargs)
    return done
