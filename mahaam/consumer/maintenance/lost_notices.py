"""The search for notices that Redis has lost, and the ringing of whole queues."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

from mahaam.doorbell.doorbell import Doorbell
from mahaam.doorbell.pop import ID
from mahaam.doorbell.replay_lock import ReplayLock
from mahaam.postgres.reconnecting import ReconnectingConnection
from mahaam.queries import notices, queue_configs
from mahaam.queries.notices import NoticeProbe
from mahaam.store import incidents

log = logging.getLogger("mahaam.maintenance")

SETTLING_S = 10.0  # after a start of PostgreSQL, until consumers have recorded what they run
PAGE = 2000
STEP_S = 0.5  # how long a step of ringing holds up the other duties
REST = 3  # a queue is not rung again for this many times as long as the ringing took
AT_ONCE, SMALLEST_HEAD = 4000, 10  # jobs that a look reads, of all queues together and of each
LOOK_SHARE = (
    20  # pause between looks, in durations of a look: with thousands of queues they are rarer
)
MANY = 1000  # more notices than a killed consumer can lose: Redis itself has lost them


class LostNotices:
    """One consumer's looks for lost notices in all queues, and the ringing of whole queues.

    A look reads some jobs of each queue, so it costs as much with a million as with ten: those
    that are next, the last ones, and some at a random place. A notice that was missing in Redis at
    two consecutive looks is lost (a job that was just popped is started by then). A few missing
    at the head were popped by a consumer that was killed; anything else means that Redis may lack any
    number, and the whole queue is rung.
    """

    def __init__(self, doorbell: Doorbell, ringing: ReplayLock, *, grace_s: float) -> None:
        self._doorbell = doorbell
        self._ringing = ringing
        self._grace_s = grace_s
        self._suspects: dict[str, NoticeProbe] = {}
        self._wanted: set[str] = set()  # queues that are to be rung
        self._rests_until: dict[str, float] = {}
        self._replay: Iterator[None] | None = None
        self._has_memory = True
        self._rung = 0
        self._look_at = 0.0
        self._filled = 1  # queues in which something waits, at the last look

    def look(self, link: ReconnectingConnection, served: list[str]) -> None:
        """Ring for lost notices, and find the queues that are to be rung as a whole.

        In the `served` queues, old scores are replaced as well.
        """
        began_at = time.monotonic()
        if self._replay is not None or began_at < self._look_at:
            return
        self._look(link)
        self.mend_old_scores(link, served)
        self._look_at = time.monotonic() + LOOK_SHARE * (time.monotonic() - began_at)

    def _look(self, link: ReconnectingConnection) -> None:
        if not self._ringing.has_memory():
            self._has_memory = False
            self._wanted = {line.name for line in link.run(queue_configs.lines)}
            return
        head = max(SMALLEST_HEAD, min(notices.HEAD, AT_ONCE // self._filled))
        lost = self._lost(link, head)
        self._doorbell.ring(probe.ring for probe in lost)
        now = time.monotonic()
        self._wanted = {
            queue for queue in _to_be_rung(lost, head) if self._rests_until.get(queue, 0.0) < now
        }

    def step(self, link: ReconnectingConnection) -> None:
        """Ring for the next part of the wanted queues, if there are any and no other consumer rings."""
        if self._replay is None and not self._begin(link):
            return
        replay, self._replay = self._replay, None  # so a fault ends it
        assert replay is not None
        if not self._ringing.go_on():
            return
        until = time.monotonic() + STEP_S
        for _ in replay:
            if time.monotonic() > until:
                self._replay = replay
                return
        self._end(link)

    def mend_old_scores(self, link: ReconnectingConnection, queues: list[str]) -> None:
        """Ring again, with new scores, for jobs with scores of an old release (score.OLD)."""
        until = time.monotonic() + STEP_S
        while time.monotonic() < until:
            found = self._doorbell.of_old_release(queues, limit=PAGE)
            if not found:
                return
            for queue, members in found.items():
                ids = [member.decode() for member in members if ID.fullmatch(member)]
                slots = link.run(partial(notices.slots, ids=ids))
                self._doorbell.drop(queue, members)
                self._doorbell.ring(place.ring for place in slots.values() if place.ring)

    def _begin(self, link: ReconnectingConnection) -> bool:
        wanted, self._wanted = sorted(self._wanted), set()
        if not wanted or not self._ringing.begin():
            return False
        self._rung = 0
        self._replay = self._ring_all(link, wanted)
        return True

    def _ring_all(self, link: ReconnectingConnection, queues: list[str]) -> Iterator[None]:
        grace_s = self._grace_s if self._has_memory else 0.0
        for queue in queues:
            began_at, after = time.monotonic(), notices.FIRST
            page = partial(notices.expected, queue=queue, grace_s=grace_s, limit=PAGE)
            while rings := link.run(partial(page, after=after)):
                self._rung += self._doorbell.ring_lost(queue, rings)
                after = rings[-1]
                yield
            took_s = time.monotonic() - began_at
            self._rests_until[queue] = time.monotonic() + REST * took_s

    def _end(self, link: ReconnectingConnection) -> None:
        had_memory, self._has_memory = self._has_memory, True
        if not self._ringing.end(all_rung=not had_memory):
            return
        begins = not had_memory and link.run(incidents.begin_memory)
        is_lost = self._rung >= MANY or not (had_memory or begins)
        if not self._rung:
            return
        if is_lost:
            link.run(partial(incidents.note, kind="redis_memory_lost", detail=str(self._rung)))
            log.warning(
                "Redis had lost its memory; all queued jobs were rung again. jobs=%s", self._rung
            )
        else:
            log.info("Notices that were missing in Redis were rung. jobs=%s", self._rung)

    def _lost(self, link: ReconnectingConnection, head: int) -> list[NoticeProbe]:
        """Return the probes whose notices were missing in Redis at this look and at the last one."""
        suspects = self._suspects
        slots = link.run(partial(notices.slots, ids=list(suspects))) if suspects else {}
        waiting = {id_ for id_, place in slots.items() if place.ring == suspects[id_].ring}
        probes = {
            probe.id: probe
            for probe in link.run(
                partial(notices.probes, grace_s=self._grace_s, settling_s=SETTLING_S, head=head)
            )
        } | {id_: suspects[id_] for id_ in waiting}
        self._filled = max(1, len({probe.queue for probe in probes.values()}))
        missing = {
            notice.id for notice in self._doorbell.missing([p.ring for p in probes.values()])
        }
        self._suspects = {id_: probes[id_] for id_ in missing - waiting}
        return [probes[id_] for id_ in missing & waiting]


def _to_be_rung(lost: list[NoticeProbe], head: int) -> set[str]:
    """Return the queues that lack more notices than a killed consumer can lose."""
    of_heads = Counter(probe.queue for probe in lost if probe.is_head)
    many = {queue for queue, count in of_heads.items() if count >= head / 2}
    return many | {probe.queue for probe in lost if not probe.is_head}
