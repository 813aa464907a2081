"""Every setting of Mahaam, once: type, default, unit and one sentence."""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, EmailStr, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mahaam.addresses import postgres, redis
from mahaam.strength import is_own_address, is_weak_key, is_weak_password, parts_of_address

PROJECT_DIR = Path(__file__).resolve().parent.parent
EXIT_CODE = 2


class ConfigurationFault(Exception):
    """The configuration cannot be used; `sentences` says what to change, one sentence per fault."""

    def __init__(self, *sentences: str) -> None:
        self.sentences = sentences
        super().__init__("\n".join(sentences))


def setting(
    default: Any, sentence: str, *, unit: str = "", secret: bool = False, **rules: Any
) -> Any:
    """Describe one setting; `rules` are pydantic's (gt, ge, le, pattern, …)."""
    return Field(
        default,
        description=sentence,
        json_schema_extra={"unit": unit, "secret": secret},
        repr=not secret,
        **rules,
    )


def _split(value: Any) -> Any:
    """Turn `a, b` from the environment into its parts."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _port_ranges(value: Any) -> Any:
    """Turn `8443, 9000-9100` from the environment into ranges."""
    return tuple(map(_port_range, _split(value))) if isinstance(value, str) else value


def _port_range(text: str) -> range:
    first, dash, last = (part.strip() for part in text.partition("-"))
    if not (first.isdecimal() and (last if dash else "0").isdecimal()):
        raise ValueError("write ports as 8443 or 9000-9100")
    ports = range(int(first), int(last or first) + 1)
    if not ports or ports.start < 1 or ports.stop > 65536:
        raise ValueError("ports are numbers from 1 to 65535, the smaller one first")
    return ports


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Ports = Annotated[tuple[range, ...], NoDecode, BeforeValidator(_port_ranges)]
Emails = Annotated[tuple[EmailStr, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """The settings of one process, read from the environment and then from `.env`."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        arbitrary_types_allowed=True,  # range
    )

    app_env: Literal["development", "production", "test"] = setting(
        "development",
        "Where this runs; production refuses to start without servers and a secret key of its own.",
    )
    given_database_url: Annotated[str, BeforeValidator(postgres.postgres_url)] | None = setting(
        None,
        "PostgreSQL, as postgresql://user:password@host:port/name, with several hosts and all options that "
        "libpq knows; unset: an embedded server.",
        secret=True,
        validation_alias="DATABASE_URL",
    )
    given_migration_database_url: Annotated[str, BeforeValidator(postgres.postgres_url)] | None = (
        setting(
            None,
            "PostgreSQL as the owner of the tables, for migrations alone; unset: DATABASE_URL. With a role "
            "of its own, the product's role cannot change the audit.",
            secret=True,
            validation_alias="MIGRATION_DATABASE_URL",
        )
    )
    given_redis_url: Annotated[str, BeforeValidator(redis.redis_url)] | None = setting(
        None,
        "Redis, as redis://:password@host:port/0, rediss:// for TLS or unix:///path for a socket, but no "
        "Cluster; unset: an embedded server.",
        secret=True,
        validation_alias="REDIS_URL",
    )
    redis_prefix: str = setting(
        "mahaam",
        "First part of every key in Redis, so that several products share one server.",
        pattern=r"^[\w.-]+$",
    )
    given_secret_key: str | None = setting(
        None,
        "Signs sessions and tokens; unset: generated once into VAR_DIR/secret_key.",
        secret=True,
        min_length=32,
        validation_alias="SECRET_KEY",
    )
    var_dir: Path = setting(
        Path("var"), "Folder for everything that is kept on this machine; relative to the project."
    )

    admin_email: EmailStr = setting(
        "admin@example.com", "Address of the first administrator's account."
    )
    admin_password: str | None = setting(
        None,
        "Password of the first administrator; unset: a random one, printed once.",
        secret=True,
        min_length=8,
    )
    admin_emails: Emails = setting(
        (), "Who gets mail when a job has failed for good, separated by commas."
    )

    mail_server: str | None = setting(
        None, "SMTP server that sends mail; unset: no mail is sent, and the console says so."
    )
    mail_port: int = setting(587, "Its port.", ge=1, le=65535)
    mail_use_tls: bool = setting(True, "Whether to begin with STARTTLS.")
    mail_use_ssl: bool = setting(False, "Whether the connection is TLS from the start (port 465).")
    mail_username: str | None = setting(None, "Account at the SMTP server; unset: no login.")
    mail_password: str | None = setting(None, "Its password.", secret=True)
    mail_default_sender: EmailStr = setting("mahaam@example.com", "Address that mail comes from.")
    mail_ca_file: Path | None = setting(
        None, "Certificates that the SMTP server is checked against; unset: the system's."
    )
    mail_timeout_s: float = setting(
        15, "How long the SMTP server may be silent.", unit="seconds", gt=0, le=300
    )
    public_url: str | None = setting(
        None,
        "Where people reach the console, for links in mail, such as https://jobs.example.com or "
        "https://example.com/ops/mahaam; unset: http://HOST:PORT.",
        pattern=r"^https?://[^\s/?#]+(/[\w.~-]+)*/?$",
    )
    webhook_allow: Names = setting(
        (),
        "Hosts and networks that webhooks may reach although they are private, separated by commas, "
        "such as hooks.internal,10.1.0.0/16.",
    )
    webhook_ports: Ports = setting(
        (),
        "Ports that webhooks may use beside 80 and 443, separated by commas, such as 8443,9000-9100.",
    )

    host: str = setting("127.0.0.1", "Address that the web server listens on.")
    port: int = setting(8000, "Port that the web server listens on.", ge=1, le=65535)
    trusted_proxies: int = setting(
        0,
        "How many proxies stand in front of the web server and set X-Forwarded-For, "
        "X-Forwarded-Proto and X-Forwarded-Prefix; with 0 these headers are ignored.",
        ge=0,
        le=10,
    )
    trusted_hosts: Names = setting(
        (),
        "Host names that the console answers to, separated by commas, such as jobs.example.com or "
        ".example.com with all below it; unset: any.",
    )
    web_threads: int = setting(
        8,
        "Requests that one web process works on at once, each with a connection to PostgreSQL; "
        "slow clients do not count.",
        ge=1,
        le=256,
    )
    web_connections: int = setting(
        1000,
        "Connections that one web process holds open; beyond nine tenths of them, each new one ends "
        "the one that has waited longest for its client.",
        ge=50,
    )
    web_header_timeout_s: float = setting(
        10, "How long a client may take to send the header of a request.", unit="seconds", gt=0
    )
    web_body_timeout_s: float = setting(
        30, "How long a client may take to send the body of a request.", unit="seconds", gt=0
    )
    web_idle_timeout_s: float = setting(
        75,
        "How long a connection may rest between two requests; more than the proxy in front of it.",
        unit="seconds",
        ge=1,
    )
    web_send_timeout_s: float = setting(
        30, "How long a client may take to read each 64 kB of an answer.", unit="seconds", gt=0
    )
    default_language: Literal["en", "ar", "fa"] = setting(
        "en", "Language of pages for people who have not chosen one."
    )

    enqueue_timeout_s: float = setting(
        5,
        "How long enqueueing waits for PostgreSQL and Redis, whatever hangs there; then it raises "
        "DatabaseUnavailable. Of enqueue_many each chunk of 500.",
        unit="seconds",
        ge=0.5,
        le=300,
    )

    workers: int = setting(4, "Jobs that one consumer runs at once.", ge=1, le=1000)
    queues: Names = setting((), "Queues that a consumer serves, separated by commas; unset: all.")
    queue_order: Literal["strict", "weighted"] = setting(
        "strict",
        "strict empties the first queue before the next; weighted shares by their weights.",
    )
    new_queue_rank: int = setting(
        30,
        "Rank of a queue that a task names and nobody has made; 30 is that of the queue default.",
        ge=-(2**31) + 1,
        le=2**31 - 1,
    )
    task_modules: Names = setting(
        (), "Modules with tasks of your own, separated by commas, such as shop.jobs."
    )
    shutdown_timeout_s: float = setting(
        8,
        "How long a stopping consumer lets running jobs finish; Docker kills after 10.",
        unit="seconds",
        ge=0,
    )
    stop_grace_s: float = setting(
        10,
        "How long a job that is to stop may take to do so by itself; then it is interrupted.",
        unit="seconds",
        ge=0,
    )
    flush_interval_ms: int = setting(
        50,
        "How long a completion may wait for the disk; 0 makes every one wait before it is visible.",
        unit="milliseconds",
        ge=0,
        le=1000,
    )
    scheduler_interval_ms: int = setting(
        50,
        "How often delayed and retrying jobs are looked at.",
        unit="milliseconds",
        ge=5,
        le=60_000,
    )
    queue_refresh_s: float = setting(
        1, "How soon a changed rank, weight, rate limit or pause is seen.", unit="seconds", gt=0
    )

    lease_s: float = setting(
        30,
        "A consumer silent for this long is taken for dead and its jobs run again.",
        unit="seconds",
        gt=0,
    )
    beat_s: float = setting(10, "How often a consumer renews its lease.", unit="seconds", gt=0)
    freeze_limit_s: float = setting(
        15,
        "A consumer in which one task lets no other code run for this long is ended and the task is "
        "charged; where C code holds the interpreter, in any case before the lease is over.",
        unit="seconds",
        gt=0,
    )
    loop_timeout_s: float = setting(
        60,
        "A loop of a consumer that gives no sign of life for this long is started again; a statement "
        "of its may take 10.",
        unit="seconds",
        ge=5,
    )
    rescue_interval_s: float = setting(
        1, "How often a consumer looks for the jobs of dead ones.", unit="seconds", gt=0
    )
    ring_grace_s: float = setting(
        5,
        "How long a queued job may wait unheard of in Redis before its id is sent again.",
        unit="seconds",
        gt=0,
    )
    unknown_task_grace_s: float = setting(
        60,
        "How long jobs of a task that no live consumer knows wait for one that does; then they fail.",
        unit="seconds",
        ge=0,
    )
    max_crashes: int = setting(
        5, "Consumers that a job may take down before it fails for good.", ge=1
    )

    default_max_retries: int = setting(3, "Retries of a task that does not say.", ge=0, le=1000)
    default_retry_delay_s: float = setting(
        1.0, "Wait before the first retry.", unit="seconds", ge=0
    )
    default_retry_backoff: float = setting(
        2.0, "Each further wait is this many times longer.", unit="times", ge=1
    )
    retry_jitter: bool = setting(
        True, "Vary each wait, so that jobs which failed together do not return together."
    )
    retry_delay_cap_s: float = setting(
        600,
        "No wait before a retry is longer, unless the job or its task has a `retry_delay_cap` of its own.",
        unit="seconds",
        gt=0,
    )

    store_intermediate_errors: bool = setting(
        False, "Whether Huey's results tell an error while there are retries left."
    )
    hook_timeout_s: float = setting(
        10, "A hook or handler of yours that takes longer is cut off.", unit="seconds", gt=0
    )

    undo_window_s: float = setting(
        10,
        "How long after its end what an operator did can be undone with one button.",
        unit="seconds",
        ge=0,
        le=3600,
    )

    payload_limit_bytes: int = setting(
        262_144, "Larger arguments are refused.", unit="bytes", ge=1024
    )
    result_limit_bytes: int = setting(
        65_536, "Larger results are cut, with a mark.", unit="bytes", ge=256
    )
    traceback_limit_bytes: int = setting(
        32_768, "Larger tracebacks are cut, with a mark.", unit="bytes", ge=256
    )

    job_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", "The least serious line that is kept in a job's log."
    )
    job_log_lines: int = setting(
        2000, "Further lines of an attempt are counted, not kept.", ge=0, le=1_000_000
    )
    job_log_line_bytes: int = setting(
        4000, "Longer lines of a job's log are cut, with a mark.", unit="bytes", ge=100
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", "The least serious line that is logged."
    )
    log_format: Literal["text", "json"] = setting("text", "text for people, json for machines.")

    @property
    def is_production(self) -> bool:
        return self.app_env == "production"

    @property
    def database_url(self) -> str:
        """Return PostgreSQL's URL for libpq. Raises ConfigurationFault when there is no server."""
        return self.given_database_url or self._embedded("database_url")

    @property
    def migration_database_url(self) -> str:
        """Return PostgreSQL's URL as the role that owns the tables.

        Raises ConfigurationFault like `database_url`.
        """
        if self.given_migration_database_url or self.given_database_url:
            return str(self.given_migration_database_url or self.given_database_url)
        return self._embedded("migration_database_url")

    @property
    def redis_url(self) -> str:
        """Return Redis's URL for redis-py. Raises ConfigurationFault when there is no server."""
        return self.given_redis_url or self._embedded("redis_url")

    @cached_property
    def secret_key(self) -> str:
        """Return the key that signs sessions and tokens; the same for every process on this machine."""
        return self.given_secret_key or _kept_secret(self.var_path / "secret_key")

    @property
    def sends_mail(self) -> bool:
        """Return True if a server that sends mail is configured."""
        return bool(self.mail_server)

    @property
    def console_url(self) -> str:
        """Return the address that links in mail begin with, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def var_path(self) -> Path:
        """Return VAR_DIR as an absolute path."""
        return PROJECT_DIR / self.var_dir

    @property
    def servers_file(self) -> Path:
        """Return the file that tells the other processes of this machine about the servers.

        The launcher writes it.
        """
        return self.var_path / "servers.json"

    def _embedded(self, name: str) -> str:
        url = running_servers(self.servers_file).get(name)
        if not url:
            raise ConfigurationFault(
                f"No {name.upper()} is known: start `make run`, or set {name.upper()}."
            )
        return str(url)


def running_servers(servers_file: Path) -> dict[str, Any]:
    """Read the URLs of the embedded servers. Return none when their launcher is gone."""
    try:
        servers: dict[str, Any] = json.loads(servers_file.read_text("utf-8"))
        os.kill(servers["launcher_pid"], 0)
    except PermissionError:  # it runs, but belongs to another user
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return servers


def _kept_secret(path: Path) -> str:
    """Read the secret in `path`; make it first when there is none. Return it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as draft:
            draft.write(secrets.token_urlsafe(48))
            draft.flush()
            _link_first(draft.name, path)
    return path.read_text("utf-8").strip()


