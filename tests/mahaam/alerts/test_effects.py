"""What becomes of a message for each of its recipients, whatever becomes of the others."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from mahaam.alerts import channel_verbs
from mahaam.alerts.messages.delivery_errors import NotDelivered
from mahaam.alerts.tasks import deliver
from mahaam.config import get_settings
from tests.machine import within
from tests.mahaam.alerts.conftest import look
from tests.mahaam.alerts.mailbox import Mailbox, mailbox_in
from tests.mahaam.alerts.receiver import Receiver
from tests.mahaam.alerts.receiver import receiver as a_receiver
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(120)
PEOPLE = [f"{name}@shop.example" for name in ("ann", "bob", "cem", "dina", "ed")]


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with mailbox_in(tmp_path_factory.mktemp("mail")) as box:
        yield box


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as made:
        yield made


@pytest.fixture
def desk(quiet: Stage, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage that sends mail, and a server that takes all of it."""
    mailbox.letters.clear()
    mailbox.refuses, mailbox.gate = False, None
    for rules in (mailbox.replies, mailbox.data_replies, mailbox.hangs_up):
        rules.clear()  # type: ignore[attr-defined]
    settings = mailbox.environment() | {
        "webhook_allow": "127.0.0.1", "webhook_ports": "1024-65535", "lease_s": "2", "beat_s": "0.5",
        "mail_timeout_s": "60", "retry_delay_cap_s": "1", "default_retry_delay_s": "0.1",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name.upper(), value)
    get_settings.cache_clear()
    yield quiet
    get_settings.cache_clear()


def message(stage: Stage, **channel: Any) -> int:
    """A message that waits; no consumer is there to send it."""
    given = {"name": "c", "kind": "email", "recipients": PEOPLE} | channel
    id_ = channel_verbs.create_channel(given, by="ann")
    channel_verbs.test_channel(id_, by="ann")
    return int(stage.ask("SELECT max(id) AS id FROM alert_delivery")[0]["id"])


def send(id_: int) -> str:
    """One try."""
    try:
        return str(deliver.call_local(id_))
    except NotDelivered as fault:
        return str(fault)


def marks(stage: Stage) -> dict[str, str]:
    rows = stage.ask("SELECT target, state FROM delivery_effect ORDER BY target")
    return {row["target"].partition("@")[0]: row["state"] for row in rows}


def faults(stage: Stage) -> dict[str, str | None]:
    rows = stage.ask("SELECT target, fault FROM delivery_effect")
    return {row["target"].partition("@")[0]: row["fault"] for row in rows}


def state(stage: Stage) -> str:
    return str(stage.ask("SELECT state FROM alert_delivery")[0]["state"])


def got(mailbox: Mailbox) -> Counter[str]:
    return Counter(to for tos, _letter in mailbox.letters for to in tos)


def once(*names: str) -> Counter[str]:
    return Counter(f"{name}@shop.example" for name in names)


def test_a_recipient_who_is_refused_takes_the_mail_from_nobody(
    desk: Stage, mailbox: Mailbox
) -> None:
    mailbox.replies["bob@shop.example"] = "550 no such user"
    mailbox.data_replies["dina@shop.example"] = "552 mailbox is full for good"
    id_ = message(desk)

    assert send(id_) == "sent to 3 of 5"
    assert got(mailbox) == once("ann", "cem", "ed")
    assert marks(desk) == {
        "ann": "sent",
        "bob": "refused",
        "cem": "sent",
        "dina": "refused",
        "ed": "sent",
    }
    assert faults(desk)["bob"] == "550 no such user"
    assert state(desk) == "failed"
    assert send(id_) == "nothing to deliver"

    mailbox.replies.clear()  # an operator had the address made
    assert channel_verbs.send_again(id_, by="ann")
    assert send(id_) == "sent to 4 of 5"
    assert got(mailbox) == once("ann", "cem", "ed", "bob")


@pytest.mark.parametrize("where", ["replies", "data_replies"])
def test_one_who_is_to_be_asked_later_is_and_the_others_get_it_once(
    desk: Stage, mailbox: Mailbox, where: str
) -> None:
    getattr(mailbox, where)["bob@shop.example"] = "451 come back later"
    id_ = message(desk)
    assert "451 come back later" in send(id_)
    assert marks(desk)["bob"] == "waiting"
    assert state(desk) == "failed"  # called by hand, the first try is the last
    desk.ask("UPDATE alert_delivery SET state = 'waiting', ended_at = NULL")
    getattr(mailbox, where).clear()
    assert send(id_) == "sent"
    assert got(mailbox) == once("ann", "bob", "cem", "dina", "ed")
    assert state(desk) == "sent"


