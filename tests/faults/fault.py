"""What can be done to a running product."""

from __future__ import annotations

import time
from contextlib import suppress

from tests.faults.stage import Stage

SWALLOWED_S = 10.0
FULL_S = 8.0
UP = "SELECT pg_postmaster_start_time() < now() - %s * interval '1 second'"
TRIES = 300
IN_TRANSACTION = """
SELECT pid FROM pg_stat_activity JOIN pg_locks USING (pid)
WHERE state = 'idle in transaction' AND state_change < clock_timestamp() - interval '0.05 s'
  AND relation = 'job_minute'::regclass AND mode = 'RowExclusiveLock'
"""
HOLDING = """
SELECT DISTINCT worker.pid FROM job JOIN worker ON worker.id = job.worker_id
WHERE job.state = 'running'
"""


ASK_ALL = """
UPDATE job SET cancel_requested_at = clock_timestamp(), cancel_requested_by = 'campaign'
WHERE state = 'running' AND cancel_requested_at IS NULL
"""


STOPPING = f"{HOLDING} AND cancel_requested_at IS NOT NULL"


def let_postgres_settle(stage: Stage) -> None:
    """Wait until PostgreSQL has been up for half a lease: before one and a half nobody is given up."""
    stage.watch_until(lambda: stage.rows.ask(UP, (stage.lease_s / 2,)) == [(True,)])


def kill(stage: Stage) -> None:
    """Kill -9 one consumer."""
    stage.a_ready_consumer()
    stage.watch_for(stage.chance.uniform(0, 0.2))
    stage.supervisor.kill(stage.a_ready_consumer())


def call_operators(stage: Stage) -> None:
    """Twenty operators at once, before the first job comes."""
    stage.start_load_clients(20)


def dismiss_operators(stage: Stage) -> None:
    """Let them work until everything is enqueued."""
    stage.release_load_clients()


def stop_and_kill(stage: Stage) -> None:
    """Ask all running jobs to stop, then kill -9 one consumer before or after it has seen it."""
    stage.a_ready_consumer()
    stage.watch_until(lambda: bool(stage.rows.ask(HOLDING)))
    stage.rows.ask(ASK_ALL)
    stage.watch_for(stage.chance.uniform(0, 0.5))
    busy = [it for it in stage.supervisor.ready() if (it.pid,) in stage.rows.ask(STOPPING)]
    stage.supervisor.kill(stage.chance.choice(busy) if busy else stage.a_ready_consumer())


def kill_each_second(stage: Stage) -> None:
    """Let a second pass, then kill -9 one consumer."""
    stage.watch_for(1.0)
    stage.supervisor.kill(stage.a_ready_consumer())


def terminate(stage: Stage) -> None:
    """SIGTERM one consumer and wait until it has ended."""
    stage.watch_for(stage.chance.uniform(0, 0.1))
    consumer = stage.a_ready_consumer()
    consumer.terminate()
    stage.watch_until(lambda: consumer.exit_code is not None, timeout_s=20)


def freeze(stage: Stage) -> None:
    """SIGSTOP one consumer in the middle of its jobs for two leases."""
    stage.watch_until(lambda: len(stage.supervisor.ready()) > 1)
    consumer = stage.chance.choice(stage.supervisor.ready())
    stage.watch_until(lambda: (consumer.pid,) in stage.rows.ask(HOLDING))
    stage.frozen.setdefault(consumer.pid, []).append(consumer.freeze())
    stage.watch_for(2 * stage.lease_s)
    consumer.thaw()


def freeze_in_transaction(stage: Stage) -> None:
    """SIGSTOP one consumer in a transaction that holds locks on rows, for two leases."""
    stage.watch_until(lambda: len(stage.supervisor.ready()) > 1)
    for _ in range(TRIES):
        consumer = stage.chance.choice(stage.supervisor.ready())
        frozen_ns = consumer.freeze()
        stage.watch_for(0.1)
        if stage.rows.ask(IN_TRANSACTION):
            break
        consumer.thaw()
        stage.watch_for(stage.chance.uniform(0, 0.05))
    stage.frozen.setdefault(consumer.pid, []).append(frozen_ns)
    stage.watch_for(2 * stage.lease_s)
    consumer.thaw()


def flush_redis(stage: Stage) -> None:
    """FLUSHALL."""
    stage.watch_for(stage.chance.uniform(0, 0.2))
    stage.servers.flush_redis()


def lose_redis(stage: Stage) -> None:
    """Kill Redis and start an empty one."""
    stage.watch_for(stage.chance.uniform(0, 0.2))
    stage.servers.lose_redis()


def restart_redis(stage: Stage) -> None:
    """Kill Redis and start it on what its log kept."""
    stage.watch_for(stage.chance.uniform(0, 0.2))
    stage.servers.restart_redis()


def restart_postgres(stage: Stage) -> None:
    """Stop PostgreSQL in the immediate mode and start it at once."""
    stage.watch_for(stage.chance.uniform(0, 0.2))
    stage.servers.crash_postgres()
    stage.servers.start_postgres()


def stop_postgres(stage: Stage) -> None:
    """Stop PostgreSQL in the immediate mode and leave it down for two leases."""
    stage.servers.crash_postgres()
    stage.watch_for(2 * stage.lease_s)
    stage.servers.start_postgres()


def swallow_postgres(stage: Stage) -> None:
    """Let nothing through to PostgreSQL and back for a while, without closing a connection."""
    stage.servers.to_postgres.swallow()
    stage.watch_for(SWALLOWED_S)
    stage.servers.to_postgres.forward()


def swallow_redis(stage: Stage) -> None:
    """Let nothing through to Redis and back for a while, without closing a connection."""
    stage.servers.to_redis.swallow()
    stage.watch_for(SWALLOWED_S)
    stage.servers.to_redis.forward()


def any_of_them(stage: Stage) -> None:
    """Whatever chance picks."""
    stage.chance.choice((kill, terminate, flush_redis, lose_redis, restart_postgres))(stage)


def cut_off(stage: Stage) -> None:
    """Let one consumer, the one behind the proxies, not reach PostgreSQL for two leases."""
    pid = stage.supervisor.consumers[0].pid
    stage.watch_until(lambda: (pid,) in stage.rows.ask(HOLDING))
    stage.servers.to_postgres.swallow()
    stage.cut_off.setdefault(pid, []).append(time.monotonic_ns())
    stage.watch_for(2 * stage.lease_s)
    stage.servers.to_postgres.forward()


def fill_the_disk(stage: Stage) -> None:
    """Leave no byte on PostgreSQL's file system for a while; it is started again when it has ended."""
    folder = stage.servers.postgres.folder.parent
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):  # no space left on device
        while True:
            file.write(bytes(4096))
    stage.watch_for(FULL_S)
    ballast.unlink()
    if stage.servers.postgres.pid is None:
        stage.servers.start_postgres()
