"""Where webhooks may go: each way of writing an inner address is refused, when saved and when sent."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from mahaam.alerts import channel_verbs
from mahaam.alerts.channels import address
from mahaam.alerts.channels.address import AddressRefused, target
from mahaam.alerts.channels.post import post
from mahaam.alerts.messages.delivery_errors import NotDelivered
from mahaam.config import get_settings
from mahaam.core.field import FieldNotValid
from tests.mahaam.alerts.receiver import Receiver
from tests.mahaam.alerts.receiver import receiver as a_receiver
from tests.mahaam.stage import Stage

INSIDE = (
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
    "http://localhost/", "http://localhost./", "http://0.0.0.0/", "http://[::1]/", "http://[::]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/x",
    "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[fd00::1]/",
    "http://100.64.0.1/", "http://224.0.0.1/", "http://255.255.255.255/", "http://[ff02::1]/",
    "http://192.0.2.1/", "http://198.18.0.1/", "http://240.0.0.1/",
    # Metadata services of clouds, and ranges that some Pythons take for public ones.
    "http://192.0.0.192/opc/v1/", "http://168.63.129.16/machine", "http://100.100.100.200/latest",
    "http://[fd00:ec2::254]/latest", "http://[fec0::1]/", "http://[feff::1]/", "http://[3fff::1]/",
    "http://[3fff:fff::1]/", "http://[5f00::1]/", "http://[2001:db8::1]/", "http://[2001:2::1]/",
    "http://[2001:20::1]/", "http://[100::1]/", "http://[100:0:0:1::1]/", "http://[2620:4f:8000::1]/",
    "http://192.88.99.1/", "http://192.31.196.1/", "http://192.52.193.1/", "http://192.175.48.1/",
    "http://198.51.100.7/", "http://203.0.113.7/", "http://239.255.255.250/", "http://0.1.2.3/",
    # An inner address inside of an outer one.
    "http://[::ffff:169.254.169.254]/", "http://[::ffff:a9fe:a9fe]/", "http://[::ffff:0:10.0.0.1]/",
    "http://[::10.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b::192.0.0.192]/",
    "http://[64:ff9b:1::8.8.8.8]/", "http://[2002:a9fe:a9fe::1]/", "http://[2002:a83f:8110::1]/",
    "http://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/", "http://[2001:0:a9fe:a9fe::1]/",
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


@pytest.mark.parametrize(
    "url",
    ["http://8.8.8.8/", "https://1.1.1.1:443/", "https://[2606:4700::1111]/",
     "http://[::ffff:8.8.8.8]/", "http://[64:ff9b::8.8.8.8]/", "http://168.63.129.17/",
     "http://100.128.0.1/", "http://172.32.0.1/", "http://192.0.1.1/", "https://[2001:200::1]/"],
)  # fmt: skip
def test_a_public_address_is_taken(url: str) -> None:
    assert target(url).path == "/"


@pytest.mark.parametrize("port", [22, 25, 6379, 5432, 8080, 8443, 444, 79, 81, 65535])
def test_a_port_that_is_not_on_the_list_is_refused(port: int) -> None:
    with pytest.raises(AddressRefused, match=f"may not use port {port}"):
        target(f"http://8.8.8.8:{port}/")


@pytest.mark.parametrize(("port", "is_taken"), [(8443, True), (9001, True), (9101, False)])
def test_the_list_of_ports_can_be_made_longer(
    monkeypatch: pytest.MonkeyPatch, port: int, is_taken: bool
) -> None:
    monkeypatch.setenv("WEBHOOK_PORTS", "8443, 9000-9100")
    get_settings.cache_clear()
    if is_taken:
        found = target(f"https://8.8.8.8:{port}/hook?a=1#x")
        assert (found.ip, found.port, found.path) == ("8.8.8.8", port, "/hook?a=1")
        assert found.host_header == f"8.8.8.8:{port}"
    else:
        with pytest.raises(AddressRefused):
            target(f"https://8.8.8.8:{port}/")


def test_a_port_is_refused_on_an_inner_host_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEBHOOK_ALLOW", "127.0.0.1")
    get_settings.cache_clear()
    with pytest.raises(AddressRefused, match="may not use port 6379"):
        target("http://127.0.0.1:6379/")


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
        ("10.0.0.0/8", "http://[::ffff:10.1.2.3]/", True),
        ("10.0.0.0/8", "http://[64:ff9b::10.1.2.3]/", True),
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
    monkeypatch.setenv("WEBHOOK_PORTS", "1024-65535")
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
    with pytest.raises(FieldNotValid) as refusal:
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
