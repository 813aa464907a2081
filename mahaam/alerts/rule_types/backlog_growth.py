"""More and more jobs wait in a queue."""

from __future__ import annotations

from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.queries import causes
from mahaam.alerts.rule_types.rule_type import (
    QUEUE,
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

WHAT = Translatable(
    "%(count)s jobs wait in queue %(queue)s, %(before)s did %(minutes)s minutes ago."
)


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    parameters = look.parameters
    cursor.execute(causes.BACKLOG_GROWTH_LOOK, parameters)
    before: dict[str, int] = {}
    for queue, waiting in cursor.fetchall():
        before.setdefault(queue, waiting)
    wanted = parameters.get("queue")
    return [
        Cause(
            f"queue:{queue}",
            WHAT.about(
                count=count, queue=queue, before=before[queue], minutes=parameters["minutes"]
            ),
            address_of(LinkedPage.QUEUE, queue),
        )
        for queue, count in look.world.depths.items()
        if queue in before
        and wanted in (None, queue)
        and count >= parameters["waiting"]
        and 100 * count >= (100 + parameters["percent"]) * before[queue]
    ]


def _past(cursor: Cursor, parameters: Parameters) -> Moments:
    cursor.execute(causes.BACKLOG_GROWTH_PAST, {"queue": None, **parameters})
    return list(cursor.fetchall())


BACKLOG_GROWTH = RuleType(
    "backlog_growth",
    Translatable("A backlog grows"),
    Translatable("So many percent more jobs wait in a queue than some minutes ago."),
    _look,
    _past,
    (
        RuleParameter("percent", Translatable("So many percent more"), default=50, high=100_000),
        minutes(30, Translatable("Than so many minutes ago"), high=1440),
        RuleParameter("waiting", Translatable("When at least so many wait"), default=1000),
        QUEUE,
    ),
)
