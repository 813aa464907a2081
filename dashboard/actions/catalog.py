"""The table of bulk actions on jobs and dead letters: one row for each verb."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from mahaam.verbs import ACTS

from ..present import availability
from ..web.languages import number
from . import inputs
from .bulk import BulkAction

Counted = Callable[[int, str], str]  # makes a text from a count and the count as it is shown


def _action(
    verb: str,
    *,
    icon: str,
    colour: str,
    label: object,
    question: Counted,
    done: Counted,
    does: str,
    command: str | None = None,
    is_first: bool = False,
) -> BulkAction:
    return BulkAction(
        verb=verb,
        icon=icon,
        colour=colour,
        label=label,  # type: ignore[arg-type]  # Flask-Babel has no types
        question=question,
        done=lambda n: done(n, number(n)),
        fits=partial(availability.can, verb),
        help=does,
        command=command or verb,
        asks=inputs.of(ACTS[verb].inputs),
        is_first=is_first,
    )


RETRY = _action(
    "retry",
    does="Queue jobs again that have ended.",
    icon="rotate",
    colour="primary",
    label=_l("Retry"),
    question=lambda n, shown: ngettext(
        "Retry %(count)s job", "Retry %(count)s jobs", n, count=shown
    ),
    done=lambda n, shown: ngettext(
        "%(count)s job was queued again.", "%(count)s jobs were queued again.", n, count=shown
    ),
    is_first=True,
)
CANCEL = _action(
    "cancel",
    does="Cancel jobs that wait.",
    icon="ban",
    colour="danger",
    label=_l("Cancel"),
    question=lambda n, shown: ngettext(
        "Cancel %(count)s job", "Cancel %(count)s jobs", n, count=shown
    ),
    done=lambda n, shown: ngettext(
        "%(count)s job was cancelled.", "%(count)s jobs were cancelled.", n, count=shown
    ),
    is_first=True,
)
STOP = _action(
    "stop",
    does="Ask running jobs to stop; what goes on after the grace time is interrupted.",
    icon="x",
    colour="danger",
    label=_l("Stop"),
    question=lambda n, shown: ngettext("Stop %(count)s job", "Stop %(count)s jobs", n, count=shown),
    done=lambda n, shown: ngettext(
        "%(count)s job was asked to stop.", "%(count)s jobs were asked to stop.", n, count=shown
    ),
    is_first=True,
)
PROMOTE = _action(
    "promote",
    does="Let scheduled and retrying jobs run now.",
    icon="player-play",
    colour="primary",
    label=_l("Run now"),
    question=lambda n, shown: ngettext(
        "Run %(count)s job now", "Run %(count)s jobs now", n, count=shown
    ),
    done=lambda n, shown: ngettext(
        "%(count)s job is queued now.", "%(count)s jobs are queued now.", n, count=shown
    ),
    is_first=True,
)
RESCHEDULE = _action(
    "reschedule",
    does="Let waiting jobs run at another time.",
    icon="calendar-time",
    colour="primary",
    label=_l("Reschedule"),
    question=lambda n, shown: ngettext(
        "Reschedule %(count)s job", "Reschedule %(count)s jobs", n, count=shown
    ),
    done=lambda n, shown: ngettext(
        "%(count)s job was rescheduled.", "%(count)s jobs were rescheduled.", n, count=shown
    ),
)
SET_PRIORITY = _action(
    "set_priority",
    does="Give waiting jobs another priority.",
    command="priority",
    icon="arrows-sort",
    colour="primary",
    label=_l("Change priority"),
    question=lambda n, shown: ngettext(
        "Change the priority of %(count)s job",
        "Change the priority of %(count)s jobs",
        n,
        count=shown,
    ),
    done=lambda n, shown: ngettext(
        "%(count)s job has another priority.",
        "%(count)s jobs have another priority.",
        n,
        count=shown,
    ),
)
MOVE = _action(
    "move",
    does="Put waiting jobs into another queue.",
    icon="arrow-right",
    colour="primary",
    label=_l("Move to a queue"),
    question=lambda n, shown: ngettext("Move %(count)s job", "Move %(count)s jobs", n, count=shown),
    done=lambda n, shown: ngettext(
        "%(count)s job was moved.", "%(count)s jobs were moved.", n, count=shown
    ),
)
DUPLICATE = _action(
    "duplicate",
    does="Queue a new job with the same arguments for each of the jobs.",
    icon="copy",
    colour="primary",
    label=_l("Duplicate"),
    question=lambda n, shown: ngettext(
        "Duplicate %(count)s job", "Duplicate %(count)s jobs", n, count=shown
    ),
    done=lambda n, shown: ngettext(
        "%(count)s job was duplicated.", "%(count)s jobs were duplicated.", n, count=shown
    ),
)
FAIL = _action(
    "fail",
    does="Turn completed jobs into failed ones, to try the dead letters.",
    icon="alert-octagon",
    colour="danger",
    label=_l("Turn into failed"),
    question=lambda n, shown: ngettext(
        "Turn %(count)s completed job into a failed one",
        "Turn %(count)s completed jobs into failed ones",
        n,
        count=shown,
    ),
    done=lambda n, shown: ngettext(
        "%(count)s job was turned into a failed one; its dead letter is there.",
        "%(count)s jobs were turned into failed ones; their dead letters are there.",
        n,
        count=shown,
    ),
)
CLEAN = _action(
    "clean",
    does="Remove jobs that have ended, with their attempts, logs and dead letters.",
    icon="trash",
    colour="danger",
    label=_l("Remove"),
    question=lambda n, shown: ngettext(
        "Remove %(count)s job for good", "Remove %(count)s jobs for good", n, count=shown
    ),
    done=lambda n, shown: ngettext(
        "%(count)s job was removed.", "%(count)s jobs were removed.", n, count=shown
    ),
)
REPROCESS = _action(
    "reprocess",
    does="Queue the jobs of dead letters again.",
    command="retry",
    icon="rotate",
    colour="primary",
    label=_l("Reprocess"),
    question=lambda n, shown: ngettext(
        "Reprocess %(count)s dead letter", "Reprocess %(count)s dead letters", n, count=shown
    ),
    done=lambda n, shown: ngettext(
        "%(count)s dead letter was reprocessed: its job is queued again.",
        "%(count)s dead letters were reprocessed: their jobs are queued again.",
        n,
        count=shown,
    ),
    is_first=True,
)
RESOLVE = _action(
    "resolve",
    does="Mark dead letters as dealt with; their jobs stay failed.",
    icon="circle-check",
    colour="success",
    label=_l("Resolve"),
    question=lambda n, shown: ngettext(
        "Resolve %(count)s dead letter", "Resolve %(count)s dead letters", n, count=shown
    ),
    done=lambda n, shown: ngettext(
        "%(count)s dead letter was resolved.",
        "%(count)s dead letters were resolved.",
        n,
        count=shown,
    ),
    is_first=True,
)

ASSIGN = _action(
    "assign",
    does="Give dead letters an owner.",
    icon="user",
    colour="primary",
    label=_l("Assign"),
    question=lambda n, shown: ngettext(
        "Assign %(count)s dead letter", "Assign %(count)s dead letters", n, count=shown
    ),
    done=lambda n, shown: ngettext(
        "%(count)s dead letter has another owner.",
        "%(count)s dead letters have another owner.",
        n,
        count=shown,
    ),
)
NOTIFY = _action(
    "notify",
    does="Send a notification about dead letters.",
    icon="send",
    colour="primary",
    label=_l("Notify"),
    question=lambda n, shown: ngettext(
        "Tell people of %(count)s dead letter",
        "Tell people of %(count)s dead letters",
        n,
        count=shown,
    ),
    done=lambda n, shown: ngettext(
        "People are told of %(count)s dead letter.",
        "People are told of %(count)s dead letters.",
        n,
        count=shown,
    ),
)
ANNOTATE = _action(
    "annotate",
    does="Write a note to dead letters.",
    icon="edit",
    colour="primary",
    label=_l("Write a note"),
    question=lambda n, shown: ngettext(
        "Write a note to %(count)s dead letter",
        "Write a note to %(count)s dead letters",
        n,
        count=shown,
    ),
    done=lambda n, shown: ngettext(
        "%(count)s dead letter has a new note.",
        "%(count)s dead letters have a new note.",
        n,
        count=shown,
    ),
)

# In the order of the buttons.
JOB = {
    action.verb: action
    for action in (
        RETRY, CANCEL, STOP, PROMOTE, SET_PRIORITY, MOVE, RESCHEDULE, DUPLICATE, FAIL, CLEAN,
    )
}  # fmt: skip
LETTER = {action.verb: action for action in (REPROCESS, RESOLVE, NOTIFY, ASSIGN, ANNOTATE)}
ALL = JOB | LETTER
