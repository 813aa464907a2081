"""The console's table of verbs that are done at once, without an operation: on workers, schedules,
error groups and alerts.

The engine's row of each verb (`mahaam/verb_table.py`) holds the right, the states and the function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_babel.speaklater import LazyString

from mahaam.verb_table import TABLE, VerbRow
from mahaam.verbs import VerbResult

from ..web.languages import number
from ..web.query_string import integer, moment

Form = Mapping[str, str]


class NotUnderstood(Exception):
    """An input of a verb is not a valid number, time or name. The message is for the user."""


@dataclass(frozen=True)
class DirectAction:
    """One verb as the console shows it.

    `done` makes the sentence for a count of rows, `page` is the endpoint with the verb's button.
    `command` holds the words of its command, `help` its sentence there. `question` and `advice` are for
    a verb that needs a confirmation. `read` takes the inputs from a form and raises NotUnderstood.
    """

    kind: str
    name: str
    icon: str
    colour: str
    label: LazyString
    done: Callable[[int], str]
    page: str
    command: str
    help: str
    question: LazyString | None = None
    advice: LazyString | None = None
    read: Callable[[Form], dict[str, Any]] = lambda _form: {}

    @property
    def row(self) -> VerbRow:
        """Return the engine's row of the verb."""
        return TABLE[self.kind, self.name]

    @property
    def right(self) -> str:
        """Return the right that the verb needs."""
        return self.row.needs

    def takes(self, state: str) -> bool:
        """Return True if the verb takes something in this state."""
        return not self.row.states or state in self.row.states

    def carry_out(self, ids: Iterable[Any], form: Form, *, by: str) -> VerbResult:
        """Run the verb with the form's inputs. Raises NotUnderstood, OptionNotValid, DatabaseUnavailable."""
        return self.row.run(list(ids), by=by, **self.row.check(self.read(form)))


def _owner(form: Form) -> dict[str, Any]:
    return {"owner": form.get("owner", "").strip() or None}


def _reason(form: Form) -> dict[str, Any]:
    return {"reason": form.get("reason", "")[:500] or None}


def _minutes(form: Form) -> dict[str, Any]:
    return {"minutes": integer(form.get("minutes", "")) or 0}


def _greenlets(form: Form) -> dict[str, Any]:
    try:
        return {"greenlets": int(form.get("greenlets", ""))}
    except ValueError:
        raise NotUnderstood(_("This is not a whole number.")) from None


def _until_when(form: Form) -> dict[str, Any]:
    how, value = form.get("how", ""), form.get("value", "").strip()
    options: dict[str, Any] = {}
    if how == "until":
        options["until"] = moment(form.get("until", ""))
    elif how in ("times", "rate"):
        is_number = value.isascii() and value.isdigit() and len(value) < 13
        options[how] = int(value) if is_number else None
    if None in options.values() or how not in ("", "ever", "until", "times", "rate"):
        raise NotUnderstood(_("Say until when: a time, or a whole number."))
    return options


