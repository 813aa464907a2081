"""Which of Huey's own tests cannot hold, because a durable engine differs on purpose.

Each reason stands in docs/huey-compatibility.md. A test listed here that passes fails the suite.
"""

from __future__ import annotations

SCHEDULE = "A delayed job is in the schedule at once; no worker has to look at it first."
IDS = "A job's id is a UUID."
ONE_STORE = "All Hueys of a database share its jobs."
ONCE = "A chord is enqueued once; its jobs have the ids of its tasks."
MEMORY = "Tests that look into the memory storage of Huey are about Huey's own storage"
CLOCK = "The time of a retry is counted by PostgreSQL's clock, a millisecond later."

DIFFERENCES: dict[str, str] = {
    "TestQueue.test_pending_scheduled_unregistered": SCHEDULE,
    "TestQueue.test_read_schedule": SCHEDULE,
    "TestQueue.test_reschedule": SCHEDULE,
    "TestQueue.test_schedule_s": SCHEDULE,
    "TestQueue.test_scheduling": SCHEDULE,
    "TestQueue.test_scheduling_expires": SCHEDULE,
    "TestChordPrimitive.test_chord_scheduling": SCHEDULE,
    "TestStorageWrappers.test_storage_wrappers": SCHEDULE,
    "TestPriority.test_schedule_priority": SCHEDULE,
    "TestSignals.test_signals_simple": SCHEDULE,
    "TestDecorators.test_task_id": IDS,
    "TestMultipleHuey.test_multiple_huey": ONE_STORE,
    "TestChordPrimitive.test_empty_chord": ONCE,
    "TestChordPrimitive.test_chord_bookkeeping_cleared": MEMORY,
    "TestQueue.test_retrytask_eta_delay": CLOCK,
}
