"""What an operator can do to jobs, dead letters, queues, tasks and workers.

Each verb checks the state in the statement that changes it, and tells what it did and refused.
"""

from mahaam.failover.lost_jobs import bring_back
from mahaam.failover.lost_jobs import of_old_primary as lost_of_old_primary
from mahaam.failover.lost_jobs import of_text as lost_of_text
from mahaam.failover.lost_jobs_queries import LostJob
from mahaam.failures.groups import (
    assign_groups,
    ignore_groups,
    resolve_groups,
    watch_groups,
    write_group_runbook,
    write_task_runbook,
)
from mahaam.failures.redrives import NothingToRedrive, start_redrive, stop_redrive
from mahaam.metrics.deploys import mark_deploy
from mahaam.operations.edit import duplicate, edit
from mahaam.operations.old_dead_letters import flush, reprocess, resolve, retry_all
from mahaam.operations.old_jobs import CANCELLABLE, RETRYABLE, cancel, retry
from mahaam.operations.old_plans import PROMOTABLE, move, promote, reschedule, set_priority
from mahaam.operations.old_rehearsal import FAILABLE, fail
from mahaam.operations.old_running import STOPPABLE, stop
from mahaam.operations.operations import (
    AT_ONCE,
    OperationRequest,
    Report,
    abort,
    carry_out,
    find,
    newest,
    start,
)
from mahaam.operations.selection import Selection, narrowed
from mahaam.operations.undo import UndoResult, undo
from mahaam.operations.verb_result import LARGEST_ID, VerbResult
from mahaam.operations.verbs import ACTS, Verb
from mahaam.queues.clear import clear, set_rank
from mahaam.queues.pauses import pause, pause_queues, pause_tasks, resume_queues, resume_tasks
from mahaam.queues.reconcile import NoticeComparison, NoticeFault
from mahaam.queues.reconcile import sample as sample_bells
from mahaam.queues.reconcile import whole as compare_bells
from mahaam.schedules.definitions import (
    create_definition,
    delete_definition,
    edit_definition,
    execute_definition,
)
from mahaam.schedules.firing import CannotFire
from mahaam.schedules.rules.spec import ScheduleNotValid
from mahaam.schedules.verbs import (
    back_to_code,
    backfill,
    backfill_times,
    create_schedule,
    delete_schedules,
    disable_schedules,
    edit_schedule,
    enable_schedules,
    run_schedules,
)
from mahaam.settings.verbs import change_setting, reset_setting
from mahaam.store.actions.pauses import Pause
from mahaam.workers.verbs import quiet_workers, resize_workers, stop_workers, wake_workers

__all__ = [
    "ACTS",
    "AT_ONCE",
    "CANCELLABLE",
    "FAILABLE",
    "LARGEST_ID",
    "PROMOTABLE",
    "RETRYABLE",
    "STOPPABLE",
    "CannotFire",
    "LostJob",
    "NothingToRedrive",
    "NoticeComparison",
    "NoticeFault",
    "OperationRequest",
    "Pause",
    "Report",
    "ScheduleNotValid",
    "Selection",
    "UndoResult",
    "Verb",
    "VerbResult",
    "abort",
    "assign_groups",
    "back_to_code",
    "backfill",
    "backfill_times",
    "bring_back",
    "cancel",
    "carry_out",
    "change_setting",
    "clear",
    "compare_bells",
    "create_definition",
    "create_schedule",
    "delete_definition",
    "delete_schedules",
    "disable_schedules",
    "duplicate",
    "edit",
    "edit_definition",
    "edit_schedule",
    "enable_schedules",
    "execute_definition",
    "fail",
    "find",
    "flush",
    "ignore_groups",
    "lost_of_old_primary",
    "lost_of_text",
    "mark_deploy",
    "move",
    "narrowed",
    "newest",
    "pause",
    "pause_queues",
    "pause_tasks",
    "promote",
    "quiet_workers",
    "reprocess",
    "reschedule",
    "reset_setting",
    "resize_workers",
    "resolve",
    "resolve_groups",
    "resume_queues",
    "resume_tasks",
    "retry",
    "retry_all",
    "run_schedules",
    "sample_bells",
    "set_priority",
    "set_rank",
    "start",
    "start_redrive",
    "stop",
    "stop_redrive",
    "stop_workers",
    "undo",
    "wake_workers",
    "watch_groups",
    "write_group_runbook",
    "write_task_runbook",
]
