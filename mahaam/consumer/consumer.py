"""A consumer process: its greenlets, its signals, its graceful shutdown."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import gevent
from huey.consumer import Consumer

from mahaam.config import get_settings
from mahaam.consumer.cycle.dispatcher import Dispatcher
from mahaam.consumer.cycle.latency_stats import LatencyWriter
from mahaam.consumer.cycle.result_notifier import ResultNotifier
from mahaam.consumer.cycle.signal_sender import SignalSender
from mahaam.consumer.cycle.slots import Slots
from mahaam.consumer.log_writer import LogWriter
from mahaam.consumer.loop import Loop
from mahaam.consumer.loop_watcher import LoopWatcher
from mahaam.consumer.maintenance import duties
from mahaam.consumer.maintenance.maintenance import MaintenanceLoop
from mahaam.consumer.maintenance.operation_runner import OperationRunner
from mahaam.consumer.maintenance.stop_requests import StopRequests
from mahaam.consumer.maintenance.worker_requests import WorkerRequests
from mahaam.consumer.options import ConsumerOptions, of_huey_options
from mahaam.consumer.scheduler import DueScheduler
from mahaam.consumer.stack_dump import dump_stacks
from mahaam.consumer.worker import DurableWorker
from mahaam.core.errors import UnknownQueue
from mahaam.enqueuing import catalog
from mahaam.huey_adapter.cpu.process_pool import pool
from mahaam.huey_adapter.durable_huey import MahaamHuey
from mahaam.postgres.reconnecting import ConnectionBroken, ReconnectingConnection
from mahaam.run import job_log
from mahaam.run.hooks import hooks
from mahaam.run.streams import Streams
from mahaam.schedules.sync import sync_schedules
from mahaam.set_aside import isolate
from mahaam.set_aside.isolate import GIVE_BACK
from mahaam.workers import store as workers_store
from mahaam.workers.freeze.watch import FreezeWatch
from mahaam.workers.lease import by_state

log = logging.getLogger("mahaam.consumer")

WATCH_S = 0.05
INTERRUPT_S = 2.0  # time for interrupted tasks to clean up
HOOKS_S = 1.0  # time for shutdown hooks, at least
EMPTY_S = 1.0  # silence after which an empty queue counts as empty


class DurableConsumer(Consumer):  # type: ignore[misc]  # Huey has no types
    """Huey's greenlet consumer around a dispatcher."""

    worker_class = DurableWorker
    scheduler_class = DueScheduler

    def __init__(self, huey: MahaamHuey, options: ConsumerOptions) -> None:
        self._options = options
        huey.patience.is_limited = True
        self._doorbell = huey.storage.doorbell
        self._result_notifier = ResultNotifier(huey.storage.channels)
        slots = Slots(options.workers, limit=options.max_jobs)
        self.dispatcher = Dispatcher(
            self._doorbell,
            slots,
            queues=options.queues,
            weighted=options.weighted,
            result_notifier=self._result_notifier,
            signal_sender=SignalSender(huey.tell),
        )
        self._stops = StopRequests(slots)
        self._requests = WorkerRequests(slots, self.dispatcher.lease, grow=self._grow)
        self._maintenance = MaintenanceLoop(
            self.dispatcher,
            self._doorbell,
            huey.storage.ringing,
            queues=options.queues,
            stops=self._stops,
            requests=self._requests,
        )
        self._log_writer = LogWriter()
        self._latency_stats = LatencyWriter(self.dispatcher.latencies)
        self._operations = OperationRunner()
        self._streams = Streams()
        self._freeze = FreezeWatch(self.dispatcher.lease)
        self._link = ReconnectingConnection("mahaam consumer", timeout_s=5)
        self._silent_s = get_settings().loop_timeout_s
        self._watch = LoopWatcher(self._loops(), self.dispatcher.lease)
        self._signals = 0
        self._handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]] = {}
        self._is_registered = False  # True from before the row is written
        self.is_to_restart = False
        self._fault: str | None = None
        super().__init__(
            huey, workers=options.workers, worker_type="greenlet", periodic=options.periodic
        )

    def _loops(self) -> list[Loop]:
        """Return the loops that run beside the jobs."""
        works: dict[str, Callable[[], None]] = {
            "fetcher": self.dispatcher.fetcher.listen,
            "dispatcher": self.dispatcher.turn,
            "flusher": self.dispatcher.flusher.loop,
            "maintenance": partial(duties.loop, self._maintenance.duties),
            "operations": self._operations.loop,
            "log_writer": self._log_writer.loop,
            "latency_stats": self._latency_stats.loop,
            "hooks": hooks.loop,
            "result_notifier": self._result_notifier.listen,
            "duties": partial(duties.loop, duties.registered.values()),
        }
        return [Loop(name, work, silent_s=self._silent_s) for name, work in works.items()]

    def _create_worker(self) -> DurableWorker:
        worker: DurableWorker = super()._create_worker()
        worker.slots = self.dispatcher.slots
        worker.streams = self._streams
        worker.in_slot(self._freeze.slots.new())
        worker.unknown_jobs = self.dispatcher.unknown_jobs
        return worker

    def _create_scheduler(self) -> DueScheduler:
        scheduler: DueScheduler = super()._create_scheduler()
        self._due_scheduler = scheduler
        return scheduler

    def _grow(self, count: int) -> None:
        """Start greenlets until there are `count`. Surplus greenlets wait idle and take no slot."""
        while len(self.worker_threads) < count:
            worker = self._create_worker()
            greenlet = self._create_process(worker, f"Worker-{len(self.worker_threads) + 1}")
            self.worker_threads.append((worker, greenlet))
            greenlet.start()

    def run(self) -> int:
        """Run until a request to end or a limit of the options. Return the exit code."""
        started_at = time.monotonic()
        self._heed_signals()
        if not self._is_opened():
            log.info("Stopped before it was ready: a signal came.")
            return 0
        while not (reason := self._reason_to_end(started_at)):
            gevent.sleep(WATCH_S)
            self.dispatcher.lease.watchdog.beat()
            self._fault = self._watch.look()
            try:
                self._look_around()
            except Exception:
                log.exception("The watch of a consumer failed; it goes on.")
        log.info("Stopping: %s. Running jobs have %g s.", reason, self._options.shutdown_timeout_s)
        self._close()
        log.info("Stopped. started=%s", self.dispatcher.slots.started)
        return 1 if self._fault else 0

    def _look_around(self) -> None:
        self._stops.press()
        self._requests.heed_signal()
        self._watch_lease()
        self._watch_workers()
        self._watch_signals()
        self._freeze.look()

    def _heed_signals(self) -> None:
        for number, heed in (
            (signal.SIGTERM, self._note_signal),
            (signal.SIGINT, self._note_signal),
            (signal.SIGHUP, self._note_restart),
            (signal.SIGUSR1, self._note_quiet),
            (signal.SIGQUIT, self._dump_stacks),
        ):
            if signal.getsignal(number) is not signal.SIG_IGN:  # a signal ignored by nohup stays so
                signal.signal(number, heed)
                self._handlers[number] = heed

    def _watch_signals(self) -> None:
        """Restore signal handlers that user code has replaced, in a hook or in a library."""
        for number, heed in self._handlers.items():
            if signal.getsignal(number) != heed:
                signal.signal(number, heed)
                log.warning(
                    "A signal handler of the consumer was replaced; it is back. signal=%s",
                    number.name,
                )

    def _is_opened(self) -> bool:
        """Open the consumer. Return False if a signal came before that was done."""
        faults: list[BaseException] = []
        opening = gevent.spawn(self._open_or_note, faults)
        while not opening.ready():
            if self._signals:
                opening.kill(block=False)
                self._leave_half_open()
                return False
            gevent.sleep(WATCH_S)
        if faults:
            raise faults[0]
        return True

    def _open_or_note(self, faults: list[BaseException]) -> None:
        try:
            self._open()
        except Exception as fault:  # noqa: BLE001 (raised in the greenlet that waits)
            faults.append(fault)

    def _leave_half_open(self) -> None:
        """Mark the worker's row as stopped, else the worker would count as lost after its lease."""
        self.stop_flag.set()
        self.dispatcher.slots.be_quiet()
        self.dispatcher.slots.send_home(len(self.worker_threads))
        self.dispatcher.lease.close()
        self._freeze.close()
        if self._is_registered:
            self._release_rest()

    def _open(self) -> None:
        catalog.declare_queues()
        if self._options.periodic:
            sync_schedules()
        self._maintenance.read_lines()
        self._check_queues()
        self._is_registered = True
        self.dispatcher.lease.open()
        self._freeze.start()
        self.scheduler.start()
        for _, greenlet in self.worker_threads:
            greenlet.start()
        job_log.listen()
        self._watch.begin()
        log.info(
            "Consumer ready. worker=%s greenlets=%s queues=%s",
            self.dispatcher.lease.worker_id,
            self._options.workers,
            ",".join(
                line.name for line in self.dispatcher.fetcher.lines if not line.name.startswith("@")
            ),
        )

    def _check_queues(self) -> None:
        missing = set(self._options.queues) - {line.name for line in self.dispatcher.fetcher.lines}
        if missing:
            raise UnknownQueue(
                f"There is no queue {', '.join(sorted(missing))}. Name it in a task's @task(queue=…) "
                "or add it to the queue table."
            )

    def _note_signal(self, _number: int, _frame: FrameType | None) -> None:
        """End gracefully on the first signal, at once on the second. A signal after SIGHUP is a first one."""
        if self.is_to_restart:
            self.is_to_restart = False
            return
        self._signals += 1
        if self._signals > 1:
            self.dispatcher.lease.abandon_at = time.monotonic() + 0.2

    def _note_restart(self, number: int, frame: FrameType | None) -> None:
        """End gracefully and start again, as Huey's consumer does, for new code."""
        if not self._signals:
            self._note_signal(number, frame)
            self.is_to_restart = True

    def _dump_stacks(self, _number: int, _frame: FrameType | None) -> None:
        dump_stacks()

    def _note_quiet(self, _number: int, _frame: FrameType | None) -> None:
        self._requests.is_to_be_quiet = True

    def _reason_to_end(self, started_at: float) -> str | None:
        options = self._options
        if self._fault:
            log.critical("The consumer cannot go on; start another one. fault=%s", self._fault)
            return "a fault"
        if self._signals:
            return "it is to restart" if self.is_to_restart else "a signal came"
        if self._requests.is_to_stop:
            return "an operator asked for it"
        if self.dispatcher.slots.is_used_up:
            return f"{options.max_jobs} jobs were started"
        if options.max_time_s is not None and time.monotonic() - started_at >= options.max_time_s:
            return f"{options.max_time_s:g} s have passed"
        return "nothing is left" if options.stop_when_empty and self._is_empty() else None

    def _is_empty(self) -> bool:
        since = self.dispatcher.fetcher.silent_since
        if since is None or time.monotonic() - since < EMPTY_S or not self.dispatcher.is_idle():
            return False
        try:
            return self._maintenance.is_empty()
        except ConnectionBroken:
            return False

    def _watch_lease(self) -> None:
        """Interrupt jobs that run under a lease that is over: other workers may run them by now."""
        lease = self.dispatcher.lease
        if lease.is_valid():
            return
        self._interrupt()
        if lease.lost and not self.dispatcher.slots.running():
            lease.renew()

    def _watch_workers(self) -> None:
        """Replace greenlets that died for any reason, else their slots would stay empty."""
        self._watch_scheduler()
        if any(greenlet.dead for _, greenlet in self.worker_threads) or self.scheduler.dead:
            self.check_worker_health()

    def _watch_scheduler(self) -> None:
        """Kill a scheduler that stands still; `_watch_workers` starts another one."""
        liveness = self._due_scheduler.liveness
        if liveness.silent_s() >= self._silent_s and not self.scheduler.dead:
            log.error("A loop stands still; it is started again. loop=scheduler")
            liveness.seen_at = time.monotonic()
            self.scheduler.kill(block=False)

    def _interrupt(self) -> None:
        for run in self.dispatcher.slots.running():
            if run.greenlet is not None:
                run.is_interrupted = True
                gevent.kill(run.greenlet, KeyboardInterrupt)

    def _close(self) -> None:
        lease = self.dispatcher.lease
        deadline = time.monotonic() + self._options.shutdown_timeout_s
        if lease.abandon_at is None:
            lease.abandon_at = deadline + INTERRUPT_S + HOOKS_S + 1.0
        self.dispatcher.slots.be_quiet()
        self.stop_flag.set()
        self.dispatcher.slots.send_home(len(self.worker_threads))
        self._operations.end()
        self._mark("stopping")
        self._wait_until_idle(deadline)
        self._interrupt()
        self._wait_until_idle(time.monotonic() + INTERRUPT_S)
        self._release_rest()
        self._wait_for_hooks(max(deadline, time.monotonic() + HOOKS_S))
        for say in (
            self._log_writer.write,
            self._latency_stats.write,
            partial(hooks.finish, INTERRUPT_S),
        ):
            self._say_last(say)
        pool.close()
        lease.close()
        self._freeze.close()

    def _say_last(self, say: Callable[[], None]) -> None:
        """Let a loop write the rest. A fault of it must not change how the consumer ends."""
        try:
            with gevent.Timeout(INTERRUPT_S, False):
                say()
        except Exception:
            log.exception("A loop could not say its last words.")

    def _wait_until_idle(self, deadline: float) -> None:
        while not self.dispatcher.is_idle() and time.monotonic() < deadline and self._signals < 2:
            gevent.sleep(WATCH_S / 5)
            self.dispatcher.lease.watchdog.beat()
            self._stops.press()

    def _wait_for_hooks(self, deadline: float) -> None:
        """Wait for the users' shutdown hooks, which each worker calls when its job is done."""
        if not self.huey._shutdown:
            return
        while not all(greenlet.dead for _, greenlet in self.worker_threads):
            if time.monotonic() >= deadline or self._signals > 1:
                return
            gevent.sleep(WATCH_S / 5)
            self.dispatcher.lease.watchdog.beat()

    def _mark(self, state: str) -> None:
        try:
            self._link.run(
                lambda cursor: workers_store.stop(
                    cursor, self.dispatcher.lease.worker_id, state=state
                )
            )
        except ConnectionBroken as fault:
            log.warning("The worker could not be marked %s. fault=%s", state, fault)

    def _release_rest(self) -> None:
        """Release the jobs that the table still shows as running: never begun, or not stopping."""
        worker_id = self.dispatcher.lease.worker_id
        self.dispatcher.lease.leave()
        try:
            parts = isolate.handle(
                partial(self._link.run, atomic=True),
                GIVE_BACK,
                partial(workers_store.release_all, worker_id=worker_id),
                find=partial(workers_store.running_of, worker_id=worker_id),
            )
        except ConnectionBroken as fault:
            log.error("Jobs could not be released; they are rescued. fault=%s", fault)
            return
        if released := [job for part in parts for job in part]:
            log.info("Jobs given back. %s", by_state(released))
        self._mark("stopped")


def from_huey_options(huey: MahaamHuey, options: dict[str, Any]) -> DurableConsumer:
    """Return a consumer with the options of Huey's `create_consumer`. Raises OptionNotValid."""
    locks = options.pop("extra_locks", None)
    if options.pop("flush_locks", False) or locks:
        huey.flush_locks(*(locks.split(",") if locks else ()))
    return DurableConsumer(huey, of_huey_options(options))
