"""Verbs of operators on jobs, dead letters, queues, tasks and workers.

Each verb checks the state in the statement that changes it, and returns what it did and rejected.
"""

from mahaam.core.verb_result import LARGEST_ID, VerbResult
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
from mahaam.operations.edit import edit
from mahaam.operations.inputs import Input
from mahaam.operations.lifecycle import (
    AT_ONCE,
    OperationRequest,
    abort,
    apply,
    carry_out,
    find,
    newest,
    start,
)
from mahaam.operations.selection import Selection, narrowed
from mahaam.operations.undo import UndoResult, undo
from mahaam.operations.verbs import ACTS, Verb
from mahaam.queues.clear import clear, set_rank
from mahaam.queues.pause import pause, pause_queues, pause_tasks, resume_queues, resume_tasks
from mahaam.queues.reconciliation import NoticeComparison, NoticeFault
from mahaam.queues.reconciliation import sample as sample_notices
from mahaam.queues.reconciliation import whole as compare_notices
from mahaam.schedules.firing import CannotFire
from mahaam.schedules.task_definitions import (
    create_definition,
    delete_definition,
    edit_definition,
    execute_definition,
)
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
    "LARGEST_ID",
    "CannotFire",
    "Input",
    "LostJob",
    "NothingToRedrive",
    "NoticeComparison",
    "NoticeFault",
    "OperationRequest",
    "Pause",
    "Selection",
    "UndoResult",
    "Verb",
    "VerbResult",
    "abort",
    "apply",
    "assign_groups",
    "back_to_code",
    "backfill",
    "backfill_times",
    "bring_back",
    "carry_out",
    "change_setting",
    "clear",
    "compare_notices",
    "create_definition",
    "create_schedule",
    "delete_definition",
    "delete_schedules",
    "disable_schedules",
    "edit",
    "edit_definition",
    "edit_schedule",
    "enable_schedules",
    "execute_definition",
    "find",
    "ignore_groups",
    "lost_of_old_primary",
    "lost_of_text",
    "mark_deploy",
    "narrowed",
    "newest",
    "pause",
    "pause_queues",
    "pause_tasks",
    "quiet_workers",
    "reset_setting",
    "resize_workers",
    "resolve_groups",
    "resume_queues",
    "resume_tasks",
    "run_schedules",
    "sample_notices",
    "set_rank",
    "start",
    "start_redrive",
    "stop_redrive",
    "stop_workers",
    "undo",
    "wake_workers",
    "watch_groups",
    "write_group_runbook",
    "write_task_runbook",
]
