"""The processes of a soak: consumers, the web server with people in front of it, an application."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.console.site import EMAIL, Site
from launch.product import web_command
from mahaam import config
from mahaam.config import PROJECT_DIR
from tests.faults.consumer_process import ConsumerProcess
from tests.faults.servers import CampaignServers
from tests.launch.running_product import free_port
from tests.waiting import wait_until

CONSUMERS = 2
END_S = 30
PAGES = (
    "/admin/", "/admin/job/", "/admin/job/?state=failed", "/admin/queues/", "/admin/deadletterqueue/",
    "/admin/error/", "/admin/schedule/", "/admin/alert/", "/admin/worker/", "/admin/operation/",
    "/admin/metrics/", "/admin/audit/", "/admin/execution/", "/admin/setting/", "/admin/task/",
)  # fmt: skip


class SoakStage:
    """Everything that runs for the time of a soak, with a log file for each process."""

    def __init__(self, servers: CampaignServers, folder: Path) -> None:
        self.servers = servers
        self.folder = folder
        self._secret_key = secrets.token_hex(32)
        self._pages = 0
        self._children: list[subprocess.Popen[bytes]] = []
        self.consumers: list[ConsumerProcess] = []
        self.site: Site | None = None

    def start(self) -> None:
        """Start all; return when the consumers take jobs and somebody has logged in."""
        self.consumers = [
            ConsumerProcess(self.environment, self.folder / f"consumer-{place}.log")
            for place in range(CONSUMERS)
        ]
        wait_until(
            lambda: all(consumer.was_ready for consumer in self.consumers),
            timeout_s=60,
            otherwise=lambda: "\n".join(one.log_path.read_text() for one in self.consumers),
        )
        self.site = self._served()
        self._child("application.log", "-m", "tests.soak.load", "--enough", str(self.enough))

    @property
    def enough(self) -> Path:
        """The file that ends the application."""
        return self.folder / "enough"

    @property
    def logs(self) -> list[Path]:
        """What all processes have printed."""
        return sorted(self.folder.glob("*.log"))

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process."""
        names = {config.env_name(name) for name in config.Settings.model_fields}
        kept = {name: value for name, value in os.environ.items() if name not in names}
        return kept | self.servers.urls | {
            "APP_ENV": "test",
            "SECRET_KEY": self._secret_key,
            "VAR_DIR": str(self.folder / "var"),
            "TASK_MODULES": "tests.soak.jobs",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "INFO",
        }  # fmt: skip

    def processes(self) -> Mapping[str, psutil.Process]:
        """The processes that must stay as they are, by name."""
        assert self.site is not None
        found = {
            f"consumer {place}": psutil.Process(one.pid) for place, one in enumerate(self.consumers)
        }
        workers = self.site.workers()
        return found | {f"web {place}": process for place, process in enumerate(workers)}

    def look_at_a_page(self) -> None:
        """Open the next page, every other time as a page asks that is open already."""
        assert self.site is not None
        path = PAGES[self._pages % len(PAGES)]
        status, _ = self.site.get(path, live=self._pages % 2 == 1)
        assert status in (200, 204), f"{path} answered {status}"
        self._pages += 1

    def end(self) -> list[str]:
        """End the application, then the rest, gracefully; a sentence for each that did not end well."""
        self.enough.touch()
        faults = [f"{name} ended with code {code}" for name, code in self._ended() if code]
        for consumer in self.consumers:
            consumer.terminate()
        codes = [consumer.wait() for consumer in self.consumers]
        return faults + [f"a consumer ended with code {code}" for code in codes if code]

    def kill_all(self) -> None:
        """Leave no process and no connection, however the soak ended."""
        if self.site is not None:
            self.site.close()
        for consumer in self.consumers:
            if consumer.exit_code is None:
                consumer.kill()
        for child in self._children:
            if child.poll() is None:
                child.kill()
            child.wait()

    def dead(self) -> list[str]:
        """Return who has ended although nobody asked."""
        found = [
            f"consumer {place} ended with code {one.exit_code}"
            for place, one in enumerate(self.consumers)
            if one.exit_code is not None
        ]
        return found + [
            f"{child.args!r} ended with code {child.returncode}"
            for child in self._children
            if child.poll() is not None
        ]

    def _served(self) -> Site:
        port, password = free_port(), secrets.token_urlsafe(12)
        words = ["-m", "flask", "--app", "wsgi", "users", "create", EMAIL, "--role", "admin"]
        subprocess.run(
            [sys.executable, *words, "--password", password],
            cwd=PROJECT_DIR, env=self.environment, check=True, capture_output=True,
        )  # fmt: skip
        server = self._child("web.log", *web_command()[1:], HOST="127.0.0.1", PORT=str(port))
        site = Site(port, psutil.Process(server.pid))
        wait_until(lambda: _answers(site), timeout_s=60, otherwise="the web server did not start")
        site.log_in(password)
        return site

    def _child(self, log_name: str, *words: str, **more: str) -> subprocess.Popen[bytes]:
        with (self.folder / log_name).open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, *words],
                cwd=PROJECT_DIR, env=self.environment | more, stdout=log, stderr=log,
            )  # fmt: skip
        self._children.append(child)
        return child

    def _ended(self) -> Iterator[tuple[str, int]]:
        """The application ends by itself; the web server is told to."""
        web, application = self._children
        yield "The application", application.wait(END_S)
        web.send_signal(signal.SIGTERM)
        yield "The web server", web.wait(END_S)


@contextmanager
def soak_stage(servers: CampaignServers, folder: Path) -> Iterator[SoakStage]:
    """Start a stage, and leave no process of it."""
    stage = SoakStage(servers, folder)
    try:
        stage.start()
        yield stage
    finally:
        stage.kill_all()


def _answers(site: Site) -> bool:
    try:
        return site.get("/healthz")[0] == 200
    except OSError:
        time.sleep(0.1)
        return False