def _link_first(draft: str, path: Path) -> None:
    """Publish a whole file; when web and consumer do it at once, the first one counts."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return


class Rule(NamedTuple):
    """A rule between settings: which ones, when it holds, and the sentence when it does not."""

    names: tuple[str, ...]
    holds: Callable[[Settings], bool]
    sentence: str


def _is_given_in_production(settings: Settings, *, name: str) -> bool:
    return not settings.is_production or bool(getattr(settings, name))


def _is_weak_admin(settings: Settings) -> bool:
    password, email = str(settings.admin_password), str(settings.admin_email)
    about = (*parts_of_address(email), "mahaam")
    return is_own_address(password, email) or is_weak_password(password, about=about)


RULES = (
    Rule(
        ("beat_s", "lease_s"),
        lambda s: s.beat_s < s.lease_s / 2,
        "BEAT_S ({0.beat_s:g}) must be less than half of LEASE_S ({0.lease_s:g}), "
        "so that one lost beat kills no consumer.",
    ),
    Rule(
        ("rescue_interval_s", "lease_s"),
        lambda s: s.rescue_interval_s <= s.lease_s,
        "RESCUE_INTERVAL_S ({0.rescue_interval_s:g}) must not exceed LEASE_S ({0.lease_s:g}).",
    ),
    Rule(
        ("default_retry_delay_s", "retry_delay_cap_s"),
        lambda s: s.default_retry_delay_s <= s.retry_delay_cap_s,
        "DEFAULT_RETRY_DELAY_S ({0.default_retry_delay_s:g}) must not exceed "
        "RETRY_DELAY_CAP_S ({0.retry_delay_cap_s:g}).",
    ),
    *(
        Rule(
            ("app_env", name),
            partial(_is_given_in_production, name=name),
            f"{name.removeprefix('given_').upper()} must be set when APP_ENV is production.",
        )
        for name in ("given_database_url", "given_redis_url", "given_secret_key")
    ),
    Rule(
        ("app_env", "given_secret_key"),
        lambda s: not (s.is_production and s.given_secret_key and is_weak_key(s.given_secret_key)),
        "SECRET_KEY is easy to guess, and whoever guesses it is everybody: take a random one, from "
        "`python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`.",
    ),
    Rule(
        ("app_env", "admin_email", "admin_password"),
        lambda s: not (s.is_production and s.admin_password and _is_weak_admin(s)),
        "ADMIN_PASSWORD is easy to guess or like ADMIN_EMAIL: take several words that do not belong "
        "together, or leave it out and get a random one.",
    ),
)


def env_name(name: str) -> str:
    """Return the environment variable of a field."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else name.upper()


