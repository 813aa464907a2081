"""Background jobs that are never lost: `from mahaam import task, enqueue, current_job`."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mahaam.api import *  # noqa: F403


def __getattr__(name: str) -> Any:
    """Load the names that applications import when one is used; parts of Mahaam load little."""
    if not name.startswith("_") and importlib.util.find_spec(f"mahaam.{name}") is None:
        api = importlib.import_module("mahaam.api")
        if name in api.__all__:
            return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *importlib.import_module("mahaam.api").__all__])
