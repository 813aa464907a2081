"""The parser of stack dumps of a frozen process: finds the job that blocks it, and its function."""

from __future__ import annotations

import re
from typing import NamedTuple

from mahaam.core.fingerprint import is_foreign
from mahaam.workers.freeze.job_table import ID_BYTES, MARK

FRAME = re.compile(
    r'^  File "(?P<file>[^"]*)", line (?P<line>\d+|\?\?\?) in (?P<name>.*)$', re.MULTILINE
)
HOLDER = re.compile(rf"\b{MARK}(\d+)\b")
CUT = "\n  ...\n"


class Frozen(NamedTuple):
    """The facts of a freeze. `job_id` is None if no job blocks the process or the job is not known.

    `is_known`: whether it is known what blocks the process, be it a job or not.
    """

    job_id: str | None
    is_known: bool
    function: str
    stack: str


def read(dump: str, slots: bytes) -> Frozen:
    """Return the facts in a dump of faulthandler and in the table of `job_table.py`."""
    stack = _stack_of_greenlets(dump)
    found = HOLDER.search(stack)
    job_id = _job_of(slots, int(found[1])) if found else None
    is_known = found is not None or (bool(stack) and CUT not in f"{stack}\n")
    return Frozen(job_id, is_known, _function(stack), stack)


def worker_of(slots: bytes) -> str:
    """Return the worker id of the consumer."""
    return slots[:ID_BYTES].decode()


def _job_of(slots: bytes, number: int) -> str | None:
    id_ = slots[number * ID_BYTES : (number + 1) * ID_BYTES].strip(b"\0")
    return id_.decode() or None


def _stack_of_greenlets(dump: str) -> str:
    """Return the stack of the thread in which greenlets run, the innermost frame first."""
    parts = re.split(r"^(?=(?:Current thread|Thread) 0x)", dump, flags=re.MULTILINE)
    stacks = [part for part in parts if FRAME.search(part)]
    with_job = [part for part in stacks if HOLDER.search(part)]
    current = [part for part in stacks if part.startswith("Current thread")]
    return (with_job or current or stacks[-1:] or [""])[0]


def _function(stack: str) -> str:
    """Return the innermost function of the task's own code and the innermost one of all."""
    frames = [(frame["name"], frame["file"], frame["line"]) for frame in FRAME.finditer(stack)]
    if not frames:
        return "a function that cannot be told"
    own = next((frame for frame in frames if not is_foreign(frame[1])), frames[0])
    where = _spelled(own)
    return where if own == frames[0] else f"{where}, in {_spelled(frames[0])}"


def _spelled(frame: tuple[str, str, str]) -> str:
    name, file, line = frame
    return f"{name} ({file.rsplit('/', 1)[-1]}:{line})"