def test_a_server_that_hangs_up_at_one_serves_the_others(desk: Stage, mailbox: Mailbox) -> None:
    mailbox.hangs_up.add("cem@shop.example")
    id_ = message(desk)
    assert "SMTPServerDisconnected" in send(id_)
    assert got(mailbox) == once("ann", "bob", "dina", "ed")
    assert {name for name, mark in marks(desk).items() if mark != "sent"} == {"cem"}


def test_languages_do_not_matter_to_refusals(desk: Stage, mailbox: Mailbox) -> None:
    desk.ask('DELETE FROM "user"')
    desk.ask(
        'INSERT INTO "user" (email, password, role_name, fs_uniquifier, language) VALUES'
        " ('ann@shop.example', 'x', 'admin', 'a', 'ar'), ('bob@shop.example', 'x', 'admin', 'b', 'fa')"
    )
    mailbox.replies["ann@shop.example"] = "553 not here"
    assert send(message(desk)) == "sent to 4 of 5"
    assert marks(desk)["ann"] == "refused"
    assert got(mailbox) == once("bob", "cem", "dina", "ed")
    desk.ask('DELETE FROM "user"')


def test_a_server_that_is_gone_refuses_nobody(desk: Stage, mailbox: Mailbox) -> None:
    mailbox.stop()
    id_ = message(desk)
    assert "ConnectionRefusedError" in send(id_)
    assert set(marks(desk).values()) == {"waiting"}
    mailbox.start()


def test_who_is_no_recipient_any_more_is_left_out(desk: Stage, mailbox: Mailbox) -> None:
    mailbox.replies["bob@shop.example"] = "451 later"
    id_ = message(desk)
    send(id_)
    desk.ask("UPDATE channel SET recipients = array_remove(recipients, 'bob@shop.example')")
    desk.ask("UPDATE alert_delivery SET state = 'waiting', ended_at = NULL")
    assert send(id_) == "sent"
    assert "bob" not in marks(desk)


def test_a_webhook_that_took_it_gets_it_once(desk: Stage, receiver: Receiver) -> None:
    id_ = message(desk, kind="webhook", url=receiver.url, recipients=[])
    receiver.status = 503
    assert "answered 503" in send(id_)
    desk.ask("UPDATE alert_delivery SET state = 'waiting', ended_at = NULL")
    receiver.status = 200
    assert send(id_) == "sent"
    desk.ask("UPDATE alert_delivery SET state = 'waiting', ended_at = NULL")
    assert send(id_) == "sent"  # as after a crash between the mark and the end
    assert len(receiver.requests) == 2


def test_a_kill_between_two_recipients_doubles_nothing(desk: Stage, mailbox: Mailbox) -> None:
    mailbox.gate = threading.Event()
    message(desk)
    with desk.consumer().wait_ready() as first:
        wait_until(
            lambda: list(marks(desk).values()).count("sent") == 1,
            timeout_s=within(30),
            otherwise=lambda: first.log,
        )
        first.send(signal.SIGKILL)
        first.wait()
    mailbox.gate.set()
    taken = got(mailbox)
    with desk.consumer().wait_ready() as second:
        wait_until(
            lambda: state(desk) == "sent", timeout_s=within(60), otherwise=lambda: second.log
        )
        assert second.stop() == 0
    assert set(marks(desk).values()) == {"sent"}
    assert set(got(mailbox)) == set(PEOPLE)
    assert taken["ann@shop.example"] == got(mailbox)["ann@shop.example"] == 1


def test_a_delivery_whose_job_is_gone_does_not_wait_for_ever(desk: Stage) -> None:
    message(desk)
    desk.ask(
        "UPDATE job SET state = 'cancelled', finished_at = now() - interval '1 minute', run_at = NULL"
        " WHERE task = 'mahaam.alerts.tasks.deliver'"
    )
    look(desk)
    assert state(desk) == "failed"
    assert desk.ask("SELECT fault FROM alert_delivery") == [
        {"fault": "Its job ended as cancelled."}
    ]


def test_a_message_that_cannot_be_read_fails_with_its_reason(desk: Stage) -> None:
    id_ = message(desk)
    desk.ask("UPDATE alert_delivery SET message = '{}'")
    with pytest.raises(KeyError):
        deliver.call_local(id_)
    assert state(desk) == "failed"
    assert "KeyError" in desk.ask("SELECT fault FROM alert_delivery")[0]["fault"]
