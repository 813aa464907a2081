"""Which of Huey's own tests cannot hold, because a durable engine differs on purpose.

Each reason stands in docs/huey-compatibility.md. A test listed here that passes fails the suite.
"""

from __future__ import annotations

IDS = "A job's id is a UUID."
ONE_STORE = "All Hueys of a database share its jobs."
ONCE = "A chord is enqueued once; its jobs have the ids of its tasks."
READ = "What is read off the schedule is queued at once; it is never in one process alone."
LIST = "A call's arguments are a tuple and a dict; what is neither is refused at the call."
MEMORY = "Tests that look into the memory storage of Huey are about Huey's own storage"

DIFFERENCES: dict[str, str] = {
    "TestQueue.test_pending_scheduled_unregistered": LIST,
    "TestQueue.test_read_schedule": READ,
    "TestDecorators.test_task_id": IDS,
    "TestMultipleHuey.test_multiple_huey": ONE_STORE,
    "TestChordPrimitive.test_empty_chord": ONCE,
    "TestChordPrimitive.test_chord_bookkeeping_cleared": MEMORY,
}
