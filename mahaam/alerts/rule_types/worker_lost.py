"""A consumer went silent; its jobs are run by others."""

from __future__ import annotations

from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.queries import causes
from mahaam.alerts.rule_types.rule_type import (
    MOST_FINDINGS,
    Cause,
    Evaluation,
    Moments,
    Parameters,
    RuleType,
    minutes,
)
from mahaam.core.translatable import Translatable
from mahaam.postgres.database import Cursor

WHAT = Translatable("Worker %(worker)s was lost. Its jobs are run by others.")


def _look(cursor: Cursor, look: Evaluation) -> list[Cause]:
    cursor.execute(causes.WORKER_LOST_LOOK, {**look.parameters, "limit": MOST_FINDINGS})
    return [
        Cause(f"worker:{id_}", WHAT.about(worker=f"{host}:{pid}"), address_of(LinkedPage.WORKERS))
        for id_, host, pid in cursor.fetchall()
    ]


def _past(cursor: Cursor, _parameters: Parameters) -> Moments:
    cursor.execute(causes.WORKER_LOST_PAST)
    return list(cursor.fetchall())


WORKER_LOST = RuleType(
    "worker_lost",
    Translatable("A worker was lost"),
    Translatable(
        "A consumer whose lease ran out without a word. The past knows those that held a job."
    ),
    _look,
    _past,
    (minutes(10, Translatable("For so many minutes afterwards"), high=1440),),
)