ERROR_GROUP = (
    DirectAction(
        "error_group", "resolve", "circle-check", "success", _l("Resolve"),
        lambda n: ngettext(
            "%(count)s error group is resolved. If it comes back, it is open again.",
            "%(count)s error groups are resolved. What comes back is open again.",
            n, count=number(n),
        ),
        "error.index", "errors resolve", "Mark causes as mended; what comes back is open again.",
    ),
    DirectAction(
        "error_group", "ignore", "bell-off", "", _l("Ignore"),
        lambda n: ngettext(
            "%(count)s error group is ignored.", "%(count)s error groups are ignored.",
            n, count=number(n),
        ),
        "error.index", "errors ignore", "Let causes make no alert: for ever, or until something.",
        read=_until_when,
    ),
    DirectAction(
        "error_group", "watch", "bell", "", _l("Watch again"),
        lambda n: ngettext(
            "%(count)s error group is watched again.", "%(count)s error groups are watched again.",
            n, count=number(n),
        ),
        "error.index", "errors watch", "Let causes that were resolved or ignored be open again.",
    ),
    DirectAction(
        "error_group", "assign", "user", "", _l("Assign"),
        lambda n: ngettext(
            "%(count)s error group has another owner.", "%(count)s error groups have another owner.",
            n, count=number(n),
        ),
        "error.details", "errors assign", "Give causes an owner.", read=_owner,
    ),
)  # fmt: skip
ALERT = (
    DirectAction(
        "alert", "acknowledge", "eye", "primary", _l("Acknowledge"),
        lambda n: ngettext(
            "%(count)s alert is acknowledged.", "%(count)s alerts are acknowledged.",
            n, count=number(n),
        ),
        "alert.index", "alerts acknowledge", "Say that you are on it: nobody is told any more.",
    ),
    DirectAction(
        "alert", "silence", "bell-off", "", _l("Silence"),
        lambda n: ngettext(
            "%(count)s alert is silenced.", "%(count)s alerts are silenced.", n, count=number(n)
        ),
        "alert.index", "alerts silence", "Tell nobody of alerts for some minutes.", read=_minutes,
    ),
    DirectAction(
        "alert", "resolve", "circle-check", "success", _l("Close"),
        lambda n: ngettext(
            "%(count)s alert is closed.", "%(count)s alerts are closed.", n, count=number(n)
        ),
        "alert.index", "alerts resolve", "Close alerts by hand.",
    ),
    DirectAction(
        "alert", "assign", "user", "", _l("Assign"),
        lambda n: ngettext(
            "%(count)s alert has another owner.", "%(count)s alerts have another owner.",
            n, count=number(n),
        ),
        "alert.details", "alerts assign", "Say who is on alerts.", read=_owner,
    ),
)  # fmt: skip
SCHEDULE = (
    DirectAction(
        "schedule", "run", "player-play", "blue", _l("Run now"),
        lambda n: ngettext("%(n)s job was made.", "%(n)s jobs were made.", n, n=number(n)),
        "schedule.index", "schedule run-now",
        "Make one job of each schedule now, with the schedule's own options.",
    ),
    DirectAction(
        "schedule", "enable", "check", "", _l("Enable"),
        lambda n: ngettext(
            "%(n)s schedule is enabled.", "%(n)s schedules are enabled.", n, n=number(n)
        ),
        "schedule.index", "schedule enable", "Let schedules fire again, from their next time on.",
    ),
    DirectAction(
        "schedule", "disable", "player-pause", "", _l("Disable"),
        lambda n: ngettext(
            "%(n)s schedule is disabled.", "%(n)s schedules are disabled.", n, n=number(n)
        ),
        "schedule.index", "schedule disable", "Let schedules fire no more; what they made goes on.",
        question=_l("Disable"), read=_reason,
    ),
    DirectAction(
        "schedule", "back_to_code", "code", "", _l("Back to the code"),
        lambda n: ngettext(
            "%(n)s schedule is as the code says.", "%(n)s schedules are as the code says.",
            n, n=number(n),
        ),
        "schedule.details", "schedule back-to-code",
        "Give schedules that were edited what the code says of them.",
        question=_l("Back to the code"),
    ),
    DirectAction(
        "schedule", "delete", "trash", "red", _l("Delete"),
        lambda n: ngettext(
            "%(n)s schedule was deleted.", "%(n)s schedules were deleted.", n, n=number(n)
        ),
        "schedule.index", "schedule delete", "Delete schedules with their history; their jobs stay.",
        question=_l("Delete"),
    ),
)  # fmt: skip
WORKER = (
    DirectAction(
        "worker", "quiet", "player-pause", "primary", _l("Quiet"),
        lambda _n: _("The worker was told to take nothing new; it does so within two seconds."),
        "worker.index", "workers quiet", "Let consumers finish what they run and take nothing new.",
        _l("Let this worker take nothing new?"),
        _l("What it runs finishes. It stays, and can be woken."),
    ),
    DirectAction(
        "worker", "wake", "player-play", "primary", _l("Wake"),
        lambda _n: _("The worker was told to take jobs again; it does so within two seconds."),
        "worker.index", "workers wake", "Let quiet consumers take jobs again.",
        _l("Let this worker take jobs again?"), _l("It serves its queues as before."),
    ),
    DirectAction(
        "worker", "resize", "arrows-maximize", "primary", _l("Resize"),
        lambda _n: _("The worker was told its new size; it takes it within two seconds."),
        "worker.index", "workers resize", "Let a consumer run so many jobs at once.",
        _l("How many jobs may it run at once?"),
        _l("What runs goes on; with fewer places, none is started until enough have ended."),
        _greenlets,
    ),
    DirectAction(
        "worker", "stop", "x", "danger", _l("Stop"),
        lambda _n: _("The worker was told to end; it begins to within two seconds."),
        "worker.index", "workers stop", "End consumers as SIGTERM does.",
        _l("End this worker?"), _l("Running jobs get time to finish, the others are given back."),
    ),
)  # fmt: skip
PAUSES = tuple(
    action
    for kind, page in (("queue", "queues.details"), ("task", "task.index"))
    for action in (
        DirectAction(
            kind, "pause", "player-pause", "primary", _l("Pause"),
            lambda _n: _("Paused. What runs now finishes."), page,
            f"{'tasks' if kind == 'task' else kind} pause", "Start nothing more; what runs finishes.",
            question=_l("Pause"),
        ),
        DirectAction(
            kind, "resume", "player-play", "primary", _l("Resume"), lambda _n: _("It goes on."), page,
            f"{'tasks' if kind == 'task' else kind} resume", "Start jobs again.",
            question=_l("Resume"),
        ),
    )
)  # fmt: skip
OPERATION = (
    DirectAction(
        "operation", "abort", "x", "danger", _l("Abort bulk work"),
        lambda _n: _("The operation was aborted. What it had done stays done."),
        "operation.details", "operations abort",
        "End it after the batch that is under way; what it has done stays done.",
    ),
    DirectAction(
        "operation", "undo", "arrow-back-up", "primary", _l("Undo"),
        lambda n: ngettext(
            "%(count)s is as it was before.", "%(count)s are as they were before.",
            n, count=number(n),
        ),
        "operation.details", "operations undo",
        "Give back what it changed, where nothing has come of it yet.",
    ),
)  # fmt: skip

ALL = (*PAUSES, *OPERATION, *ERROR_GROUP, *ALERT, *SCHEDULE, *WORKER)


def of_kind(kind: str) -> dict[str, DirectAction]:
    """Return the actions on a kind of thing by their names, in the order of their buttons."""
    return {action.name: action for action in ALL if action.kind == kind}
