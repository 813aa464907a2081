"""What an operator can do to jobs, dead letters and queues; each verb tells what it did and refused."""

from tasks.engine.verbs.dead_letters import flush, reprocess, resolve, retry_all
from tasks.engine.verbs.jobs import CANCELLABLE, RETRYABLE, cancel, retry
from tasks.engine.verbs.queues import clear
from tasks.engine.verbs.running import STOPPABLE, stop
from tasks.engine.verbs.verdict import LARGEST_ID, Verdict

__all__ = [
    "CANCELLABLE",
    "LARGEST_ID",
    "RETRYABLE",
    "STOPPABLE",
    "Verdict",
    "cancel",
    "clear",
    "flush",
    "reprocess",
    "resolve",
    "retry",
    "retry_all",
    "stop",
]
