"""The related jobs of a job: ancestors, descendants, its pipeline and its chord."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text

from mahaam.models import Chord, ChordMember, Job
from mahaam.postgres.query_limits import Reader

ANCESTORS_SHOWN = 4
RELATIVES_SHOWN = 50
LINKS_SHOWN = 20

# Index: job_pkey. `depth` ends a cycle, which only a row that somebody edited can close.
ANCESTORS = text("""
WITH RECURSIVE line AS (
  SELECT id, parent_id, 0 AS depth FROM job WHERE id = :id
  UNION ALL
  SELECT job.id, job.parent_id, depth + 1 FROM job JOIN line ON job.id = line.parent_id
  WHERE depth < :most
)
SELECT job.id, job.task, job.state FROM line JOIN job USING (id) WHERE depth > 0 ORDER BY depth DESC
""")


@dataclass(frozen=True)
class RelatedJob:
    """A job among related jobs; without a `state` it has not been made yet."""

    id: uuid.UUID
    task: str
    state: str | None


@dataclass(frozen=True)
class ChordView:
    """A chord: some of its members in their order, how many have ended, and what they lead to."""

    members: tuple[RelatedJob, ...]
    size: int
    arrived: int
    callback: RelatedJob

    @property
    def unseen(self) -> int:
        """Return how many members are not among `members`."""
        return self.size - len(self.members)


@dataclass(frozen=True)
class RelatedJobs:
    """All that a job is related to.

    `ancestors` begins with the farthest; `links` are the tasks that follow in its pipeline;
    `chord` waits for this job or its pipeline; `gathered` are those whose results it was given.
    """

    job: RelatedJob
    ancestors: tuple[RelatedJob, ...] = ()
    children: tuple[RelatedJob, ...] = ()
    has_more_children: bool = False
    links: tuple[RelatedJob, ...] = ()
    chord: ChordView | None = None
    gathered: ChordView | None = None

    def __bool__(self) -> bool:
        return bool(self.ancestors or self.children or self.links or self.chord or self.gathered)


def family_of(session: Reader, job: Job) -> RelatedJobs:
    """Return everything that is related to `job`, bounded."""
    children = _children(session, job.id)
    chain = list(_chain(job.options))
    links = _links(session, chain)
    return RelatedJobs(
        RelatedJob(job.id, job.task, job.state),
        _ancestors(session, job),
        tuple(child for child in children[:RELATIVES_SHOWN] if child not in links),
        len(children) > RELATIVES_SHOWN,
        links,
        _chord(session, _chord_id(job.options, chain)),
        _gathered(session, job),
    )


def _ancestors(session: Reader, job: Job) -> tuple[RelatedJob, ...]:
    if job.parent_id is None:
        return ()
    rows = session.execute(ANCESTORS, {"id": job.id, "most": ANCESTORS_SHOWN})
    return _relatives(rows)


def _children(session: Reader, job_id: uuid.UUID) -> tuple[RelatedJob, ...]:
    # Index: job_parent.
    question = select(Job.id, Job.task, Job.state).where(Job.parent_id == job_id)
    rows = session.execute(question.order_by(Job.id).limit(RELATIVES_SHOWN + 1))
    return _relatives(rows)


def _chain(options: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield the messages of the tasks that follow in the pipeline, one after the other."""
    message = (options or {}).get("on_complete")
    for _ in range(LINKS_SHOWN):
        if not isinstance(message, dict) or _id(message.get("id")) is None:
            return
        yield message
        message = message.get("on_complete")


def _links(session: Reader, chain: Iterable[dict[str, Any]]) -> tuple[RelatedJob, ...]:
    planned = {uuid.UUID(message["id"]): str(message.get("name", "")) for message in chain}
    made = _states(session, planned)
    return tuple(RelatedJob(id_, task, made.get(id_)) for id_, task in planned.items())


def _id(value: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(value)
    except (TypeError, ValueError, AttributeError):
        return None  # a row that somebody edited may hold anything


def _states(session: Reader, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    wanted = list(ids)
    if not wanted:
        return {}
    rows = session.execute(select(Job.id, Job.state).where(Job.id.in_(wanted)))
    return {row.id: row.state for row in rows}


def _chord_id(options: dict[str, Any] | None, chain: Iterable[dict[str, Any]]) -> uuid.UUID | None:
    """Return the chord that waits for a job with these options, or for the end of its pipeline."""
    named = (_id(each.get("chord")) for each in (options or {}, *chain))
    return next((chord_id for chord_id in named if chord_id), None)


def _gathered(session: Reader, job: Job) -> ChordView | None:
    """Return the chord whose callback `job` is: the job that completed the chord is its parent."""
    if job.parent_id is None:
        return None
    options = session.scalar(select(Job.options).where(Job.id == job.parent_id))
    chord = _chord(session, _chord_id(options, _chain(options)))
    return chord if chord and chord.callback.id == job.id else None


def _chord(session: Reader, chord_id: uuid.UUID | None) -> ChordView | None:
    chord = session.get(Chord, chord_id) if chord_id else None
    if chord is None:  # the chord fired long ago and was deleted
        return None
    # Index: chord_member_pkey.
    question = (
        select(ChordMember.job_id.label("id"), Job.task, Job.state)
        .outerjoin(Job, Job.id == ChordMember.job_id)
        .where(ChordMember.chord_id == chord.id)
        .order_by(ChordMember.place)
        .limit(RELATIVES_SHOWN)
    )
    callback = RelatedJob(
        chord.callback_id,
        str(chord.callback.get("name", "")),
        _states(session, [chord.callback_id]).get(chord.callback_id),
    )
    members = _relatives(session.execute(question))
    return ChordView(members, chord.size, chord.arrived, callback)


def _relatives(rows: Iterable[Any]) -> tuple[RelatedJob, ...]:
    return tuple(RelatedJob(row.id, row.task or "", row.state) for row in rows)
