"""One campaign: what runs, what is done to it, what that excuses; and how it is carried out."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.faults.clocks import faked
from tests.faults.evidence import Evidence
from tests.faults.result import Allowance, judge
from tests.faults.servers import CampaignServers
from tests.faults.stage import Stage
from tests.faults.timetable import SCHEDULES, wrong_clock

NOTHING_EXCUSED = Allowance()


def _nothing(_: Stage) -> None:
    return


def _no_more(_: Evidence) -> Iterator[str]:
    return iter(())


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """`times` faults, each at a random moment while the first `until` of `jobs` jobs of `ms` run.

    `way` is how the jobs come: as rows at once, from schedules, or one by one from a client (stream);
    `holding` makes each tenth hold its whole process; `proxied` consumers reach their servers by the
    proxies, `wrong_clocks` of them are an hour off;
    `before` and `start` happen before and after the consumers start; `also` are rules of this
    campaign alone.
    """

    name: str
    story: str
    jobs: int = 0
    ms: int = 20
    way: str = "rows"
    holding: bool = False
    flaky: bool = False
    pace_ms: float = 0
    consumers: int = 2
    arguments: tuple[str, ...] = ()
    proxied: int = 0
    wrong_clocks: int = 0
    fault: Callable[[Stage], None] = _nothing
    times: int = 0
    until: float = 0.85
    lease_s: float = 5
    beat_s: float = 1
    before: Callable[[Stage], None] = _nothing
    allowance: Allowance = NOTHING_EXCUSED
    also: Callable[[Evidence], Iterator[str]] = _no_more
    tried: str = ""  # how it was tried, where the table's own words do not say it
    own_servers: bool = False  # PostgreSQL itself is hurt
    client_clocks: tuple[str, ...] = ()  # a client for each, by libfaketime's words
    postgres_environment: Callable[[], dict[str, str]] = dict
    disk_mb: int = 0  # of the file system that PostgreSQL lies on; 0: the machine's own

    @property
    def excused(self) -> Allowance:
        """The allowance; rows that nobody has rung for look like a Redis that lost its memory."""
        return replace(
            self.allowance, says=(*self.allowance.says, r"[Rr]edis (had )?lost its memory")
        )


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a campaign ended; `broken` has a sentence for each rule that did not hold."""

    campaign: Campaign
    seed: int
    seconds: float
    jobs: int
    completed_again: int
    slowest_recovery_s: float | None
    most_running: int
    late: int
    broken: tuple[str, ...]


def carry_out(campaign: Campaign, servers: CampaignServers, *, seed: int) -> Result:
    """Play one campaign to its end and judge what is left."""
    started_at = time.monotonic()
    with _stage(campaign, servers, seed) as stage:
        try:
            evidence = _played(campaign, stage)
            broken = [*judge(evidence, campaign.excused), *campaign.also(evidence)]
        except AssertionError as fault:  # something that was waited for did not happen
            evidence, broken = stage.close(), [str(fault)]
        if broken:
            evidence.write(stage.folder / "evidence.txt")
            broken.append(f"Logs are kept in {stage.folder}.")
        else:
            shutil.rmtree(stage.folder)
    return Result(
        campaign=campaign,
        seed=seed,
        seconds=time.monotonic() - started_at,
        jobs=len(evidence.jobs),
        completed_again=evidence.completed_again,
        slowest_recovery_s=max((found.seconds for found in evidence.recoveries), default=None),
        most_running=max(evidence.samples, default=0),
        late=sum(row.is_late for row in evidence.attempts),
        broken=tuple(broken),
    )


def _played(campaign: Campaign, stage: Stage) -> Evidence:
    campaign.before(stage)
    if campaign.way == "rows":
        stage.rows.accept(
            campaign.jobs, ms=campaign.ms, holding=campaign.holding, flaky=campaign.flaky
        )
        stage.accepted_count += campaign.jobs
    elif campaign.way == "schedules":
        stage.rows.schedule(SCHEDULES, times=campaign.jobs // SCHEDULES, ms=campaign.ms)
        stage.accepted_count += campaign.jobs
    else:
        clocks = [faked(time) for time in campaign.client_clocks] or [{}]
        for clock in clocks:
            stage.start_client(
                campaign.way,
                count=campaign.jobs // len(clocks),
                ms=campaign.ms,
                pace_ms=campaign.pace_ms,
                **clock,
            )
    stage.start_consumers(
        campaign.consumers,
        *campaign.arguments,
        proxied=campaign.proxied,
        more=[wrong_clock(place) for place in range(campaign.wrong_clocks)],
    )
    for count in _moments(campaign, stage.chance):
        stage.watch_progress(count)
        campaign.fault(stage)
    stage.watch_until_over()
    return stage.close()


def _moments(campaign: Campaign, chance: random.Random) -> list[int]:
    """After how many ended attempts each fault comes."""
    last = int(campaign.jobs * campaign.until)
    return sorted(chance.randrange(campaign.jobs // 50, last) for _ in range(campaign.times))


@contextmanager
def _stage(campaign: Campaign, servers: CampaignServers, seed: int) -> Iterator[Stage]:
    folder = Path(tempfile.mkdtemp(prefix="mahaam-faults-"))
    stage = Stage(servers, folder, seed=seed, lease_s=campaign.lease_s, beat_s=campaign.beat_s)
    try:
        yield stage
    finally:
        stage.kill_all()
