"""What an operator can do to jobs, dead letters, queues, tasks and workers.

Each verb checks the state in the statement that changes it, and tells what it did and refused.
"""

from tasks.engine.firing import CannotFire
from tasks.engine.queries.lost_jobs import LostJob
from tasks.engine.schedules.spec import ScheduleNotValid
from tasks.engine.store.pauses import Pause
from tasks.engine.verbs.acts import ACTS, Act
from tasks.engine.verbs.contents import duplicate, edit
from tasks.engine.verbs.dead_letters import flush, reprocess, resolve, retry_all
from tasks.engine.verbs.definitions import (
    create_definition,
    delete_definition,
    edit_definition,
    execute_definition,
)
from tasks.engine.verbs.deploys import mark_deploy
from tasks.engine.verbs.error_groups import (
    assign_groups,
    ignore_groups,
    resolve_groups,
    watch_groups,
    write_group_runbook,
    write_task_runbook,
)
from tasks.engine.verbs.jobs import CANCELLABLE, RETRYABLE, cancel, retry
from tasks.engine.verbs.lost_jobs import bring_back
from tasks.engine.verbs.lost_jobs import of_old_primary as lost_of_old_primary
from tasks.engine.verbs.lost_jobs import of_text as lost_of_text
from tasks.engine.verbs.operations import (
    AT_ONCE,
    Order,
    Report,
    abort,
    carry_out,
    find,
    newest,
    start,
)
from tasks.engine.verbs.pauses import pause, pause_queues, pause_tasks, resume_queues, resume_tasks
from tasks.engine.verbs.plans import PROMOTABLE, move, promote, reschedule, set_priority
from tasks.engine.verbs.queues import clear, set_rank
from tasks.engine.verbs.reconcile import Comparison, Fault
from tasks.engine.verbs.reconcile import sample as sample_bells
from tasks.engine.verbs.reconcile import whole as compare_bells
from tasks.engine.verbs.redrives import NothingToRedrive, start_redrive, stop_redrive
from tasks.engine.verbs.rehearsal import FAILABLE, fail
from tasks.engine.verbs.running import STOPPABLE, stop
from tasks.engine.verbs.schedules import (
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
from tasks.engine.verbs.settings import change_setting, reset_setting
from tasks.engine.verbs.undoing import Undone, undo
from tasks.engine.verbs.verdict import LARGEST_ID, Verdict
from tasks.engine.verbs.walk import Wanted, narrowed
from tasks.engine.verbs.workers import quiet_workers, resize_workers, stop_workers, wake_workers

__all__ = [
    "ACTS",
    "AT_ONCE",
    "CANCELLABLE",
    "FAILABLE",
    "LARGEST_ID",
    "PROMOTABLE",
    "RETRYABLE",
    "STOPPABLE",
    "Act",
    "CannotFire",
    "Comparison",
    "Fault",
    "LostJob",
    "NothingToRedrive",
    "Order",
    "Pause",
    "Report",
    "ScheduleNotValid",
    "Undone",
    "Verdict",
    "Wanted",
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
