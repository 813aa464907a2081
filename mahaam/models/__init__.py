"""The tables of the engine, as SQLAlchemy maps them; their constraints are written beside the columns."""

from mahaam.models.audit_event import AuditEvent
from mahaam.models.base import Base
from mahaam.models.chord import Chord, ChordMember
from mahaam.models.dead_letter import DeadLetter, DeadLetterNote
from mahaam.models.error_group import ErrorFailure, ErrorGroup, ErrorHour, TaskRunbook
from mahaam.models.huey import KeptCounter, KeptValue, PeriodicFire, TaskLock
from mahaam.models.incident import Incident
from mahaam.models.job import Attempt, Job, JobLog
from mahaam.models.job_minute import JobMinute
from mahaam.models.mask_walk import MaskWalk
from mahaam.models.operation import Operation, OperationResult
from mahaam.models.queue import Queue, TaskPause
from mahaam.models.redrive import Redrive
from mahaam.models.rollups import Deploy, JobLatency, JobPeriod, QueueAge
from mahaam.models.schedule import Schedule, ScheduleFire, TaskDefinition
from mahaam.models.set_aside import SetAsideRow
from mahaam.models.setting import Pruned, Pruning, Setting
from mahaam.models.worker import UnknownTaskRow, Worker

__all__ = [
    "Attempt",
    "AuditEvent",
    "Base",
    "Chord",
    "ChordMember",
    "DeadLetter",
    "DeadLetterNote",
    "Deploy",
    "ErrorFailure",
    "ErrorGroup",
    "ErrorHour",
    "Incident",
    "Job",
    "JobLatency",
    "JobLog",
    "JobMinute",
    "JobPeriod",
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
    "SetAsideRow",
    "Setting",
    "TaskDefinition",
    "TaskLock",
    "TaskPause",
    "TaskRunbook",
    "UnknownTaskRow",
    "Worker",
]
