"""Tasks for failures: reprocess a dead letter, send a notification about some."""

from __future__ import annotations

from collections.abc import Sequence

from mahaam import current_job, task, verbs
from mahaam.alerts import notify


@task(
    queue="notifications",
    max_retries=3,
    aliases=("tasks.alerts.jobs.send_failure_notification",),
)
def send_failure_notification(dead_letter_id: int | Sequence[int], count: int | None = None) -> int:
    """Send one message about a dead letter, or about some, which stand for `count`.

    Return the number of channels that it is sent to.
    """
    ids = [dead_letter_id] if isinstance(dead_letter_id, int) else list(dead_letter_id)
    return notify.send(ids, by=f"job:{current_job.id}"[:60], count=count)


@task(max_retries=3, aliases=("tasks.alerts.jobs.reprocess_failed_task",))
def reprocess_failed_task(dead_letter_id: int) -> str:
    """Run the job of an open dead letter again, with all its retries."""
    result = verbs.apply("reprocess", [dead_letter_id], by="reprocess_failed_task")
    reasons = [str(reason) for reason in result.refused.values()]
    return reasons[0] if reasons else "reprocessed"
