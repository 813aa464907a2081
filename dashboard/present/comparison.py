"""Two attempts side by side: the arguments, result and error of each, with the differences marked."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from mahaam.jobs.states import State
from mahaam.models import Job
from mahaam.queries.attempts import AttemptEntry
from mahaam.redaction.redact import masked_text

from . import job_payload
from .excerpt import text_excerpt

LINES_COMPARED = 400  # the time for a comparison grows with the square of the lines


@dataclass(frozen=True)
class ComparedLine:
    """One line of one side. With `is_own` the other side does not have the line."""

    text: str
    is_own: bool


@dataclass(frozen=True)
class ComparedJob:
    """One side of a comparison: a job and one of its attempts, or None if it was never started."""

    job: Job
    attempt: AttemptEntry | None

    @property
    def job_id(self) -> uuid.UUID:
        """Return the job's id."""
        return self.job.id

    @property
    def has_result(self) -> bool:
        """Return True if the job's result is the result of this attempt."""
        is_last = self.attempt is not None and self.attempt.number == self.job.attempt
        return is_last and self.job.state == State.COMPLETED

    @property
    def error(self) -> str:
        """Return the error of the attempt as `Class: message`."""
        if self.attempt is None:
            return ""
        parts = (self.attempt.error_class, self.attempt.error_message)
        return ": ".join(part for part in parts if part)

    def texts(self) -> dict[str, str]:
        """Return the texts that are compared line by line, by name."""
        parts = {name: part.text for name, part in job_payload.excerpts(self.job).items()}
        traceback = masked_text((self.attempt and self.attempt.traceback) or "", self.job.task)
        return {
            "args": parts.get("args", ""),
            "kwargs": parts.get("kwargs", ""),
            "result": parts.get("result", "") if self.has_result else "",
            "error": masked_text(self.error, self.job.task),
            "traceback": text_excerpt(traceback).text,
        }


@dataclass(frozen=True)
class JobPair:
    """One kind of text of both sides, with the differing lines marked."""

    name: str
    left: tuple[ComparedLine, ...]
    right: tuple[ComparedLine, ...]

    @property
    def is_same(self) -> bool:
        """Return True if no line differs."""
        return not any(line.is_own for line in (*self.left, *self.right))


def pairs(left: ComparedJob, right: ComparedJob) -> Iterator[JobPair]:
    """Yield a pair for each kind of text that at least one of the two sides has."""
    others = right.texts()
    for name, text in left.texts().items():
        if text or others[name]:
            yield _pair(name, text.splitlines(), others[name].splitlines())


def _pair(name: str, left: list[str], right: list[str]) -> JobPair:
    left, right = left[:LINES_COMPARED], right[:LINES_COMPARED]
    same_left: set[int] = set()
    same_right: set[int] = set()
    for match in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks():
        same_left.update(range(match.a, match.a + match.size))
        same_right.update(range(match.b, match.b + match.size))
    return JobPair(name, _lines(left, same_left), _lines(right, same_right))


def _lines(texts: list[str], same: set[int]) -> tuple[ComparedLine, ...]:
    return tuple(ComparedLine(text, place not in same) for place, text in enumerate(texts))
