"""Too many of the jobs of a task or a queue fail."""

from __future__ import annotations

from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.queries import causes
from mahaam.alerts.rule_types.rule_type import (
    MOST_FINDINGS,
    Cause,
    Evaluation,
    Moments,
    Parameters,
    RuleParameter,
    RuleType,
    minutes,
)
from mahaam.core.translatable import Translatable
from mahaam.postgres.database import Cursor

OTHER = {"task": "queue", "queue": "task"}
WHAT = {
    "task": Translatable("%(percent)s %% of the jobs of task %(name)s fail (%(count)s failed)."),
    "queue": Translatable("%(percent)s %% of the jobs of queue %(name)s fail (%(count)s failed)."),
}
PAGE = {"task": LinkedPage.FAILED_JOBS_OF_TASK, "queue": LinkedPage.FAILED_JOBS_OF_QUEUE}


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    of = look.parameters["of"]
    cursor.execute(
        causes.FAILURE_RATE_LOOK.format(of=of),
        {"name": None, **look.parameters, "limit": MOST_FINDINGS},
    )
    return [
        Cause(
            f"{of}:{name}",
            WHAT[of].about(percent=percent, name=name, count=count),
            address_of(PAGE[of], name),
        )
        for name, percent, count in cursor.fetchall()
    ]


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    of = parameters["of"]
    cursor.execute(
        causes.FAILURE_RATE_PAST.format(of=of, other=OTHER[of]), {"name": None, **parameters}
    )
    return list(cursor.fetchall())


FAILURE_RATE = RuleType(
    "failure_rate",
    Translatable("Too many jobs fail"),
    Translatable("The share of jobs that failed for good among those that ended."),
    _look,
    _past,
    (
        RuleParameter("of", Translatable("Of each"), "choice", "task", choices=("task", "queue")),
        RuleParameter("name", Translatable("Its name; empty: all"), "name"),
        RuleParameter("percent", Translatable("From so many percent on"), default=20, high=100),
        minutes(15, Translatable("In so many minutes"), high=180),
        RuleParameter("at_least", Translatable("When at least so many have ended"), default=10),
    ),
)
