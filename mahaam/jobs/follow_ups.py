"""The follow-ups of an ended job; they exist only if the outcome that causes them is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from mahaam.jobs.chord import Arrival, NewChord, Replacement
from mahaam.jobs.new_job import NewJob


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One follow-up job; `call` is its id and its arguments as JSON."""

    job: NewJob
    call: tuple[str, str, str]


Kept = tuple[str, bytes]  # a key and the value under it


@dataclass(slots=True, eq=False)
class FollowUps:
    """Jobs and chords to be made, results that arrive at chords, values to be kept for a week."""

    jobs: list[FollowUp] = field(default_factory=list)
    chords: list[NewChord] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    replacements: list[Replacement] = field(default_factory=list)
    values: list[Kept] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.jobs or self.chords or self.arrivals or self.replacements or self.values)

    @property
    def is_one_job(self) -> bool:
        """Return True for a single job and nothing else."""
        return len(self.jobs) == 1 and not (
            self.chords or self.arrivals or self.replacements or self.values
        )

    def add(self, other: FollowUps) -> None:
        """Add the follow-ups of another ended job."""
        self.jobs += other.jobs
        self.chords += other.chords
        self.arrivals += other.arrivals
        self.replacements += other.replacements
        self.values += other.values


NOTHING = FollowUps()  # the follow-ups of most jobs; nothing is ever added to it
