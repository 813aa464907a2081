"""What every test may use: servers, a clean database, settings; and what none may leave behind."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from mahaam import config
from mahaam.config import Settings
from tests import cluster
from tests.fork_server.client import fork_server
from tests.machine import pace
from tests.servers import TestServers, fresh_database, running_servers
from tests.strays import end_strays, mark_this_run, marked_processes

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**9))
VAR_DIR = Path(tempfile.mkdtemp(prefix="mahaam-test-var-"))

BUSY_TIMES = 3  # a test may take so many times longer beside others before it counts as hung
# The files that take longest begin, so that no process sits idle while the last one runs.
LONGEST = (
    "test_faults.py",
    "test_soak.py",
    "test_every_page.py",
    "test_product.py",
    "test_end_to_end.py",
    "test_undo_under_kills.py",
    "test_secrets_in_searches.py",
    "test_slow_clients.py",
    "test_freezes.py",
    "test_schema.py",
    "test_query_counts.py",
)

for name in Settings.model_fields:  # nothing of the developer's own environment reaches a test
    os.environ.pop(config.env_name(name), None)
os.environ |= {
    "SEED": str(SEED),
    "APP_ENV": "test",
    "VAR_DIR": str(VAR_DIR),
    "SECRET_KEY": "test" * 8,
}
# Whoever runs this in the background (nohup, cron, a shell's `&`) ignores these signals, and all that
# is started here would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
for ignored in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(ignored, signal.SIG_DFL)
# Hundreds of processes are started here: each would compile the product anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
mark_this_run()
hypothesis.settings.register_profile("mahaam", database=None, deadline=None, print_blob=True)
hypothesis.settings.load_profile("mahaam")


def pytest_report_header() -> str:
    return f"seed: {SEED} (repeat with SEED={SEED} make test)"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first, and give each test the time that it needs on this machine."""
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))
    factor = BUSY_TIMES * pace.slowness()
    for item in items:
        marker = item.get_closest_marker("timeout")
        limit_s = float(marker.args[0] if marker else config.getini("timeout"))
        item.add_marker(pytest.mark.timeout(factor * limit_s), append=False)


def pytest_configure(config: pytest.Config) -> None:
    if cluster.make_room():  # in the process that starts the others
        config.add_cleanup(cluster.remove)


def pytest_unconfigure() -> None:
    fork_server.stop()
    shutil.rmtree(VAR_DIR, ignore_errors=True)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A number of this run and test, for random faults that can be repeated."""
    return random.Random(f"{SEED}:{request.node.nodeid}").randrange(2**32)


@pytest.fixture(autouse=True)
def _seeded(seed: int) -> None:
    random.seed(seed)


@pytest.fixture(autouse=True)
def _no_stray_process() -> Iterator[None]:
    """After each test, every process that it started has ended."""
    before = marked_processes()
    yield
    strays = end_strays(before)
    assert not strays, f"Left running: {strays}"


@pytest.fixture(autouse=True)
def _settings_read_anew() -> Iterator[None]:
    config.get_settings.cache_clear()
    yield
    config.get_settings.cache_clear()


@pytest.fixture(scope="session")
def servers() -> Iterator[TestServers]:
    """PostgreSQL and Redis for the whole run; a test that hurts them takes `own_servers`."""
    with running_servers() as servers:
        yield servers


@pytest.fixture
def own_servers() -> Iterator[TestServers]:
    """PostgreSQL and Redis for one test, to be stopped and killed; the database is `mahaam`."""
    with running_servers() as servers:
        yield servers


@pytest.fixture
def database_url(servers: TestServers) -> Iterator[str]:
    """A clean, migrated database of this test alone."""
    with fresh_database(servers) as url:
        yield url


@pytest.fixture
def redis_url(servers: TestServers) -> str:
    """An empty Redis."""
    servers.empty_redis()
    return servers.redis.url


@pytest.fixture
def settings(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings of this process and of those it starts: clean servers, a folder of their own."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    config.get_settings.cache_clear()
    return config.get_settings()
