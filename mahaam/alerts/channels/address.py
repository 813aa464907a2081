"""Addresses that a webhook may have: none inside, unless somebody allowed it.

The host is resolved once. The connection goes to the address that was checked, so that a name whose
answer changes in between leads nowhere else.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from mahaam.alerts.channels.special_ranges import Address, Network, is_public, unwrapped
from mahaam.config import get_settings
from mahaam.core.errors import MahaamError
from mahaam.core.translatable import Translatable

LONGEST = 2000
PORTS = {"http": 80, "https": 443}
LOOKUP_S = 3.0  # a name server that is silent must not hold a page for longer

NOT_A_URL = Translatable("Enter an address that begins with https:// or http://.")
WITH_ACCOUNT = Translatable("The address must not contain a user name or a password.")
NOT_FOUND = Translatable("The host %(host)s cannot be found.")
INSIDE = Translatable(
    "%(host)s is an address inside your own network. WEBHOOK_ALLOW lists those that may be reached."
)
PORT_REFUSED = Translatable(
    "Webhooks may not use port %(port)s. WEBHOOK_PORTS lists those that they may use beside 80 and 443."
)

_lookups = ThreadPoolExecutor(max_workers=8, thread_name_prefix="lookup")


class AddressRefused(MahaamError):
    """A webhook may not go there."""

    def __init__(self, phrase: Translatable) -> None:
        super().__init__(str(phrase))
        self.phrase = phrase


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """The target of a request: it goes to `ip`, as if that were `host`."""

    scheme: str
    host: str
    port: int
    path: str
    ip: str

    @property
    def host_header(self) -> str:
        """Return the host as HTTP names it."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == PORTS[self.scheme] else f"{name}:{self.port}"


def target(url: str) -> WebhookTarget:
    """Return the checked target of `url`. Raises AddressRefused."""
    scheme, host, port, path = _parts(url)
    if not _is_allowed_port(port):
        raise AddressRefused(PORT_REFUSED.about(port=port))
    ips = _resolved(host, port)
    if not _is_allowed_host(host):
        for ip in ips:
            if not _may_reach(ip):
                raise AddressRefused(INSIDE.about(host=host))
    return WebhookTarget(scheme, host, port, path, str(ips[0]))


def _parts(url: str) -> tuple[str, str, int, str]:
    if len(url) > LONGEST or not url.isprintable() or " " in url or "\\" in url:
        raise AddressRefused(NOT_A_URL)
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").rstrip(".").encode("idna").decode("ascii")
    except ValueError:
        raise AddressRefused(NOT_A_URL) from None
    if parts.scheme not in PORTS or not host or port == 0:
        raise AddressRefused(NOT_A_URL)
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(WITH_ACCOUNT)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port or PORTS[parts.scheme], path


def _resolved(host: str, port: int) -> Sequence[Address]:
    answer = _lookups.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = answer.result(timeout=LOOKUP_S)
    except (OSError, UnicodeError):  # a time-out is one, too
        raise AddressRefused(NOT_FOUND.about(host=host[:100])) from None
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _may_reach(ip: Address) -> bool:
    networks = _allowed_networks()
    return is_public(ip) or any(
        one in network for one in (ip, unwrapped(ip)) for network in networks
    )


def _allowed_networks() -> list[Network]:
    networks: list[Network] = []
    for entry in get_settings().webhook_allow:
        try:
            networks.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            continue  # the name of a host
    return networks


def _is_allowed_host(host: str) -> bool:
    return host.lower() in {entry.lower() for entry in get_settings().webhook_allow}


def _is_allowed_port(port: int) -> bool:
    allowed = get_settings().webhook_ports
    return port in PORTS.values() or any(port in ports for ports in allowed)
