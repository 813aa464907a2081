"""The demo of the dead letters: a job that fails, is retried, and fails for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

from flask_babel import gettext as _
from rich.console import RenderableType
from sqlalchemy.orm import Session

from mahaam.enqueuing import catalog
from mahaam.enqueuing.enqueue import enqueue
from mahaam.jobs import states
from mahaam.jobs.states import State
from mahaam.queries.attempts import AttemptEntry, attempts_of
from mahaam.queries.dead_letter_list import DeadLetterEntry, dead_letters_of
from mahaam.queries.job_list import find_job

from ..commands import operator, read
from ..output import row, span, table, word
from . import harness
from .harness import Check

TASK = "tasks.demo.fail"
BACKOFF = 2.0
EARLY = timedelta(seconds=0.001)  # a wait is rounded to microseconds
LATE = timedelta(seconds=5)  # for a busy machine
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Story:
    """The progress of the demo's job."""

    state: str
    attempts: tuple[AttemptEntry, ...]
    letters: tuple[DeadLetterEntry, ...]


def show(retries: int, *, delay_s: float, clear: bool, is_json: bool) -> None:
    """Run the demo and check its promises from the rows."""
    queue = catalog.find(TASK).job.queue
    harness.live_consumers(queue)
    if clear:
        harness.clear_leftovers(TASK, queue)
    waits_s = [delay_s * BACKOFF**number for number in range(retries)]
    ids: list[UUID] = []
    with harness.cancelled_on_interrupt(ids):
        ids.append(_enqueue(retries, delay_s))
        harness.follow(
            lambda: _look(ids[0], waits_s),
            queue=queue,
            limit_s=sum(waits_s) + PATIENCE_S,
            is_quiet=is_json,
        )
    story = read(_story, ids[0])
    harness.judge(_checks(story, waits_s), is_json=is_json, job=ids[0], story=story)


def _enqueue(retries: int, delay_s: float) -> UUID:
    return enqueue(
        TASK,
        (_("This job fails to show what happens then."),),
        max_retries=retries,
        retry_delay=delay_s,
        retry_backoff=BACKOFF,
        retry_jitter=False,
        tags=(harness.TAG,),
        created_by=operator(),
    ).id


def _story(session: Session, job_id: UUID) -> Story:
    job = find_job(session, job_id)
    assert job is not None, "nobody deletes a job that is a minute old"
    return Story(job.state, attempts_of(session, job), dead_letters_of(session, job_id))


def _look(job_id: UUID, waits_s: Sequence[float]) -> tuple[RenderableType, bool]:
    story = read(_story, job_id)
    made = table(
        _("Attempt"), _("Started (UTC)"), _("Ran"), _("Outcome"), _("Then"), numbers=(0, 2),
        title=_("Job %(id)s is %(state)s", id=job_id, state=word(story.state)),
    )  # fmt: skip
    for entry in story.attempts:
        row(
            made, entry.number, entry.started_at, span(entry.run), word(entry.outcome),
            _then(entry, story, waits_s),
        )  # fmt: skip
    return made, states.is_final(story.state)


def _then(entry: AttemptEntry, story: Story, waits_s: Sequence[float]) -> str | None:
    if entry.outcome == State.RETRYING and entry.number <= len(waits_s):
        return _("tried again in %(wait)s", wait=span(waits_s[entry.number - 1]))
    if entry.outcome == State.FAILED and story.letters:
        return _("dead letter %(id)s", id=story.letters[0].id)
    return None


def _checks(story: Story, waits_s: Sequence[float]) -> list[Check]:
    return [_tries(story, len(waits_s)), _waits(story, waits_s), _failure(story), _letter(story)]


def _tries(story: Story, retries: int) -> Check:
    outcomes = [entry.outcome for entry in story.attempts]
    return Check(
        _("Tried once and then %(n)s times again", n=retries),
        outcomes == [State.RETRYING] * retries + [State.FAILED],
        ", ".join(map(word, outcomes)),
    )


def _waits(story: Story, waits_s: Sequence[float]) -> Check:
    seen = [
        later.started_at - earlier.finished_at
        for earlier, later in pairwise(story.attempts)
        if later.started_at and earlier.finished_at
    ]
    ok = len(seen) == len(waits_s) and all(
        -EARLY <= wait - timedelta(seconds=wait_s) <= LATE
        for wait, wait_s in zip(seen, waits_s, strict=True)
    )
    shown = ", ".join(span(wait) for wait in seen) or "–"
    return Check(_("Each wait is twice as long as the one before"), ok, shown)


def _failure(story: Story) -> Check:
    return Check(_("The job failed for good"), story.state == State.FAILED, word(story.state))


def _letter(story: Story) -> Check:
    name = _("It is in the dead letters")
    if not story.letters:
        return Check(name, False, _("there is no dead letter"))
    number = story.letters[0].id
    is_right = len(story.letters) == 1 and story.letters[0].is_open
    return Check(name, is_right, f"flask queue failed-show {number}")
