"""Where a campaign plays: a client, consumers under a supervisor, servers, and the watch over them."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from bench.log_lines import SERIOUS, entries
from mahaam import config
from mahaam.config import PROJECT_DIR
from tests.faults.consumer_process import ConsumerProcess, Supervisor
from tests.faults.evidence import Evidence
from tests.faults.ledger import LEDGER, Ledger
from tests.faults.load_clients import promised, promises
from tests.faults.rows import Rows
from tests.faults.servers import CampaignServers
from tests.machine import pace
from tests.waiting import wait_until

TICK_S = 0.05
SAMPLE_EVERY_S = 0.1
FAULT_TIMEOUT_S = 180


class Stage:
    """The processes of one campaign, watched by a loop in this one."""

    def __init__(
        self, servers: CampaignServers, folder: Path, *, seed: int, lease_s: float, beat_s: float
    ) -> None:
        self.servers = servers
        self.folder = folder
        self.chance = random.Random(seed)
        self.lease_s = lease_s
        self.beat_s = beat_s
        self.ledger = Ledger(folder / "ledger")
        self.frozen: dict[int, list[int]] = {}  # pid -> from when on, monotonic ns
        self.cut_off: dict[int, list[int]] = {}
        self.settings: dict[str, str] = {}  # of every process, beside the usual ones
        self.accepted_count = 0
        self.answers: Counter[tuple[str, str]] = Counter()  # what clients were told: id, duplicate
        self._accepted_path = folder / "accepted"
        self._clients: list[subprocess.Popen[bytes]] = []
        self._supervisor: Supervisor | None = None
        self._samples: list[int] = []
        self._next_sample_at = 0.0
        self.rows = Rows(servers)

    # Processes.

    def start_consumers(
        self, count: int, *arguments: str, proxied: int = 0, more: Sequence[dict[str, str]] = ()
    ) -> None:
        """Start consumers; the first `proxied` of them reach their servers by the proxies.

        `more` joins the environments of the first ones.
        """
        environments = [self.environment(proxied=place < proxied) for place in range(count)]
        for environment, own in zip(environments, more, strict=False):
            environment.update(own)
        self._supervisor = Supervisor(environments, self.folder, *arguments)

    def start_client(
        self, way: str, *, count: int, ms: int, pace_ms: float = 0, **environment: str
    ) -> None:
        """Start an application that enqueues; `environment` joins that of the campaign."""
        words = ["--count", count, "--ms", ms, "--pace-ms", pace_ms]
        words += ["--accepted", self._accepted_path]
        command = [sys.executable, "-m", "tests.faults.client", way, *map(str, words)]
        with self.client_log.open("ab") as said, self.client_output.open("ab") as printed:
            self._clients.append(
                subprocess.Popen(
                    command,
                    cwd=PROJECT_DIR,
                    env=self.environment() | environment,
                    stdout=printed,
                    stderr=said,
                )
            )
        self.accepted_count += count

    def environment(self, *, proxied: bool = False) -> dict[str, str]:
        """The environment of a process of this campaign."""
        names = {config.env_name(name) for name in config.Settings.model_fields}
        kept = {name: value for name, value in os.environ.items() if name not in names}
        urls = self.servers.urls_by_proxy if proxied else self.servers.urls
        return kept | urls | {
            "APP_ENV": "test",
            "SECRET_KEY": "test" * 8,
            "VAR_DIR": str(self.folder / "var"),
            "TASK_MODULES": "tests.faults.work,tests.faults.chains",
            "UNKNOWN_TASK_GRACE_S": "1",
            "LEASE_S": f"{self.lease_s:g}",
            "BEAT_S": f"{self.beat_s:g}",
            LEDGER: str(self.ledger.path),
            **self.settings,
        }  # fmt: skip

    def start_load_clients(self, operators: int) -> None:
        """Start operators who work at whatever jobs there are, and wait until they do."""
        self.start_client("load-clients", count=operators, ms=0)
        self.accepted_count -= operators
        self.watch_until(promises(self.folder).exists, otherwise="no operator came")

    def release_load_clients(self) -> None:
        """Let the operators go when the clients that came after them have ended."""
        enqueuing = self._clients[1:]
        self.watch_until(lambda: all(client.poll() is not None for client in enqueuing))
        (self.folder / "enough").touch()

    @property
    def client_log(self) -> Path:
        """What the clients logged."""
        return self.folder / "client.log"

    @property
    def client_output(self) -> Path:
        """What the clients printed."""
        return self.folder / "client.out"

    @property
    def supervisor(self) -> Supervisor:
        """Who restarts consumers."""
        assert self._supervisor is not None
        return self._supervisor

    def a_ready_consumer(self) -> ConsumerProcess:
        """Any consumer that takes jobs, as soon as there is one."""
        self.watch_until(self.supervisor.ready, otherwise="no consumer became ready")
        return self.chance.choice(self.supervisor.ready())

    # The watch.

    def watch_for(self, seconds: float) -> None:
        """Let time pass, and go on watching."""
        until = time.monotonic() + seconds
        self.watch_until(lambda: time.monotonic() >= until, timeout_s=seconds + 10)

    def watch_until(
        self,
        holds: Callable[[], object],
        *,
        timeout_s: float = FAULT_TIMEOUT_S,
        otherwise: Callable[[], str] | str = "it did not happen",
    ) -> None:
        """Restart what has ended and count what runs until `holds()`."""

        def ticked() -> object:
            self._tick()
            return holds()

        wait_until(ticked, timeout_s=timeout_s, every_s=TICK_S, otherwise=otherwise)

    def watch_progress(self, count: int) -> None:
        """Watch until `count` attempts have come to an end."""
        self.watch_until(
            lambda: self.ledger.closed >= count,
            otherwise=lambda: f"only {self.ledger.closed} of {count} attempts ended",
        )

    def watch_until_clients_ended(self) -> None:
        """Watch until everything is accepted."""
        self.watch_until(
            lambda: all(client.poll() is not None for client in self._clients),
            otherwise="a client did not end",
        )

    def watch_until_over(self) -> None:
        """Watch until no client runs and no job lives."""
        self.watch_until_clients_ended()
        self.watch_until(
            lambda: self.rows.live() == 0,
            otherwise=lambda: f"{self.rows.live()} jobs have not ended",
        )

    def _tick(self) -> None:
        if self._supervisor is not None:
            self._supervisor.restart_ended()
        self.ledger.read()
        if time.monotonic() >= self._next_sample_at:
            self._next_sample_at = time.monotonic() + SAMPLE_EVERY_S
            self._samples += self.rows.most_running()

    # The end.

    def close(self) -> Evidence:
        """End the consumers gracefully and gather what is left of it all."""
        self.supervisor.stop()
        self.ledger.read()
        evidence = Evidence(
            lease_s=self.lease_s,
            runs=self.ledger.by_job(),
            deaths=self.supervisor.deaths,
            lives=self.supervisor.lives,
            frozen=self.frozen,
            cut_off=self.cut_off,
            consumer_faults=self.supervisor.faults,
            accepted=self._accepted(),
            accepted_count=self.accepted_count,
            samples=self._samples,
            answers=self.answers,
            promised=promised(self.folder),
            said=list(self._said()),
            slowness=pace.slowness(),
            client_faults=[
                f"A client ended with code {client.returncode}; see {self.client_log}."
                for client in self._clients
                if client.returncode
            ],
        )
        with closing(self.servers.connection()) as connection:
            evidence.read_rows(connection)
        return evidence

    def _said(self) -> Iterator[tuple[str, str]]:
        for path in (*self.folder.glob("consumer-*.log"), *self.folder.glob("client.log")):
            for line in entries(path.read_text("utf-8", "replace")):
                if line.level in SERIOUS:
                    yield line

    def kill_all(self) -> None:
        """Leave no process and no connection, however the campaign ended."""
        if self._supervisor is not None:
            self._supervisor.kill_all()
        for client in self._clients:
            if client.poll() is None:
                client.kill()
            client.wait()
        self.rows.close()

    def _accepted(self) -> set[str]:
        path = self._accepted_path
        return set(path.read_text().split()) if path.exists() else set()
