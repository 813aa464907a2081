"""Addresses of servers: what is read out of them, and what is refused before anything is opened."""

from __future__ import annotations

import re
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn

from mahaam.addresses import postgres, redis
from mahaam.addresses.postgres import postgres_url
from mahaam.addresses.redis import open_redis, redis_url
from mahaam.config import ConfigurationFault, load_settings

SECRET = "s3cret"
PASSWORDS = st.text(st.sampled_from(string.printable.strip() + " éß\u062f\u200c"), min_size=1)


@given(PASSWORDS)
def test_every_password_arrives_as_it_was_meant(password: str) -> None:
    word = quote(password, safe="")

    found = parse_dsn(postgres_url(f"postgresql://me:{word}@h1:5432,h2:5433/jobs"))
    with open_redis(f"redis://me:{word}@host:6380/1", timeout_s=1, connect_timeout_s=1) as client:
        there = client.connection_pool.connection_kwargs

    assert (found["user"], found["password"], found["dbname"]) == ("me", password, "jobs")
    assert (there["username"], there["password"], there["db"]) == ("me", password, 1)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@h1:5432,h2:5433/jobs?target_session_attrs=read-write",
        "postgresql://me@h1,h2/jobs?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "postgresql://me@[::1]:5432/jobs",
        "postgresql://me@/jobs?host=/run/postgresql&options=-csearch_path%3Dshop%20-cjit%3Doff",
        "postgresql://me@%2Frun%2Fpostgresql/jobs",
        "postgresql://me:a?b#c[d@host/jobs",
        "postgresql://?service=jobs",
    ],
)
def test_what_libpq_takes_is_taken_as_it_is(url: str) -> None:
    assert postgres_url(f" {url}\n") == url
    assert postgres_url(url.replace("postgresql:", "postgresql+psycopg2:")) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://me@host/jobs", "it must begin with postgresql://"),
        (f"postgresql://me:{SECRET}@x@host/jobs", "a character that ends it"),
        (f"postgresql://me:{SECRET}/x@host/jobs", "a character that ends it"),
        (f"postgresql://me:{SECRET}%zz@host/jobs", "%25 for %"),
        (f"postgresql://me:{SECRET}@host:port/jobs", "a port is not a number"),
        (f"postgresql://me:{SECRET}@h1:1,h2:2,h3/jobs?port=1,2", "it has 3 hosts, but 2 ports"),
        (f"postgresql://me:{SECRET}@host/jobs?pool=5", "libpq knows no option pool"),
        ("postgresql://me@/jobs?host=h1:5432&host=h2:5432", "several hosts are written as"),
    ],
)
def test_what_leads_elsewhere_in_postgresql_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)) as refused:
        postgres_url(url)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "redis://:pw@[::1]:6380/2",
        "rediss://host:6380/0?ssl_ca_certs=/etc/ca.pem&ssl_check_hostname=false",
        "unix:///run/redis.sock?db=1",
        "unix://me:p%40w@/run/redis@home.sock",
    ],
)
def test_what_redis_takes_is_taken_as_it_is(url: str) -> None:
    assert redis_url(f" {url}\n") == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://host", "it must begin with redis://"),
        (f"redis://:{SECRET}@x@/y@host/0", "a character that ends it"),
        (f"redis://:{SECRET}#x@host/0", "cannot be read"),
        (f"redis://:{SECRET}/x@host/0", "cannot be read"),
        (f"redis://me:{SECRET}[@host/0", "cannot be read"),
        (f"redis://:{SECRET}@host:port/0", "cannot be read"),
        (f"redis://:{SECRET}@h1:1,h2:2/0", "cannot be read"),
        (f"redis://:{SECRET}@h1,h2/0", "Redis is one server"),
        (f"redis://:{SECRET}@host/jobs", "the number of the database"),
        (f"redis://:{SECRET}@host/0?db=x", "Invalid value for 'db'"),
        (f"redis://:{SECRET}@host/0?colour=red", "has no option colour"),
        (f"redis://:{SECRET}@host/0?ssl_ca_certs=x", "redis:// has no option ssl_ca_certs"),
        ("unix://run/redis.sock", "with its whole path"),
    ],
)
def test_what_leads_elsewhere_in_redis_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)) as refused:
        redis_url(url)
    assert SECRET not in str(refused.value)


def test_both_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:{SECRET}@x@host/jobs")
    monkeypatch.setenv("REDIS_URL", f"redis://:{SECRET}@host/jobs")
    with pytest.raises(ConfigurationFault) as caught:
        load_settings()
    assert [sentence.split()[0] for sentence in caught.value.sentences] == [
        "DATABASE_URL", "REDIS_URL",
    ]  # fmt: skip
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("option", sorted(redis.OURS))
def test_options_of_redis_that_are_ours_go(option: str) -> None:
    assert (
        redis_url(f"redis://host/0?{option}=1&client_name=a+b")
        == "redis://host/0?client_name=a%20b"
    )
    assert redis_url(f"redis://host/0?{option}=1") == "redis://host/0"


@pytest.mark.parametrize(
    ("shown", "url", "expected"),
    [
        (postgres, f"postgresql://me:{SECRET}?x@h1:1,h2:2/jobs?options=-cx%3D1", "postgresql://h1:1,h2:2/jobs"),
        (postgres, f"postgresql://me:{SECRET}@/jobs?host=/run/pg", "postgresql:///run/pg/jobs"),
        (redis, f"redis://me:{SECRET}@host:1/0?client_name=x", "redis://host:1/0"),
        (redis, f"unix://me:{SECRET}@/run/r.sock?db=1", "unix:///run/r.sock"),
    ],
)  # fmt: skip
def test_what_is_shown_of_an_address_has_no_secret(shown: object, url: str, expected: str) -> None:
    assert shown.without_secrets(url) == expected  # type: ignore[attr-defined]
