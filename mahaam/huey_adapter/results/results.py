"""Outcomes of jobs, for callers that ask for a result."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from huey.constants import EmptyData
from huey.exceptions import RETRYING_EXCEPTIONS

from mahaam.core.payload import dump, load
from mahaam.huey_adapter.results import queries, store
from mahaam.huey_adapter.results.queries import ResultOptions, ResultState
from mahaam.postgres import database
from mahaam.queries import values

JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
AGAIN = [f"{kind.__module__}.{kind.__name__}" for kind in RETRYING_EXCEPTIONS]
FLUSHED = "huey.flushed"  # the value whose age says when all results were flushed
MOST = 10_000  # results that are listed or counted at once


def is_job_id(key: str) -> bool:
    """Return True if `key` is the id of a job and not a key of Huey's own."""
    return JOB_ID.fullmatch(key) is not None


def raw(job_id: str, *, early: bool, peek: bool) -> Any:
    """Return the job's result as JSON bytes, its failure as an `$error`, EmptyData while there is none.

    With `early` an error counts although there are retries left. Without `peek` it is taken: asked
    again, there is none. A later job of a pipeline that failed before it has no row, but a value.
    """
    found = standing(job_id, early=early)
    if found is None:
        return database.repeatable(lambda cursor: values.found(cursor, [job_id])).get(
            job_id, EmptyData
        )
    if not found.is_ready or not (peek or _take(found)):
        return EmptyData
    return answer(found)


def standing(job_id: str, *, early: bool) -> ResultState | None:
    """Return the state of a job's result, or None when the job does not exist."""
    return database.repeatable(
        partial(queries.standing, job_id=job_id, options=_result_options(early))
    )


def everything(*, early: bool) -> dict[str, bytes]:
    """Return all results that nobody has taken yet, by job; MOST at most."""
    found = database.repeatable(partial(queries.ready, options=_result_options(early), limit=MOST))
    return {ready.id: answer(ready) for ready in found}


def count(*, early: bool) -> int:
    """Return how many results nobody has taken yet; stops at MOST."""
    return database.repeatable(
        partial(queries.ready_count, options=_result_options(early), limit=MOST)
    )


def answer(found: ResultState) -> bytes:
    """Return a result, or an error as Huey's results carry it."""
    if found.state == "completed":
        return (found.result or "null").encode()
    metadata = {
        "error": f"{found.error_class}({found.error_message!r})",
        "retries": found.retries,
        "traceback": found.traceback or "",
        "task_id": found.id,
        **(load(found.error_metadata) if found.error_metadata else {}),
    }
    return ('{"$error":' + dump(metadata, what="The error") + "}").encode()


def _take(found: ResultState) -> bool:
    taken = found.answer or 0
    return database.repeatable(lambda cursor: store.take(cursor, found.id, answer=taken))


def _result_options(early: bool) -> ResultOptions:
    return {"early": early, "again": AGAIN, "flushed": FLUSHED}
