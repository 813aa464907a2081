"""Redis's memory or a consumer's disk is almost full."""

from __future__ import annotations

from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.alerts.rule_types.rule_type import Cause, Evaluation, RuleParameter, RuleType
from mahaam.core.translatable import Translatable
from mahaam.postgres.database import Cursor

REDIS = Translatable("Redis uses %(percent)s %% of the memory that it may use.")
DISK = Translatable("The disk of a consumer is full to %(percent)s %%.")


def _look(_cursor: Cursor, look: Evaluation) -> list[Cause]:
    measured = (
        ("redis", REDIS, look.world.redis_percent),
        ("disk", DISK, look.world.disk_percent),
    )
    return [
        Cause(subject, what.about(percent=int(percent)), address_of(LinkedPage.WORKERS))
        for subject, what, percent in measured
        if percent is not None and percent >= look.parameters["percent"]
    ]


STORAGE = RuleType(
    "storage",
    Translatable("Memory or disk is near its end"),
    Translatable(
        "Of Redis, when it has a limit (maxmemory), and of the disk of a consumer's VAR_DIR."
    ),
    _look,
    None,
    (RuleParameter("percent", Translatable("From so many percent on"), default=90, high=100),),
)
