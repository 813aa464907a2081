"""The tables of the engine, as SQLAlchemy sees them; the rules they keep stand beside the columns."""

from tasks.engine.models.audit_event import AuditEvent
from tasks.engine.models.base import Base
from tasks.engine.models.chord import Chord, ChordMember
from tasks.engine.models.dead_letter import DeadLetter, DeadLetterNote
from tasks.engine.models.error_group import ErrorGroup, ErrorHour, Failure, TaskRunbook
from tasks.engine.models.huey import (
    KeptCounter,
    KeptValue,
    PeriodicFire,
    TaskLock,
)
from tasks.engine.models.incident import Incident
from tasks.engine.models.job import Attempt, Job, JobLog
from tasks.engine.models.job_minute import JobMinute
from tasks.engine.models.mask_walk import MaskWalk
from tasks.engine.models.operation import Operation, OperationResult
from tasks.engine.models.queue import Queue, TaskPause
from tasks.engine.models.redrive import Redrive
from tasks.engine.models.rollups import Deploy, JobPeriod, JobSpread, QueueAge
from tasks.engine.models.schedule import Schedule, ScheduleFire, TaskDefinition
from tasks.engine.models.set_aside import SetAside
from tasks.engine.models.setting import Pruned, Pruning, Setting
from tasks.engine.models.worker import UnknownTask, Worker

__all__ = [
    "Attempt",
    "AuditEvent",
    "Base",
    "Chord",
    "ChordMember",
    "DeadLetter",
    "DeadLetterNote",
    "Deploy",
    "ErrorGroup",
    "ErrorHour",
    "Failure",
    "Incident",
    "Job",
    "JobLog",
    "JobMinute",
    "JobPeriod",
    "JobSpread",
    "KeptCounter",
    "KeptValue",
    "MaskWalk",
    "Operation",
    "OperationResult",
    "PeriodicFire",
    "Pruned",
    "Pruning",
    "Queue",
    "QueueAge",
    "Redrive",
    "Schedule",
    "ScheduleFire",
    "SetAside",
    "Setting",
    "TaskDefinition",
    "TaskLock",
    "TaskPause",
    "TaskRunbook",
    "UnknownTask",
    "Worker",
]
