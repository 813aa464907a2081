"""The table of the job that each greenlet of a consumer runs, readable by another process."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

ID_BYTES = 36  # a UUID as text
SLOTS = 4096  # greenlets beyond this number share one row
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
        """Return the descriptor of the file."""
        return self._file.fileno()

    def close(self) -> None:
        """Close the table and its file."""
        self._table.close()
        self._file.close()

    def name(self, worker_id: str) -> None:
        """Write the worker id under which this consumer claims jobs."""
        self._table[:ID_BYTES] = worker_id.encode()

    def new(self) -> FreezeRow:
        """Return a row for one more greenlet."""
        self._count += 1
        return FreezeRow(self._table, min(self._count, SLOTS))


class FreezeRow:
    """The row of one greenlet."""

    __slots__ = ("_at", "_table", "_until", "number")

    def __init__(self, table: mmap.mmap, number: int) -> None:
        self.number = number
        self._table = table
        self._at, self._until = number * ID_BYTES, (number + 1) * ID_BYTES

    def take(self, job_id: str) -> None:
        """Write the id of the job that the greenlet runs."""
        self._table[self._at : self._until] = job_id.encode()

    def leave(self) -> None:
        """Write that the greenlet runs no job."""
        self._table[self._at : self._until] = NOBODY

    def named(self, function: F) -> F:
        """Return a copy of `function`, with this row's number in its name.

        A stack dump, which is all that can be read of a frozen process, contains only names.
        """
        name = f"{MARK}{self.number}"
        code = function.__code__.replace(co_name=name, co_qualname=name)
        return FunctionType(code, function.__globals__, name, None, function.__closure__)  # type: ignore[return-value]
