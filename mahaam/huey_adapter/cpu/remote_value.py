"""A task's return value that JSON cannot carry: it stays where it was made, its name and repr travel."""

from __future__ import annotations

from typing import Any


class RemoteValue:
    """Stands for such a value: has its class's name and its repr, and is as little storable."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def __repr__(self) -> str:
        return self._shown

    @classmethod
    def of(cls, name: str, module: str, shown: str) -> Any:
        """One whose class is named as the one there."""
        return type(name, (cls,), {"__module__": module})(shown)
