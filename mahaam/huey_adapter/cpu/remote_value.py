"""A task's return value that JSON cannot carry: it stays in its process, its name and repr are sent."""

from __future__ import annotations

from typing import Any


class RemoteValue:
    """A stand-in for such a value: has its class's name and its repr, and cannot be stored either."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def __repr__(self) -> str:
        return self._shown

    @classmethod
    def of(cls, name: str, module: str, shown: str) -> Any:
        """Return a stand-in whose class is named as the value's own."""
        return type(name, (cls,), {"__module__": module})(shown)
