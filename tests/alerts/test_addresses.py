"""Where webhooks may go: each way of writing an inner address is refused, when saved and when sent."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from config import get_settings
from tasks.alerts import channel_verbs
from tasks.alerts.channel_verbs import ChannelNotValid
from tasks.alerts.channels import address
from tasks.alerts.channels.address import AddressRefused, target
from tasks.alerts.channels.post import post
from tasks.alerts.errors import NotDelivered
from tests.alerts.receiver import Receiver
from tests.alerts.receiver import receiver as a_receiver
from tests.engine.stage import Stage

INSIDE = (
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
    "http://localhost/", "http://localhost./", "http://0.0.0.0/", "http://[::1]/", "http://[::]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1:8080/x",
    "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[fd00::1]/",
    "http://100.64.0.1/", "http://224.0.0.1/", "http://255.255.255.255/", "http://[ff02::1]/",
    "http://192.0.2.1/", "http://198.18.0.1/", "http://240.0.0.1/",
)  # fmt: skip
NO_URL = (
    "", "x", "ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "javascript:alert(1)",
    "//example.com/", "http://", "http:///x", "http://exa mple.com/", "http://example.com:0/",
    "http://example.com:99999/", "http://example.com:x/", "http://a\r\nHost: b/", "http://a\x00b/",
    "http://[::1", "https://" + "a" * 3000, "http://\\127.0.0.1/", "HTTP_//x",
)  # fmt: skip
WITH_ACCOUNT = ("http://user@8.8.8.8/", "http://user:pass@8.8.8.8/", "http://8.8.8.8@127.0.0.1/")


@pytest.mark.parametrize("url", INSIDE)
def test_an_address_inside_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused, match=r"inside your own network|cannot be found"):
        target(url)


@pytest.mark.parametrize("url", NO_URL)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused, match=r"Enter an address|cannot be found"):
        target(url)


@pytest.mark.parametrize("url", WITH_ACCOUNT)
def test_an_address_with_an_account_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused, match=r"user name|inside"):
        target(url)


def test_a_public_address_is_taken() -> None:
    found = target("https://8.8.8.8:8443/hook?a=1#x")
    assert (found.ip, found.port, found.path) == ("8.8.8.8", 8443, "/hook?a=1")
    assert found.host_header == "8.8.8.8:8443"


@pytest.mark.parametrize(
    ("allowed", "url", "is_taken"),
    [
        ("127.0.0.1", "http://127.0.0.1/", True),
        ("127.0.0.0/8", "http://127.9.9.9/", True),
        ("10.0.0.0/8", "http://127.0.0.1/", False),
        ("localhost", "http://localhost/", True),
        ("LOCALHOST", "http://localhost/", True),
        ("hooks.internal", "http://localhost/", False),
        ("::1", "http://[::1]/", True),
    ],
)
def test_what_is_allowed_is_taken(
    monkeypatch: pytest.MonkeyPatch, allowed: str, url: str, is_taken: bool
) -> None:
    monkeypatch.setenv("WEBHOOK_ALLOW", allowed)
    get_settings.cache_clear()
    if is_taken:
        assert target(url)
    else:
        with pytest.raises(AddressRefused):
            target(url)


def test_one_inner_address_among_the_answers_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_args: Any, **_more: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (ip, 80)) for ip in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(address.socket, "getaddrinfo", answer)
    with pytest.raises(AddressRefused):
        target("http://rebinding.example/")


@pytest.fixture
def receiver(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("WEBHOOK_ALLOW", "127.0.0.1")
    get_settings.cache_clear()
    with a_receiver() as made:
        yield made
    get_settings.cache_clear()


def test_a_name_that_changes_its_answer_leads_nowhere_else(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(host: str, *_args: Any, **_more: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1" if len(asked) == 1 else "10.9.9.9", 80))]

    with monkeypatch.context() as patch:
        patch.setattr(address.socket, "getaddrinfo", answer)
        to = target(receiver.url.replace("127.0.0.1", "rebinding.example"))
        assert (to.ip, asked) == ("127.0.0.1", ["rebinding.example"])


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.location = 302, receiver.url
    with pytest.raises(NotDelivered, match="answered 302"):
        post(receiver.url, b"{}", {})
    assert len(receiver.requests) == 1


def test_the_request_names_the_host(receiver: Receiver) -> None:
    post(receiver.url, b"{}", {"X-Own": "1"})
    _path, headers, body = receiver.requests[0]
    assert headers["Host"] == receiver.url.partition("://")[2].partition("/")[0]
    assert (headers["X-Own"], body) == ("1", b"{}")


def test_who_does_not_answer_is_told(receiver: Receiver) -> None:
    receiver.stop()
    with pytest.raises(NotDelivered, match="does not answer"):
        post(receiver.url, b"{}", {})


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("url", {"kind": "webhook", "url": "http://169.254.169.254/"}),
        ("url", {"kind": "slack", "url": "http://127.0.0.1/"}),
        ("url", {"kind": "webhook", "url": None}),
        ("secret", {"kind": "webhook", "url": "https://8.8.8.8/", "secret": "short"}),
        ("secret", {"kind": "webhook", "url": "https://8.8.8.8/", "secret": "x" * 300}),
        ("recipients", {"kind": "email", "recipients": ["nobody"]}),
        ("recipients", {"kind": "email", "recipients": ["a@b.example\nBcc: c@d.example"]}),
        ("recipients", {"kind": "email", "recipients": ["a@b.example, c@d.example"]}),
        ("recipients", {"kind": "email", "recipients": ["a@b.example"] * 51}),
        ("name", {"kind": "email", "name": "a\nb"}),
        ("kind", {"kind": "pigeon"}),
        ("language", {"kind": "email", "language": "de"}),
        ("nonsense", {"kind": "email", "nonsense": 1}),
    ],
)
def test_a_channel_refuses_each_bad_address(
    quiet: Stage, field: str, given: dict[str, Any]
) -> None:
    with pytest.raises(ChannelNotValid) as refusal:
        channel_verbs.create_channel({"name": "c"} | given, by="ann")
    assert refusal.value.field == field
    assert quiet.ask("SELECT id FROM channel") == []


def test_the_audit_knows_neither_secret_nor_path(quiet: Stage) -> None:
    url = "https://8.8.8.8/services/T000/B000/verysecret"
    id_ = channel_verbs.create_channel({"name": "c", "kind": "webhook", "url": url}, by="ann")
    (channel,) = quiet.ask("SELECT * FROM channel WHERE id = %s", id_)
    (event,) = quiet.ask(
        "SELECT * FROM audit_event WHERE kind = 'channel' ORDER BY id DESC LIMIT 1"
    )
    assert channel["secret"] not in str(event)
    assert "verysecret" not in str(event)
