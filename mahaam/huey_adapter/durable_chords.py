"""Chords whose members, callback and progress are rows: the callback becomes a job exactly once."""

from __future__ import annotations

from typing import Any

from huey import Huey
from huey.api import ChordResult, Result, ResultGroup, Task, chord, group
from huey.utils import ChordConfig

from mahaam.core.ids import new_id
from mahaam.core.payload import dump
from mahaam.jobs import derive_follow_ups
from mahaam.jobs.chord import Arrival, NewChord, Replacement
from mahaam.jobs.job_message import message_of
from mahaam.run.run import current_run, stored_result


class DurableChords(Huey):  # type: ignore[misc]  # Huey has no types
    """Huey's methods for chords; `enqueue_together` is how jobs and chords are enqueued."""

    def enqueue_together(self, tasks: list[Task], chords: list[NewChord]) -> None:
        """Enqueue all of them or none."""
        raise NotImplementedError

    def _enqueue_chord(self, chord_obj: chord) -> ChordResult:
        if self._immediate:
            return super()._enqueue_chord(chord_obj)
        tasks: list[Task] = []
        chords: list[NewChord] = []
        result = self._planned(chord_obj, tasks, chords)
        self.enqueue_together(tasks, chords)
        return result

    def _planned(self, chord_obj: chord, tasks: list[Task], chords: list[NewChord]) -> ChordResult:
        """Add the parts of a chord to `tasks` and `chords`, inner chords first. Return its result handle."""
        chord_id = new_id()
        members = [
            self._planned_member(member, chord_id, place, tasks, chords)
            for place, member in enumerate(chord_obj.tasks)
        ]
        callback = chord_obj.callback
        if members:
            ids = [member.id for member in members]
            text = dump(message_of(callback), what="The callback")
            chords.append(NewChord(chord_id, ids, text, callback.id))
        else:
            callback.extend_data(([],))
            tasks.append(callback)
        pipeline = self._pipeline_results(callback)
        return ChordResult(
            [Result(self, member) for member in members],
            pipeline[0],
            ResultGroup(pipeline) if len(pipeline) > 1 else None,
        )

    def _planned_member(
        self,
        member: Task | chord,
        chord_id: str,
        place: int,
        tasks: list[Task],
        chords: list[NewChord],
    ) -> Task:
        """Return the task whose end counts: the last of a pipeline, or the callback of an inner chord."""
        if isinstance(member, group):
            raise ValueError(  # noqa: TRY004 (as Huey does)
                "A group cannot be a member of a chord; make it a chord with .then() first."
            )
        tail = member.callback if isinstance(member, chord) else member
        head = tail
        while tail.on_complete is not None:
            tail = tail.on_complete
        tail.chord_config = ChordConfig(chord_id, None, place, None)
        if isinstance(member, chord):
            self._planned(member, tasks, chords)
        else:
            tasks.append(head)
        return tail

    def replacements(self, task: Task) -> list[Replacement]:
        """Return the membership that a task takes over when it is enqueued by itself after a reschedule."""
        config = task.chord_config
        if config is None or config.idx is None:
            return []
        return [Replacement(config.cid, config.idx, task.id)]

    # Called by Huey while it ends a task.

    def _check_chord(self, config: ChordConfig, value: Any) -> None:
        run = current_run()
        if run is None:
            super()._check_chord(config, value)
            return
        result = stored_result(value)
        run.follows.arrivals.append(Arrival(config.cid, run.claim.id, result, run.claim.id))

    def _abort_chord_member(self, task: Task, value: Any) -> None:
        run = current_run()
        if run is None:
            super()._abort_chord_member(task, value)
            return
        run.follows.arrivals += derive_follow_ups.arrival(
            run.claim.id, run.options, dump(value, what="The value")
        )
