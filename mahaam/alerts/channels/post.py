"""POST of JSON to a checked address: one connection, no redirect, an answer that is not read for long."""

from __future__ import annotations

import json
import ssl
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from mahaam.alerts.channels.address import NOT_FOUND, AddressRefused, WebhookTarget, target
from mahaam.alerts.messages.delivery_errors import NotDelivered
from mahaam.alerts.messages.effects import Effects

TIMEOUT = urllib3.Timeout(connect=5, read=10)
ANSWER_BYTES = 500
AGENT = "Mahaam-Webhook"


def body_of(message: dict[str, Any]) -> bytes:
    """Return a message as it is sent, and signed."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def deliver_to(url: str, body: bytes, headers: dict[str, str], effects: Effects) -> None:
    """Post `body`, unless that has been done, and mark it. Raises AddressRefused, NotDelivered."""
    where = _shown(url)
    if not effects.begin([where]):
        return
    try:
        post(url, body, headers)
    except AddressRefused as fault:
        effects.refused(where, str(fault))
        raise
    except NotDelivered as fault:
        effects.put_off(where, str(fault))
        raise
    effects.sent(where)


def post(url: str, body: bytes, headers: dict[str, str]) -> None:
    """Post `body`. Raises AddressRefused, NotDelivered."""
    where = _shown(url)
    try:
        status, words = _answer(target(url), body, headers)
    except AddressRefused as fault:
        if fault.phrase.template != NOT_FOUND.template:
            raise
        raise NotDelivered(str(fault)) from fault  # name servers fail at times
    except (HTTPError, OSError) as fault:
        raise NotDelivered(f"{where} does not answer: {type(fault).__name__}") from fault
    if not 200 <= status < 300:
        raise NotDelivered(f"{where} answered {status}: {words}")


def _shown(url: str) -> str:
    """Return the host of an address, with its port; the path may be a secret."""
    return urlsplit(url).netloc.rpartition("@")[2][:200] or "?"


def _answer(to: WebhookTarget, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Return the status, and the first words of the error."""
    with _pool(to) as pool:
        answer = pool.urlopen(
            "POST",
            to.path,
            body=body,
            headers={
                "Host": to.host_header,
                "Content-Type": "application/json",
                "User-Agent": AGENT,
                **headers,
            },
            redirect=False,
            retries=False,
            timeout=TIMEOUT,
            preload_content=False,
        )
        if 200 <= answer.status < 300:  # the receiver has it, whatever else the answer says
            answer.close()
            return answer.status, ""
        said = answer.read(ANSWER_BYTES)
        answer.release_conn()
    return answer.status, said.decode("utf-8", "replace").strip().partition("\n")[0][:200]


def _pool(to: WebhookTarget) -> HTTPConnectionPool:
    """Return a pool that connects to the checked address and expects the host's certificate."""
    if to.scheme == "http":
        return urllib3.HTTPConnectionPool(to.ip, to.port, maxsize=1)
    return urllib3.HTTPSConnectionPool(
        to.ip,
        to.port,
        maxsize=1,
        ssl_context=ssl.create_default_context(),
        assert_hostname=to.host,
        server_hostname=to.host,
    )
