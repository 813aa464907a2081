"""Redis's memory or a consumer's disk is near its end."""

from __future__ import annotations

from tasks.alerts.kind import Finding, Kind, Look, Parameter
from tasks.engine.database import Cursor
from tasks.engine.phrase import Phrase

REDIS = Phrase("Redis uses %(percent)s %% of the memory that it may use.")
DISK = Phrase("The disk of a consumer is full to %(percent)s %%.")


def _look(_cursor: Cursor, look: Look) -> list[Finding]:
    measured = (
        ("redis", REDIS, look.world.redis_percent),
        ("disk", DISK, look.world.disk_percent),
    )
    return [
        Finding(subject, what.about(percent=int(percent)), "/admin/worker/")
        for subject, what, percent in measured
        if percent is not None and percent >= look.parameters["percent"]
    ]


STORAGE = Kind(
    "storage",
    Phrase("Memory or disk is near its end"),
    Phrase("Of Redis, when it has a limit (maxmemory), and of the disk of a consumer's VAR_DIR."),
    _look,
    None,
    (Parameter("percent", Phrase("From so many percent on"), default=90, high=100),),
)
