"""One soak from its start to its verdict."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import redis

from bench.figure import percentile
from tests.faults.servers import CampaignServers
from tests.soak.readings import Reader, Reading, all_waits
from tests.soak.result import Bounds, judge
from tests.soak.stage import SoakStage, soak_stage

LOOK_S = 0.5  # between two pages that somebody opens
READINGS_AT_LEAST = 24


@dataclass(frozen=True, slots=True)
class Soaked:
    """How a soak ended; `broken` has a sentence for each rule that did not hold."""

    readings: list[Reading]
    jobs: int
    broken: list[str]

    def summary(self) -> str:
        """Return the figures of the end, for people."""
        last = self.readings[-1]
        waits = all_waits(self.readings[len(self.readings) // 3 :]) or [0.0]
        first = self.readings[len(self.readings) // 3]
        p50, p99 = (1000 * percentile(waits, share) for share in (0.5, 0.99))
        whole = (
            f"{last.at_s / 60:.1f} min, {self.jobs} jobs; start latency p50 {p50:.1f} ms, p99 "
            f"{p99:.1f} ms; {len(last.backends)} connections to PostgreSQL, {last.redis_clients} to "
            f"Redis; tables {last.tables_mb:.0f} MB"
        )
        each = [
            f"  {name}: {first.usage[name].memory_mb:.0f} → {usage.memory_mb:.0f} MB, "
            f"{first.usage[name].files} → {usage.files} files, "
            f"{first.usage[name].threads} → {usage.threads} threads"
            for name, usage in last.usage.items()
        ]
        return "\n".join([whole, *each])


def soak(
    servers: CampaignServers,
    *,
    minutes: float,
    bounds: Bounds,
    tell: Callable[[str], None] = lambda _: None,
) -> Soaked:
    """Run the load for so long, and judge it; `tell` hears of each reading.

    The logs are kept unless every rule held.
    """
    folder = Path(tempfile.mkdtemp(prefix="mahaam-soak-"))
    with soak_stage(servers, folder) as stage:
        readings, broken = _watched(stage, minutes * 60, tell)
        jobs = _jobs(servers)
        broken += stage.end()
    broken += judge(readings, bounds, stage.logs)
    if broken:
        broken.append(f"Logs are kept in {folder}.")
    else:
        shutil.rmtree(folder)
    return Soaked(readings, jobs, broken)


def _watched(
    stage: SoakStage, seconds: float, tell: Callable[[str], None]
) -> tuple[list[Reading], list[str]]:
    every_s = min(10.0, seconds / READINGS_AT_LEAST)
    readings: list[Reading] = []
    with (
        closing(stage.servers.connection()) as connection,
        redis.Redis.from_url(stage.servers.redis_url) as client,
    ):
        reader = Reader(connection, client, every_s=every_s)
        ends_at = time.monotonic() + seconds
        read_at = time.monotonic() + every_s
        while time.monotonic() < ends_at and not stage.dead():
            stage.look_at_a_page()
            if time.monotonic() >= read_at:
                read_at += every_s
                readings.append(reader.read(stage.processes()))
                tell(f"{readings[-1].at_s:.0f} s")
            time.sleep(LOOK_S)
    return readings, stage.dead()


def _jobs(servers: CampaignServers) -> int:
    """How many jobs were started: by what the rollups of all minutes say."""
    with closing(servers.connection()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(completed + failed), 0)::bigint FROM job_minute")
        return int((cursor.fetchone() or (0,))[0])
