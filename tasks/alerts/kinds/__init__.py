"""Every kind of rule, by its name. A new one is a file here and its line in KINDS."""

from tasks.alerts.kind import Kind
from tasks.alerts.kinds.backlog_growth import BACKLOG_GROWTH
from tasks.alerts.kinds.dead_letters import DEAD_LETTERS
from tasks.alerts.kinds.failed_over import FAILED_OVER
from tasks.alerts.kinds.failure_rate import FAILURE_RATE
from tasks.alerts.kinds.job_failed import JOB_FAILED
from tasks.alerts.kinds.job_stuck import JOB_STUCK
from tasks.alerts.kinds.new_error import NEW_ERROR
from tasks.alerts.kinds.queue_latency import QUEUE_LATENCY
from tasks.alerts.kinds.redis_memory_lost import REDIS_MEMORY_LOST
from tasks.alerts.kinds.schedule_overdue import SCHEDULE_OVERDUE
from tasks.alerts.kinds.storage import STORAGE
from tasks.alerts.kinds.success_missing import SUCCESS_MISSING
from tasks.alerts.kinds.worker_lost import WORKER_LOST

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        JOB_FAILED,
        FAILURE_RATE,
        QUEUE_LATENCY,
        BACKLOG_GROWTH,
        JOB_STUCK,
        SCHEDULE_OVERDUE,
        WORKER_LOST,
        DEAD_LETTERS,
        NEW_ERROR,
        SUCCESS_MISSING,
        REDIS_MEMORY_LOST,
        FAILED_OVER,
        STORAGE,
    )
}