def load_settings() -> Settings:
    """Read and check all settings. Raises ConfigurationFault with every fault there is."""
    # A test must not depend on a developer's .env.
    env_file = None if os.environ.get("APP_ENV") == "test" else PROJECT_DIR / ".env"
    broken: dict[str, str] = {}
    try:
        settings = Settings(_env_file=env_file)
    except ValidationError as error:
        broken = _field_faults(error)
        # With the broken ones at their defaults, the rules between the others can still be checked.
        defaults = {name: Settings.model_fields[name].default for name in broken}
        settings = Settings(_env_file=env_file, **defaults)
    sentences = [*broken.values(), *_rule_faults(settings, broken)]
    if sentences:
        raise ConfigurationFault(*sentences)
    return settings


def _field_faults(error: ValidationError) -> dict[str, str]:
    """Return one sentence for each field that has a wrong value."""
    by_env_name = {env_name(name): name for name in Settings.model_fields}
    faults: dict[str, str] = {}
    for detail in error.errors():
        name = by_env_name[str(detail["loc"][0]).upper()]
        faults.setdefault(name, _sentence(name, detail["msg"], detail["input"]))
    return faults


def _sentence(name: str, message: str, found: Any) -> str:
    extra = Settings.model_fields[name].json_schema_extra
    is_secret = isinstance(extra, dict) and extra["secret"]
    shown = "" if is_secret else f" (found: {found!r})"
    return f"{env_name(name)} is wrong{shown}: {message.removeprefix('Value error, ').rstrip('.')}."


def _rule_faults(settings: Settings, broken: dict[str, str]) -> list[str]:
    return [
        rule.sentence.format(settings)
        for rule in RULES
        if not broken.keys() & set(rule.names) and not rule.holds(settings)
    ]


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read once. Raises ConfigurationFault."""
    return load_settings()


def settings_or_exit() -> Settings:
    """Return the settings for an entry point: faults go to standard error, and the process ends with 2."""
    try:
        return get_settings()
    except ConfigurationFault as fault:
        print(fault, file=sys.stderr)
        raise SystemExit(EXIT_CODE) from None
