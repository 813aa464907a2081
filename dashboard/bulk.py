"""What an operator does to ticked rows: preview, run, and tell how it went."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel.speaklater import LazyString

from dashboard.languages import said
from tasks.engine.verbs import Verdict

MAX_ROWS = 500
SAMPLES = 10


@dataclass(frozen=True)
class BulkAction:
    """A verb for many rows.

    `question` and `done` make a text from a count; `fits` foresees what the engine, asked by
    `run(ids, by=…)`, will decide itself.
    """

    verb: str
    icon: str
    colour: str
    label: LazyString
    question: Callable[[int], str]
    done: Callable[[int], str]
    fits: Callable[[Any], bool]
    run: Callable[..., Verdict]
    takes_note: bool = False


@dataclass(frozen=True)
class Preview:
    """What an action would do: to which rows, which it would skip, how many are gone."""

    fitting: tuple[Any, ...]
    skipped: tuple[Any, ...]
    missing: int

    @property
    def samples(self) -> tuple[Any, ...]:
        """Some of the rows that the action fits."""
        return self.fitting[:SAMPLES]


def preview(action: BulkAction, entries: Iterable[Any], *, asked: int) -> Preview:
    """Sort `entries` by whether the action fits them; `asked` rows were ticked."""
    entries = tuple(entries)
    return Preview(
        fitting=tuple(entry for entry in entries if action.fits(entry)),
        skipped=tuple(entry for entry in entries if not action.fits(entry)),
        missing=asked - len(entries),
    )


def tell(action: BulkAction, verdict: Verdict) -> None:
    """Say what was done, and why the rest was not."""
    if verdict.done:
        flash(action.done(len(verdict.done)), "success")
    reasons = sorted(set(map(said, verdict.refused.values())))
    for reason in reasons[:SAMPLES]:
        flash(reason, "warning")
    if len(reasons) > SAMPLES:
        flash(_("Others were refused for like reasons."), "warning")
    if not verdict.done and not reasons:
        flash(_("None of these rows exists any more."), "warning")
