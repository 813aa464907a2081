"""All rule types, by name. A new one is a file here and its line in KINDS."""

from mahaam.alerts.rule_types.backlog_growth import BACKLOG_GROWTH
from mahaam.alerts.rule_types.dead_letter_burst import DEAD_LETTERS
from mahaam.alerts.rule_types.failed_over import FAILED_OVER
from mahaam.alerts.rule_types.failure_rate import FAILURE_RATE
from mahaam.alerts.rule_types.job_failed import JOB_FAILED
from mahaam.alerts.rule_types.job_stuck import JOB_STUCK
from mahaam.alerts.rule_types.new_error import NEW_ERROR
from mahaam.alerts.rule_types.queue_latency import QUEUE_LATENCY
from mahaam.alerts.rule_types.redis_memory_lost import REDIS_MEMORY_LOST
from mahaam.alerts.rule_types.rule_type import RuleType
from mahaam.alerts.rule_types.schedule_overdue import SCHEDULE_OVERDUE
from mahaam.alerts.rule_types.storage import STORAGE
from mahaam.alerts.rule_types.success_missing import SUCCESS_MISSING
from mahaam.alerts.rule_types.worker_lost import WORKER_LOST

KINDS: dict[str, RuleType] = {
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
