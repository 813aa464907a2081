"""Writes of follow-ups of ended jobs, in the transaction that ends them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from mahaam.core.ids import new_id
from mahaam.core.payload import load
from mahaam.jobs import derive_follow_ups
from mahaam.jobs.derive_follow_ups import FinalState
from mahaam.jobs.follow_ups import FollowUp, FollowUps
from mahaam.jobs.notice import Notice
from mahaam.postgres.database import Cursor
from mahaam.store import accept_jobs, chords, values

KEPT_S = 7 * 86400.0  # how long values that an ended job leaves are kept

# Is the job with this id left from an earlier run of its parent? Then the parent was retried by an
# operator, and its new run has its own follow-ups.
IS_OF_EARLIER_RUN = """
SELECT EXISTS (SELECT FROM job AS earlier, job AS parent
               WHERE earlier.id = %s AND parent.id = %s AND earlier.created_at < parent.started_at)
"""


def write(cursor: Cursor, follows: FollowUps) -> list[Notice]:
    """Insert chords, then jobs, then record the ended members of chords. Return the notices to ring.

    Rows that exist already, because the same follow-ups were written before, are not changed.
    """
    chords.make(cursor, follows.chords)
    for replacement in follows.replacements:
        chords.replace(cursor, replacement)
    for key, value in follows.values:
        values.put(cursor, key, value, ttl_s=KEPT_S)
    notices = []
    for _, group in groupby(follows.jobs, key=attrgetter("job")):
        notices += _accept(cursor, list(group))
    if follows.arrivals:
        fired = chords.arrive(cursor, follows.arrivals)
        cause = follows.arrivals[-1].cause
        for chord in fired:
            notices += _accept(cursor, [_callback(chord, cause)])
    return notices


def of_ends(cursor: Cursor, ends: Iterable[FinalState]) -> list[Notice]:
    """Write the follow-ups of jobs that ended without Huey. Return the notices to ring."""
    follows = FollowUps()
    for end in ends:
        follows.add(derive_follow_ups.of_end(end))
    return write(cursor, follows) if follows else []


def _accept(cursor: Cursor, wanted: Sequence[FollowUp]) -> list[Notice]:
    """Insert follow-ups of one kind."""
    job = wanted[0].job
    made = accept_jobs.accept(cursor, job, [follow_up.call for follow_up in wanted])
    if len(made) < len(wanted):
        there = {accepted.id for accepted in made}
        missing = [follow_up for follow_up in wanted if follow_up.call[0] not in there]
        made += _accept_anew(cursor, missing)
    return [notice for row in made if (notice := row.ring(job))]


def _accept_anew(cursor: Cursor, missing: Sequence[FollowUp]) -> list[accept_jobs.Accepted]:
    made = []
    for job, (id_, *arguments) in ((follow_up.job, follow_up.call) for follow_up in missing):
        cursor.execute(IS_OF_EARLIER_RUN, (id_, job.parent_id))
        if cursor.fetchone() == (True,):
            made += accept_jobs.accept(cursor, job, [(new_id(), arguments[0], arguments[1])])
    return made


def _callback(chord: chords.CompletedChord, cause: str) -> FollowUp:
    """Return the callback of a chord, called with the list of its members' results."""
    brought = [load(value) for value in chord.values]
    return derive_follow_ups.follow_up(load(chord.callback), (brought,), parent_id=cause)
