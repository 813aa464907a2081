"""Everything that an operator can do to jobs and dead letters, once."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from dashboard import moves
from dashboard.bulk import BulkAction
from dashboard.languages import number
from tasks.engine import verbs

RETRY = BulkAction(
    verb="retry",
    icon="rotate",
    colour="primary",
    label=_l("Retry"),
    question=lambda n: ngettext("Retry %(count)s job", "Retry %(count)s jobs", n, count=number(n)),
    done=lambda n: ngettext(
        "%(count)s job was queued again.", "%(count)s jobs were queued again.", n, count=number(n)
    ),
    fits=lambda job: moves.can("retry", job),
    run=verbs.retry,
)
CANCEL = BulkAction(
    verb="cancel",
    icon="ban",
    colour="danger",
    label=_l("Cancel"),
    question=lambda n: ngettext(
        "Cancel %(count)s job", "Cancel %(count)s jobs", n, count=number(n)
    ),
    done=lambda n: ngettext(
        "%(count)s job was cancelled.", "%(count)s jobs were cancelled.", n, count=number(n)
    ),
    fits=lambda job: moves.can("cancel", job),
    run=verbs.cancel,
)
STOP = BulkAction(
    verb="stop",
    icon="x",
    colour="danger",
    label=_l("Stop"),
    question=lambda n: ngettext("Stop %(count)s job", "Stop %(count)s jobs", n, count=number(n)),
    done=lambda n: ngettext(
        "%(count)s job was asked to stop.", "%(count)s jobs were asked to stop.", n, count=number(n)
    ),
    fits=lambda job: moves.can("stop", job),
    run=verbs.stop,
)
REPROCESS = BulkAction(
    verb="reprocess",
    icon="rotate",
    colour="primary",
    label=_l("Reprocess"),
    question=lambda n: ngettext(
        "Reprocess %(count)s dead letter", "Reprocess %(count)s dead letters", n, count=number(n)
    ),
    done=lambda n: ngettext(
        "%(count)s dead letter was reprocessed: its job is queued again.",
        "%(count)s dead letters were reprocessed: their jobs are queued again.",
        n,
        count=number(n),
    ),
    fits=lambda letter: moves.can("reprocess", letter),
    run=verbs.reprocess,
)
RESOLVE = BulkAction(
    verb="resolve",
    icon="circle-check",
    colour="success",
    label=_l("Resolve"),
    question=lambda n: ngettext(
        "Resolve %(count)s dead letter", "Resolve %(count)s dead letters", n, count=number(n)
    ),
    done=lambda n: ngettext(
        "%(count)s dead letter was resolved.",
        "%(count)s dead letters were resolved.",
        n,
        count=number(n),
    ),
    fits=lambda letter: moves.can("resolve", letter),
    run=verbs.resolve,
    takes_note=True,
)

JOB = {action.verb: action for action in (RETRY, CANCEL, STOP)}
LETTER = {action.verb: action for action in (REPROCESS, RESOLVE)}
