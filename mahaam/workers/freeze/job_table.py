"""Which job each greenlet of a consumer runs, where another process can read it."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

ID_BYTES = 36  # a UUID as text
SLOTS = 4096  # more greenlets than this are not told apart
NOBODY = bytes(ID_BYTES)
MARK = "run_in_slot_"  # a greenlet's number, in the name of a function on its stack

F = TypeVar("F", bound=Callable[..., Any])


class FreezeTable:
    """A table in a file without a name: the worker's id first, then a job's id for each greenlet."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="mahaam-slots-")  # noqa: SIM115 (as long as this)
        self._file.truncate((SLOTS + 1) * ID_BYTES)
        self._table = mmap.mmap(self._file.fileno(), 0)
        self._count = 0

    @property
    def number(self) -> int:
        """The descriptor of the file."""
        return self._file.fileno()

    def close(self) -> None:
        """Let go of the table."""
        self._table.close()
        self._file.close()

    def name(self, worker_id: str) -> None:
        """Note under which id this consumer claims jobs."""
        self._table[:ID_BYTES] = worker_id.encode()

    def new(self) -> FreezeRow:
        """A slot for one more greenlet."""
        self._count += 1
        return FreezeRow(self._table, min(self._count, SLOTS))


class FreezeRow:
    """The line of one greenlet."""

    __slots__ = ("_at", "_table", "_until", "number")

    def __init__(self, table: mmap.mmap, number: int) -> None:
        self.number = number
        self._table = table
        self._at, self._until = number * ID_BYTES, (number + 1) * ID_BYTES

    def take(self, job_id: str) -> None:
        """Note which job runs here."""
        self._table[self._at : self._until] = job_id.encode()

    def leave(self) -> None:
        """Note that none does."""
        self._table[self._at : self._until] = NOBODY

    def named(self, function: F) -> F:
        """A function like `function`, with this slot's number in its name.

        A dump of the stack, which is all that can be had of a frozen process, tells names alone.
        """
        name = f"{MARK}{self.number}"
        code = function.__code__.replace(co_name=name, co_qualname=name)
        return FunctionType(code, function.__globals__, name, None, function.__closure__)  # type: ignore[return-value]
