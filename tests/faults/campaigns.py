"""The table of campaigns, in the long and in the short form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from mahaam.postgres.sqlstates import CONDITIONS
from tests.faults import clocks, fault, timetable, unable
from tests.faults.campaign import Campaign
from tests.faults.chains import CHORD_JOBS, LINKS, each_called_back_once, each_chain_is_whole
from tests.faults.evidence import Evidence
from tests.faults.hostile import (
    enqueue_forkers,
    enqueue_freezers,
    enqueue_one_key,
    enqueue_poison,
    freezers_alone_were_charged,
    has_one_job,
    has_reasons,
    poison_failed_after_five,
    spread_junk,
)
from tests.faults.load_clients import keeps_promises
from tests.faults.result import PLACES, Allowance
from tests.faults.timetable import SCHEDULES

# What each kind of fault may make the others say, as docs/operations.md tells it.
LOST_WORKERS = (r"Worker lost\.", r"Job rescued; it runs again\.", r"rule=A worker was lost")
REDIS_LOST = (r"Redis had lost its memory", r"rule=Redis lost its memory", r"Redis is away")
POSTGRES_AWAY = (
    *(re.escape(condition.sentence) for condition in CONDITIONS),
    r"PostgreSQL is back", r"Beat failed; trying again", r"waits? for PostgreSQL",
    r"Rows were not compared with what runs here", r"Late results could not be noted",
    r"Starts lost in a crash of PostgreSQL made again", r"Jobs are left for the next notice",
)  # fmt: skip
LOCKED = (*POSTGRES_AWAY, r"canceling statement due to")
SHUT_OUT = (
    *LOST_WORKERS, r"Lease lost;", r"Late result refused;", r"Jobs said to run here and did not;",
    r"The thread that renews the lease ended or stands still",
)  # fmt: skip


Rule = Callable[[Evidence], Iterator[str]]


def crashes(count: int, *says: str) -> Allowance:
    """What `count` crashes of a consumer excuse; `says` is excused beside."""
    return Allowance(completed_again=PLACES * count, crashes=True, says=(*SHUT_OUT, *says))


def has_late_results(evidence: Evidence) -> Iterator[str]:
    """At least one result came from the dead and was refused."""
    if not any(row.is_late for row in evidence.attempts):
        yield "No late result was noted."


def some_were_stopped(evidence: Evidence) -> Iterator[str]:
    """At least one job was killed while it was stopping."""
    if not any(job.was_stopped and job.crash_count for job in evidence.jobs):
        yield "No job was killed while it was stopping."


LONG = (
    Campaign(
        name="kill -9, one consumer",
        story="A supervisor starts a new one; what the dead one held runs again after its lease.",
        jobs=10_000, consumers=1, fault=fault.kill, times=50, allowance=crashes(50),
    ),
    Campaign(
        name="kill -9, two consumers",
        story="The other consumer takes over after the lease.",
        jobs=10_000, fault=fault.kill, times=50, allowance=crashes(50),
    ),
    Campaign(
        name="kill -9, lease of 30 s",
        story="The same with the default lease and beat.",
        jobs=2000, before=fault.let_postgres_settle, fault=fault.kill, times=3, lease_s=30, beat_s=10,
        allowance=crashes(3),
    ),
    Campaign(
        name="SIGTERM",
        story="Running jobs finish, the rest is released uncharged.",
        jobs=5000, fault=fault.terminate, times=20,
    ),
    Campaign(
        name="SIGTERM, jobs longer than the grace time",
        story="They are stopped in the middle, released uncharged, and run again.",
        jobs=120, ms=700, arguments=("--shutdown-timeout", "0.2"), fault=fault.terminate, times=5,
        allowance=Allowance(cuts=True),
    ),
    Campaign(
        name="FLUSHALL",
        story="All queued jobs are rung again from the rows.",
        jobs=4000, way="stream", pace_ms=2, fault=fault.flush_redis, times=5,
        allowance=Allowance(says=REDIS_LOST),
    ),
    Campaign(
        name="Redis killed, empty afterwards",
        story="Jobs are accepted without it; all queued ones are rung again.",
        jobs=4000, way="stream", pace_ms=2, fault=fault.lose_redis, times=3,
        allowance=Allowance(says=REDIS_LOST),
    ),
    Campaign(
        name="Redis killed, restarted on its log",
        story="What its log lacks is rung again after the grace time.",
        jobs=4000, way="stream", pace_ms=2, fault=fault.restart_redis, times=3,
        allowance=Allowance(says=REDIS_LOST),
    ),
    Campaign(
        name="PostgreSQL restarted (immediate)",
        story="Outcomes are kept and written again; starts that it lost are taken back.",
        jobs=4000, way="stream", pace_ms=2, fault=fault.restart_postgres, times=4,
        own_servers=True, allowance=Allowance(says=POSTGRES_AWAY),
    ),
    Campaign(
        name="PostgreSQL stopped for two leases",
        story="Nothing is accepted, nothing starts, nobody is given up when it returns.",
        jobs=3000, way="stream", pace_ms=2, fault=fault.stop_postgres, times=1,
        own_servers=True, allowance=Allowance(says=(*POSTGRES_AWAY, *SHUT_OUT)),
    ),
    Campaign(
        name="connections to PostgreSQL swallowed, 10 s",
        story="Statements are sent again; what had been carried out is recognised.",
        jobs=3000, proxied=2, lease_s=30, beat_s=10, fault=fault.swallow_postgres, times=2,
        allowance=Allowance(says=POSTGRES_AWAY),
    ),
    Campaign(
        name="connections to PostgreSQL swallowed for two leases",
        story="Consumers stop what runs when their lease is over, and go on afterwards.",
        jobs=3000, proxied=2, fault=fault.swallow_postgres, times=2,
        allowance=Allowance(
            cuts=True, crashes=True, completed_again=2 * 2 * PLACES, says=(*POSTGRES_AWAY, *SHUT_OUT)
        ),
    ),
    Campaign(
        name="one of two consumers cut off from PostgreSQL",
        story="It stops its jobs before the other runs them; its results are refused.",
        jobs=500, ms=300, proxied=1, fault=fault.cut_off, times=2, until=0.4,
        allowance=Allowance(
            cuts=True, crashes=True, completed_again=2 * PLACES, says=(*POSTGRES_AWAY, *SHUT_OUT)
        ),
    ),
    Campaign(
        name="connections to Redis swallowed, 10 s",
        story="What runs goes on; nothing new starts until Redis answers.",
        jobs=3000, proxied=2, fault=fault.swallow_redis, times=2,
        allowance=Allowance(says=REDIS_LOST),
    ),
    Campaign(
        name="SIGSTOP of one of two for two leases",
        story="The other runs its jobs; its late results are refused and noted.",
        jobs=3000, ms=60, holding=True, fault=fault.freeze, times=3, until=0.3,
        allowance=Allowance(
            cuts=True, crashes=True, completed_again=3 * PLACES,
            says=(*POSTGRES_AWAY, *SHUT_OUT),
        ),
        also=has_late_results,
    ),
    Campaign(
        name="SIGSTOP in the middle of a transaction",
        story="PostgreSQL ends the transaction, so that the other can run its jobs.",
        jobs=3000, ms=40, flaky=True, fault=fault.freeze_in_transaction, times=1, until=0.1,
        allowance=Allowance(
            cuts=True, crashes=True, completed_again=PLACES, says=(*POSTGRES_AWAY, *SHUT_OUT)
        ),
    ),
    Campaign(
        name="PostgreSQL read-only",
        story="Refused with a sentence, sent again until it can be written; no session is kept.",
        jobs=3000, way="stream", pace_ms=2, fault=unable.be_read_only, times=3, lease_s=30, beat_s=10,
        allowance=Allowance(says=POSTGRES_AWAY),
    ),
    Campaign(
        name="table of jobs locked for 70 s",
        story="Sessions stay few, leases are renewed, enqueueing is refused in time; then all goes on.",
        jobs=3000, way="stream", pace_ms=2, fault=unable.lock_jobs, times=1, until=0.5,
        allowance=Allowance(says=LOCKED),
    ),
    Campaign(
        name="PostgreSQL out of connections",
        story="Nothing is accepted and nothing starts; outcomes are kept until connections are free.",
        jobs=3000, way="stream", pace_ms=2, fault=unable.refuse_connections, times=2,
        lease_s=30, beat_s=10, allowance=Allowance(says=POSTGRES_AWAY),
    ),
    Campaign(
        name="connections to PostgreSQL forgotten",
        story="Open ones are silent for good, new ones work: each part gives its own up in time.",
        jobs=3000, proxied=2, lease_s=30, beat_s=2, fault=unable.forget_connections, times=3, until=0.6,
        allowance=Allowance(says=POSTGRES_AWAY),
    ),
    Campaign(
        name="clocks an hour off",
        story="Consumers an hour ahead and an hour behind take their share like the others.",
        jobs=3000, consumers=3, wrong_clocks=2, also=timetable.each_clock_worked,
        tried="3,000 jobs of 20 ms, 3 consumers, one an hour ahead and one an hour behind",
    ),
    Campaign(
        name="any of these, in any order",
        story="Kills, SIGTERM, flushes, Redis lost, PostgreSQL restarted: as above.",
        jobs=4000, way="stream", pace_ms=2, fault=fault.any_of_them, times=15, own_servers=True,
        allowance=crashes(15, *REDIS_LOST, *POSTGRES_AWAY, *SHUT_OUT),
    ),
    Campaign(
        name="chords, kill -9 every second",
        story="Each callback is made once, with what every member brought.",
        jobs=200 * CHORD_JOBS, ms=100, way="chords", fault=fault.kill_each_second, times=20, until=0.5,
        allowance=crashes(20), also=each_called_back_once,
        tried="200 chords of 10 members and a callback, 20 kills, 2 consumers, lease 5 s",
    ),
    Campaign(
        name="pipelines, kill -9 every second",
        story="Each link is made once, in the transaction that completes the one before it.",
        jobs=500 * LINKS, ms=100, way="pipelines", fault=fault.kill_each_second, times=20, until=0.5,
        allowance=crashes(20), also=each_chain_is_whole,
        tried="500 pipelines of 3 jobs, 20 kills, 2 consumers, lease 5 s",
    ),
    Campaign(
        name="schedules, kill -9 every second",
        story="Each due time makes one job: none twice, none missing, whatever a consumer's clock says.",
        jobs=SCHEDULES * 60, way="schedules", consumers=3, wrong_clocks=2,
        fault=timetable.kill_each_second, times=50, until=0.9, own_servers=True,
        allowance=crashes(50, *POSTGRES_AWAY), also=timetable.each_time_fired_once_by_any_clock,
        tried="20 schedules of 1 s for 60 s, 50 kills, one crash of PostgreSQL, 3 consumers, two of them"
        " with clocks an hour off, lease 5 s",
    ),
    Campaign(
        name="a stop, then kill -9",
        story="What was asked to stop completes, or is cancelled; nothing of it runs again.",
        jobs=400, ms=1200, fault=fault.stop_and_kill, times=10, until=0.7,
        allowance=crashes(10), also=some_were_stopped,
    ),
    Campaign(
        name="tasks that end their process",
        story="Each ends five consumers, then is a dead letter. Neighbours run alone and complete.",
        jobs=1000, before=enqueue_poison, consumers=1,
        tried="two of them and six neighbours of 1.5 s in 1,000 jobs of 20 ms, 1 consumer, lease 5 s",
        allowance=Allowance(
            ends=True, crashes=True, completed_again=10 * PLACES, says=LOST_WORKERS
        ),
        also=poison_failed_after_five,
    ),
    Campaign(
        name="tasks that freeze their process",
        story="Their consumers are ended before the lease is over; they alone are charged, and fail at the"
        " second time.",
        jobs=1000, before=enqueue_freezers, consumers=2, lease_s=12, beat_s=2,
        tried="three of them, in Python, in C and with the interpreter held, and nine neighbours of 1.5 s"
        " in 1,000 jobs of 20 ms, 2 consumers, lease 12 s, limit 2 s",
        allowance=Allowance(
            ends=True, crashes=True, freezes=True, completed_again=6 * PLACES,
            says=(*LOST_WORKERS, r"A consumer was frozen", r"Job charged: it froze", r"Jobs given back"),
        ),
        also=freezers_alone_were_charged,
    ),
    Campaign(
        name="tasks that fork",
        story="The child ends with its task's function; connections, jobs and outcomes stay the parent's.",
        jobs=1000, before=enqueue_forkers, fault=fault.terminate, times=3,
        tried="40 of them, half by os.fork and half by multiprocessing, in 1,000 jobs of 20 ms, 2 consumers,"
        " 3 SIGTERM",
    ),
    Campaign(
        name="junk in Redis, unknown tasks in rows",
        story="Junk claims nothing; what cannot be run fails with the reason.",
        jobs=2000, ms=1, before=spread_junk, also=has_reasons,
        tried="2,009 strange members at the head of the queue, 6 strange rows, 2,000 jobs of 1 ms",
        allowance=Allowance(says=(r"No live worker knows the task;",)),
    ),
    Campaign(
        name="clients' clocks two hours off",
        story="Their jobs start in the order in which PostgreSQL queued them, whoever enqueued them.",
        jobs=3000, ms=30, way="stream", pace_ms=1, consumers=1, client_clocks=("+2h", "-2h", "+0"),
        also=clocks.none_overtakes,
        tried="3 clients, two with clocks two hours off, 3,000 jobs of 30 ms, 1 consumer",
    ),
    Campaign(
        name="an hour that comes twice",
        story="What is due every twenty minutes fires in both, what is due once a day fires once.",
        jobs=2 * clocks.HALF, way="doubled-hour", lease_s=600, beat_s=2,
        postgres_environment=clocks.doubled_hour, own_servers=True,
        allowance=Allowance(says=(r"Alert opened\.",)), also=clocks.each_local_time_fired,
        tried="20 cron schedules in a zone whose clocks go back, PostgreSQL's clock 60 times as fast",
    ),
    Campaign(
        name="a disk without a free byte",
        story="Nothing is accepted that is not kept; what has ended is written when there is room again.",
        jobs=3000, way="stream", pace_ms=2, fault=fault.fill_the_disk, times=2, disk_mb=250, own_servers=True,
        allowance=Allowance(crashes=True, cuts=True, completed_again=2 * 2 * PLACES,
                            says=(*POSTGRES_AWAY, *SHUT_OUT, *REDIS_LOST)),
        tried="twice for 8 s in 3,000 jobs of 20 ms, 2 consumers, both servers on 250 MB",
    ),
    Campaign(
        name="20 operators at once",
        story="Cancel, stop, priority, promote, reschedule, move, pause: what was promised is kept.",
        jobs=8000, way="stream", pace_ms=2, before=fault.call_operators,
        fault=fault.dismiss_operators, times=1, until=0.03,
        allowance=Allowance(cuts=True), also=keeps_promises,
        tried="20 clients for more than 30 s beside 8,000 jobs of 20 ms, 2 consumers",
    ),
    Campaign(
        name="200 enqueues at once with one dedupe key",
        story="One job; the others are told its id.",
        before=enqueue_one_key, also=has_one_job, tried="200 threads of one client",
    ),
)  # fmt: skip

# Jobs, faults and consumers of the short form; what is not named here is in the long form alone.
SCALED_DOWN = {
    "kill -9, two consumers": (300, 3, 2),
    "SIGSTOP of one of two for two leases": (150, 1, 2),
    "SIGTERM": (300, 3, 1),
    "SIGTERM, jobs longer than the grace time": (16, 1, 1),
    "FLUSHALL": (300, 2, 1),
    "Redis killed, empty afterwards": (300, 1, 1),
    "PostgreSQL restarted (immediate)": (300, 2, 2),
    "junk in Redis, unknown tasks in rows": (200, 0, 1),
    "schedules, kill -9 every second": (6 * SCHEDULES, 2, 2),
    "a stop, then kill -9": (40, 2, 2),
    "chords, kill -9 every second": (20 * CHORD_JOBS, 2, 2),
    "pipelines, kill -9 every second": (60 * LINKS, 2, 2),
    "20 operators at once": (300, 1, 2),
    "200 enqueues at once with one dedupe key": (0, 0, 1),
}


def _short(campaign: Campaign) -> Campaign:
    jobs, times, consumers = SCALED_DOWN[campaign.name]
    return replace(
        campaign, jobs=jobs, times=times, consumers=consumers, wrong_clocks=0, own_servers=_is_hurt(campaign),
        also=_without_clocks(campaign),
        **({} if campaign.allowance.freezes or campaign.proxied else {"lease_s": 4, "beat_s": 1}),
    )  # fmt: skip


def _without_clocks(campaign: Campaign) -> Rule:
    """The campaign's own rules; what fakes a clock is not on every machine."""
    return timetable.each_time_fired_once if campaign.wrong_clocks else campaign.also


def _is_hurt(campaign: Campaign) -> bool:
    """Whether the short form hurts PostgreSQL, too."""
    return campaign.own_servers and campaign.way != "schedules"


SHORT = tuple(_short(campaign) for campaign in LONG if campaign.name in SCALED_DOWN)
