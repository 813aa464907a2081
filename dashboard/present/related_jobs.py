"""The picture of a job's related jobs: boxes in columns, from what came before to what follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise

from mahaam.queries.related_jobs import ChordView, RelatedJob, RelatedJobs

BOX_WIDTH, BOX_HEIGHT = 196, 40
GAP_X, GAP_Y = 44, 10
MARGIN = 6


@dataclass(frozen=True)
class JobBox:
    """A related job and the position of its box. With `is_here` the page is about this job."""

    relative: RelatedJob
    x: int
    y: int
    is_here: bool

    @property
    def middle(self) -> int:
        """Return the y at which lines meet the box."""
        return self.y + BOX_HEIGHT // 2


@dataclass(frozen=True)
class RelatedJobsPicture:
    """Boxes, the lines between them as SVG paths, and the size of the picture in pixels."""

    boxes: tuple[JobBox, ...]
    lines: tuple[str, ...]
    width: int
    height: int


def picture_of(related_jobs: RelatedJobs) -> RelatedJobsPicture:
    """Return the picture, with a box for each of the related jobs."""
    columns = [column for column in _columns(related_jobs) if column]
    tallest = max(map(len, columns))
    boxes = {
        (place, relative.id): JobBox(
            relative,
            MARGIN + place * (BOX_WIDTH + GAP_X),
            MARGIN + row * (BOX_HEIGHT + GAP_Y) + _lead(len(column), tallest),
            is_here=relative.id == related_jobs.job.id,
        )
        for place, column in enumerate(columns)
        for row, relative in enumerate(column)
    }
    return RelatedJobsPicture(
        tuple(boxes.values()),
        tuple(_line(*ends) for ends in _ends(related_jobs, list(boxes.values()))),
        2 * MARGIN + len(columns) * (BOX_WIDTH + GAP_X) - GAP_X,
        2 * MARGIN + tallest * (BOX_HEIGHT + GAP_Y) - GAP_Y,
    )


def _columns(related_jobs: RelatedJobs) -> Iterator[list[RelatedJob]]:
    """Yield the columns from left to right, each with its jobs."""
    if related_jobs.gathered:
        yield list(related_jobs.gathered.members)
    else:
        yield from ([ancestor] for ancestor in related_jobs.ancestors)
    yield _own_column(related_jobs)
    yield list(dict.fromkeys((*related_jobs.links[:1], *related_jobs.children)))
    yield from ([link] for link in related_jobs.links[1:])
    if related_jobs.chord:
        yield [related_jobs.chord.callback]


def _own_column(related_jobs: RelatedJobs) -> list[RelatedJob]:
    """Return the job's column: the members of its chord if the job is one of them, else the job alone."""
    members = _members(related_jobs.chord)
    is_member = any(member.id == related_jobs.job.id for member in members)
    return members if is_member else [related_jobs.job]


def _members(chord: ChordView | None) -> list[RelatedJob]:
    return list(chord.members) if chord else []


def _ends(related_jobs: RelatedJobs, boxes: list[JobBox]) -> Iterator[tuple[JobBox, JobBox]]:
    """Yield the pairs of boxes that a line joins."""
    of = {box.relative.id: box for box in boxes}
    pairs: Iterable[tuple[RelatedJob, RelatedJob]] = chain(
        _in_a_row(
            (*(related_jobs.ancestors if not related_jobs.gathered else ()), related_jobs.job)
        ),
        ((member, related_jobs.job) for member in _members(related_jobs.gathered)),
        ((related_jobs.job, child) for child in related_jobs.children),
        _in_a_row((related_jobs.job, *related_jobs.links)),
        _to_callback(related_jobs),
    )
    for left, right in dict.fromkeys((left.id, right.id) for left, right in pairs):
        if left in of and right in of:
            yield of[left], of[right]


def _to_callback(related_jobs: RelatedJobs) -> Iterator[tuple[RelatedJob, RelatedJob]]:
    if not related_jobs.chord:
        return
    for member in (*related_jobs.chord.members, (related_jobs.links or (related_jobs.job,))[-1]):
        yield member, related_jobs.chord.callback


def _in_a_row(relatives: tuple[RelatedJob, ...]) -> Iterable[tuple[RelatedJob, RelatedJob]]:
    return pairwise(relatives)


def _lead(size: int, tallest: int) -> int:
    """Return how far down a column begins, in pixels, so that all columns are centred."""
    return (tallest - size) * (BOX_HEIGHT + GAP_Y) // 2


def _line(left: JobBox, right: JobBox) -> str:
    start_x, across, down = left.x + BOX_WIDTH, right.x - left.x - BOX_WIDTH, right.y - left.y
    bend = across // 2
    return f"M{start_x} {left.middle}c{bend} 0 {across - bend} {down} {across} {down}"
