"""The figures of the control room, each with its target."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from bench.console.scenarios import JOBS
from bench.console.site import Site
from bench.console.slow_clients import slow_clients, two_hundred
from bench.figure import Figure, at_most, percentile
from bench.servers import BenchServers
from mahaam.alerts.store import EVERY_S

PAGE_LIMIT_MS = 50
GROWTH_LIMIT = 1.6
VIEWERS, LOOK_EVERY_S, WATCHED_S = 50, 2.0, 20.0
VIEWERS_LIMIT = 0.15
LOOKS_LIMIT = 0.01
EXPORT_LIMIT_MB = 20
SLOW_CLIENTS_LIMIT_MS = 100
WARM_UP = 3


class Times(NamedTuple):
    """How long one page took, request by request, in milliseconds."""

    few: list[float]  # rows
    many: list[float]


def page_figures(
    few: tuple[Site, dict[str, str]], many: tuple[Site, dict[str, str]], *, requests: int
) -> Iterator[Figure]:
    """Each page at many rows, and against few; the two sites take turns."""
    for name, path in many[1].items():
        times = _times((few[0], few[1][name]), (many[0], path), requests)
        p95, before = percentile(times.many, 0.95), percentile(times.few, 0.95)
        p50s = f"p50 {percentile(times.few, 0.5):.1f} → {percentile(times.many, 0.5):.1f} ms"
        detail = f"{p50s}, p95 {before:.1f} → {p95:.1f} ms"
        yield at_most(f"{name}, p95", p95, PAGE_LIMIT_MS, unit="ms", detail=detail)
        yield at_most(f"{name}, growth", p95 / before, GROWTH_LIMIT, unit="ratio", detail=detail)


def alerts_figure(servers: BenchServers) -> Figure:
    """What looking at the rules costs, of a core, when a consumer does it every 15 seconds."""
    looks_ms = json.loads(servers.output("-m", "bench.console.looks"))
    share = statistics.fmean(looks_ms) / 1000 / EVERY_S
    p50, p95 = percentile(looks_ms, 0.5), percentile(looks_ms, 0.95)
    detail = f"{len(looks_ms)} looks, p50 {p50:.0f} ms, p95 {p95:.0f} ms"
    return at_most(
        "looking at the rules, share of a core", share, LOOKS_LIMIT, unit="ratio", detail=detail
    )


def viewers_figure(site: Site, path: str) -> Figure:
    """What fifty open pages cost the web server."""
    interval_s, looks = LOOK_EVERY_S / VIEWERS, 0
    site.get(path, live=True)
    used, began = site.cpu_s(), time.monotonic()
    while (elapsed := time.monotonic() - began) < WATCHED_S:
        if looks * interval_s > elapsed:
            time.sleep(looks * interval_s - elapsed)
        status, _ = site.get(path, live=True)
        assert status in (200, 204), (path, status)  # 204: nothing has changed
        looks += 1
    elapsed = time.monotonic() - began
    share = (site.cpu_s() - used) / elapsed
    detail = f"{looks} looks in {elapsed:.0f} s, {share * elapsed / looks * 1000:.1f} ms each"
    return at_most(
        f"{VIEWERS} viewers of {path}, share of a core",
        share,
        VIEWERS_LIMIT,
        unit="",
        detail=detail,
    )


def slow_clients_figure(site: Site, path: str) -> Figure:
    """How long a page takes under two hundred clients that hold their connections and do nothing."""
    quiet = _took_ms(site, path)
    with slow_clients(site.port) as clients:
        two_hundred(clients, f"{JOBS}export.csv", site.cookie)
        site.get(path)  # which waits for the beginnings of the files
        crowded = _took_ms(site, path)
        count = clients.open_count()
    p50, before = percentile(crowded, 0.5), percentile(quiet, 0.5)
    detail = (
        f"{count} open, p50 {before:.1f} → {p50:.1f} ms, p95 {percentile(crowded, 0.95):.1f} ms"
    )
    return at_most(
        f"{path} under 200 slow clients, p95",
        percentile(crowded, 0.95),
        SLOW_CLIENTS_LIMIT_MS,
        unit="ms",
        detail=detail,
    )


def _took_ms(site: Site, path: str, *, times: int = 40) -> list[float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        status, text = site.get(path)
        took.append((time.perf_counter() - began) * 1000)
        assert status == 200, (path, status, text)
    return took


def export_figure(site: Site, asked: str, *, form: str) -> Figure:
    """How the web server's memory grows while it writes a large file."""
    _read(site, f"{JOBS}export.{form}?state=running")  # what is loaded once is loaded
    before, began = site.memory_bytes(), time.monotonic()
    with _highest_memory(site) as seen:
        lines = _read(site, f"{JOBS}export.{form}?{asked}")
    growth_mb = (max(seen) - before) / 1e6
    detail = f"{lines:,} rows in {time.monotonic() - began:.0f} s"
    return at_most(
        f"export as {form}, growth of memory", growth_mb, EXPORT_LIMIT_MB, unit="MB", detail=detail
    )


def _times(few: tuple[Site, str], many: tuple[Site, str], requests: int) -> Times:
    times = Times([], [])
    for number in range(WARM_UP + requests):
        for (site, path), taken in zip((few, many), times, strict=True):
            began = time.perf_counter()
            status, text = site.get(path)
            if number >= WARM_UP:
                taken.append((time.perf_counter() - began) * 1000)
            assert status == 200, (path, status, text)
    return times


def _read(site: Site, path: str) -> int:
    """Read a whole file; how many lines it has."""
    answer, lines = site.open(path), 0
    assert answer.status == 200, (path, answer.status)
    while chunk := answer.read(1 << 20):
        lines += chunk.count(b"\n")
    return lines


@contextmanager
def _highest_memory(site: Site) -> Iterator[list[int]]:
    seen = [site.memory_bytes()]
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            seen.append(site.memory_bytes())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
