"""Bulk verbs on ticked rows or on all that match a filter: the action, its preview, its result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel.speaklater import LazyString

from mahaam.verbs import ACTS, Input, VerbResult

from ..web.languages import number, said
from .inputs import NOTHING, Asked

MAX_ROWS = 500
SAMPLES = 10


@dataclass(frozen=True)
class BulkAction:
    """A verb for many rows.

    `question` makes a text from a count and the count as it is shown, `done` makes one from a count.
    `fits` predicts for one row what the engine decides by itself. `asks` holds the fields of the
    verb's inputs. An action with `is_first` has a button of its own; the others are in a menu.
    `command` is the verb's name on the command line, and `help` is its sentence there.
    """

    verb: str
    icon: str
    colour: str
    label: LazyString
    question: Callable[[int, str], str]
    done: Callable[[int], str]
    fits: Callable[[Any], bool]
    help: str
    command: str
    asks: Asked = NOTHING
    is_first: bool = False

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Return the inputs that the engine takes for the verb."""
        return ACTS[self.verb].inputs

    @property
    def takes_note(self) -> bool:
        """Return True if the verb takes a note, which is kept with the row."""
        return any(one.name == "note" for one in self.inputs)

    @property
    def needs_note(self) -> bool:
        """Return True if the verb requires a note."""
        return any(one.name == "note" and one.is_required for one in self.inputs)

    def takes(self, state: str | None) -> bool:
        """Return True if the verb takes jobs in this state. None stands for a list of any state."""
        act = ACTS[self.verb]
        return state is None or act.kind != "job" or state in act.sources


@dataclass(frozen=True)
class Skipped:
    """Rows that the verb skips, grouped by what they are."""

    what: Any  # a badge
    count: int
    is_least: bool = False

    @property
    def shown(self) -> str:
        """Return the count as it is shown."""
        return shown(self.count, is_least=self.is_least)


@dataclass(frozen=True)
class BulkPreview:
    """The effect that an action would have: how many rows, some of them, and those that it skips.

    `ids` are the ids of the rows when rows were ticked. `until` is the newest id of all that match.
    """

    count: int
    is_least: bool = False
    samples: tuple[Any, ...] = ()
    skipped: tuple[Any, ...] = ()
    skipped_counts: tuple[Skipped, ...] = ()
    missing: int = 0
    ids: tuple[Any, ...] = ()
    until: str | None = None
    is_all: bool = False

    @property
    def shown(self) -> str:
        """Return the count as it is shown."""
        return shown(self.count, is_least=self.is_least)


def shown(count: int, *, is_least: bool) -> str:
    """Return a count as text, with a plus when there may be more."""
    return f"{number(count)}{'+' if is_least else ''}"


def preview(action: BulkAction, entries: Iterable[Any], *, asked: int) -> BulkPreview:
    """Return the preview for `entries`, split by whether the action fits. `asked` rows were ticked."""
    entries = tuple(entries)
    fitting = tuple(entry for entry in entries if action.fits(entry))
    return BulkPreview(
        count=len(fitting),
        samples=fitting[:SAMPLES],
        skipped=tuple(entry for entry in entries if not action.fits(entry)),
        missing=asked - len(entries),
        ids=tuple(entry.id for entry in fitting),
    )


def tell(action: BulkAction, result: VerbResult) -> None:
    """Show what was done, offer to undo it, and show why the rest was not done."""
    if result.done:
        flash(action.done(len(result.done)), "success")
        if ACTS[action.verb].is_undoable:
            flash(str(result.operation_id), "undo")
    for made in list(result.made.values())[:1]:
        flash(str(made), "made")
    reasons = sorted(set(map(said, result.refused.values())))
    for reason in reasons[:SAMPLES]:
        flash(reason, "warning")
    if len(reasons) > SAMPLES:
        flash(_("Others were refused for like reasons."), "warning")
        flash(str(result.operation_id), "operation")
    if not result.done and not reasons:
        flash(_("None of these rows exists any more."), "warning")
