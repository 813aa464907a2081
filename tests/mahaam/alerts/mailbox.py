"""A mail server with TLS and accounts, that can be down and keeps what it was given."""

from __future__ import annotations

import asyncio
import email
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.launch.running_product import free_port

USER, PASSWORD = "mahaam", "letmein"


class Mailbox:
    """The server, and what came."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.letters: list[tuple[list[str], Message]] = []
        self.refuses = False
        self.replies: dict[str, str] = {}  # to RCPT, by address
        self.data_replies: dict[str, str] = {}
        self.hangs_up: set[str] = set()  # addresses at which it breaks the connection
        self.gate: threading.Event | None = (
            None  # what DATA waits for, of the second and later letters
        )
        authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self._context)
        self._controller: Controller | None = None

    def start(self) -> None:
        """Listen."""
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=self._context,
            require_starttls=True,
            auth_required=True,
            authenticator=self._judge,
        )
        self._controller.start()

    def stop(self) -> None:
        """Be gone."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def environment(self) -> dict[str, str]:
        """The settings of a product that sends through it."""
        return {
            "mail_server": "localhost",
            "mail_port": str(self.port),
            "mail_username": USER,
            "mail_password": PASSWORD,
            "mail_default_sender": "mahaam@shop.example",
            "mail_ca_file": str(self.ca_file),
            "mail_timeout_s": "5",
        }

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a letter, or refuse it."""
        if self.refuses:
            return "451 come back later"
        if self.gate is not None and self.letters:
            while not self.gate.is_set():
                await asyncio.sleep(0.02)
        for address in envelope.rcpt_tos:
            if address in self.data_replies:
                return self.data_replies[address]
        letter = email.message_from_bytes(envelope.content, policy=default)
        self.letters.append((list(envelope.rcpt_tos), letter))
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Take a recipient, or refuse him."""
        if address in self.hangs_up:
            server.transport.abort()
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def _judge(
        self, _server: Any, _session: Any, _envelope: Any, _how: str, data: Any
    ) -> AuthResult:
        is_known = isinstance(data, LoginPassword) and (data.login, data.password) == (
            USER.encode(),
            PASSWORD.encode(),
        )
        return AuthResult(success=is_known)


@contextmanager
def mailbox_in(folder: Path) -> Iterator[Mailbox]:
    """A mail server that listens."""
    box = Mailbox(folder)
    box.start()
    try:
        yield box
    finally:
        box.stop()


def bodies(letter: Message) -> dict[str, str]:
    """Its text and its HTML, by kind."""
    return {
        part.get_content_type(): str(part.get_content())  # type: ignore[attr-defined]
        for part in letter.walk()
        if not part.is_multipart()
    }
