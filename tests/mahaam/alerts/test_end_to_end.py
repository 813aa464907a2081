"""From a job that fails for good to the mail in the box, and back to a closed alert."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from dashboard.addresses import ADDRESSES
from mahaam import enqueue_many, verbs
from mahaam.alerts import channel_verbs, pages, rules
from mahaam.config import get_settings
from mahaam.queries.dead_letter_list import DeadLetterFilter
from tasks.failures import reprocess_failed_task, send_failure_notification
from tests.machine import within
from tests.mahaam import tasks as jobs
from tests.mahaam.alerts.conftest import alerts, look, open_subjects
from tests.mahaam.alerts.mailbox import Mailbox, bodies, mailbox_in
from tests.mahaam.alerts.receiver import Receiver
from tests.mahaam.alerts.receiver import receiver as a_receiver
from tests.mahaam.stage import Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(120)
SECRET = "a secret of some length"


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with mailbox_in(tmp_path_factory.mktemp("mail")) as box:
        yield box


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as made:
        yield made


@pytest.fixture
def told(
    quiet: Stage, mailbox: Mailbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """A stage whose rule tells of failed jobs by mail, webhook and Slack."""
    mailbox.letters.clear()
    mailbox.refuses = False
    monkeypatch.setattr(pages, "_addresses", ADDRESSES)  # the test looks as a consumer does
    settings = mailbox.environment() | {
        "webhook_allow": "127.0.0.1",
        "webhook_ports": "1024-65535",
        "admin_emails": "ann@shop.example, noor@shop.example",
        "public_url": "https://jobs.shop.example",
        "retry_delay_cap_s": "1",
        "default_retry_delay_s": "0.1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name.upper(), value)
    get_settings.cache_clear()
    hook = {"name": "hook", "kind": "webhook", "url": receiver.url, "secret": SECRET}
    channels = [
        channel_verbs.create_channel({"name": "mail", "kind": "email"}, by="ann"),
        channel_verbs.create_channel(hook, by="ann"),
    ]
    rule = {"name": "failed", "kind": "job_failed", "severity": "critical", "channels": channels}
    rules.create_rule(rule | {"cooldown_s": 0}, by="ann")
    quiet.ask('DELETE FROM "user"')
    quiet.add("user", email="noor@shop.example", language="ar")
    yield quiet
    quiet.ask('DELETE FROM "user"')


@pytest.fixture
def consumer(told: Stage) -> Iterator[Any]:
    with told.consumer() as consumer:
        consumer.wait_ready()
        yield consumer
        assert consumer.stop() == 0


def failed(stage: Stage) -> UUID:
    job = UUID(str(jobs.fall("Order 17 of <b>ann</b> password=hunter2 fell.").id))
    stage.wait_for_state(job, "failed")
    return job


def sent(stage: Stage, about: str) -> list[dict[str, Any]]:
    return stage.ask("SELECT * FROM alert_delivery WHERE about = %s AND state = 'sent'", about)


def test_a_failure_reaches_people_and_closes_when_it_is_mended(
    told: Stage, consumer: Any, mailbox: Mailbox, receiver: Receiver
) -> None:
    job = failed(told)
    wait_until(lambda: "CRITICAL" in consumer.log)  # it is said after the row is committed
    (letter,) = told.letters(job)
    wait_until(lambda: bool(told.ask("SELECT id FROM error_group")))
    look(told)
    assert len(open_subjects(told)) == 1

    wait_until(lambda: len(mailbox.letters) == 2 and len(receiver.requests) == 1, timeout_s=20)
    by_language = {str(letter["Subject"]): to for to, letter in mailbox.letters}
    english = next(s for s in by_language if s.startswith("Alert: "))
    assert by_language.pop(english) == ["ann@shop.example"]
    (arabic,) = by_language
    assert by_language[arabic] == ["noor@shop.example"]
    assert "tests.mahaam.tasks.fall" in english
    html = bodies(next(one for to, one in mailbox.letters if to == ["noor@shop.example"]))[
        "text/html"
    ]
    assert 'dir="rtl"' in html
    assert "https://jobs.shop.example/admin/error/" in html
    assert "hunter2" not in str([bodies(one) for _to, one in mailbox.letters])

    _path, headers, body = receiver.requests[0]
    signed = headers["X-Mahaam-Timestamp"].encode() + b"." + body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Mahaam-Signature"] == f"sha256={expected}"
    assert abs(time.time() - int(headers["X-Mahaam-Timestamp"])) < 60
    assert receiver.told[0]["items"][0]["severity"] == "critical"
    assert told.letters(job)[0]["notified_at"] is not None

    look(told)  # the same cause: nobody is told again
    told.ask("UPDATE job SET task = 'tests.mahaam.tasks.nothing' WHERE id = %s", str(job))
    verbs.apply("reprocess", [letter["id"]], by="ann")
    wait_until(lambda: told.letters(job)[0]["resolved_by"] == "completed", timeout_s=20)
    look(told)
    assert open_subjects(told) == []
    wait_until(lambda: len(sent(told, "closed")) == 2, timeout_s=20)
    assert len(sent(told, "opened")) == 2
    assert len(alerts(told)) == 1


def test_a_mail_server_and_a_receiver_that_fail_lose_nothing(
    told: Stage, consumer: Any, mailbox: Mailbox, receiver: Receiver
) -> None:
    mailbox.refuses, receiver.status = True, 503
    failed(told)
    wait_until(lambda: bool(told.ask("SELECT id FROM error_group")))
    look(told)
    wait_until(
        lambda: (
            len(told.ask("SELECT id FROM alert_delivery WHERE tries > 0 AND fault IS NOT NULL"))
            == 2
        ),
        timeout_s=20,
    )
    faults = {row["fault"] for row in told.ask("SELECT fault FROM alert_delivery")}
    assert any("come back later" in fault for fault in faults)
    assert any("answered 503" in fault for fault in faults)
    assert jobs.nothing().get(blocking=True, timeout=within(10)) is None  # nothing blocks
    mailbox.refuses, receiver.status = False, 200
    wait_until(lambda: len(sent(told, "opened")) == 2, timeout_s=30)
    assert len(mailbox.letters) >= 2


def test_a_mail_server_that_is_gone_is_said_and_comes_back(
    told: Stage, consumer: Any, mailbox: Mailbox
) -> None:
    mailbox.stop()
    failed(told)
    wait_until(lambda: bool(told.ask("SELECT id FROM error_group")))
    look(told)
    wait_until(
        lambda: bool(told.ask("SELECT id FROM alert_delivery WHERE fault LIKE '%did not take%'"))
    )
    mailbox.start()
    wait_until(lambda: len(mailbox.letters) == 2, timeout_s=30)


def test_ten_thousand_failures_of_three_causes_are_three_alerts(
    told: Stage, consumer: Any, mailbox: Mailbox, receiver: Receiver
) -> None:
    calls = [
        {"message": f"{('red', 'green', 'blue')[n % 3]} order {n} fell"} for n in range(10_000)
    ]
    enqueue_many(jobs.fall, calls, max_retries=0)
    wait_until(lambda: told.count("state = 'failed'") == 10_000, timeout_s=60)
    wait_until(
        lambda: told.ask("SELECT sum(count)::int AS n FROM error_group")[0]["n"] == 10_000,
        timeout_s=30,
    )
    look(told)
    look(told)
    assert len(told.ask("SELECT id FROM error_group")) == 3
    assert len(alerts(told)) == 3
    wait_until(lambda: len(sent(told, "opened")) == len(told.ask("SELECT id FROM alert_delivery")))
    assert len(receiver.requests) <= 3
    assert len({letter["X-Mahaam-Delivery"] for _to, letter in mailbox.letters}) <= 3


def test_tasks_reprocess_and_notify(told: Stage, consumer: Any, mailbox: Mailbox) -> None:
    told.ask("UPDATE alert_rule SET is_enabled = false")
    job = failed(told)
    (letter,) = told.letters(job)
    assert send_failure_notification(letter["id"]).get(blocking=True, timeout=within(20)) == 2
    wait_until(lambda: len(mailbox.letters) == 2, timeout_s=20)
    assert "Failed for good" in str([str(one["Subject"]) for _to, one in mailbox.letters])
    assert told.letters(job)[0]["notified_at"] is not None
    assert (
        reprocess_failed_task(letter["id"]).get(blocking=True, timeout=within(20)) == "reprocessed"
    )
    wait_until(lambda: told.letters(job)[0]["failures"] == 2)
    again = reprocess_failed_task(10**9).get(blocking=True, timeout=within(20))
    assert again == "No dead letter 1000000000 exists."


def test_a_test_is_sent_as_everything_is(told: Stage, consumer: Any, receiver: Receiver) -> None:
    (channel,) = told.ask("SELECT id FROM channel WHERE kind = 'webhook'")
    channel_verbs.test_channel(channel["id"], by="ann")
    wait_until(lambda: len(receiver.requests) == 1, timeout_s=20)
    assert receiver.told[0]["about"] == "test"


def test_slack_gets_text_that_is_no_markup(told: Stage, consumer: Any, receiver: Receiver) -> None:
    slack = channel_verbs.create_channel(
        {"name": "slack", "kind": "slack", "url": receiver.url, "language": "fa"}, by="ann"
    )
    told.ask("UPDATE alert_rule SET channels = ARRAY[%s::bigint]", slack)
    job = failed(told)
    told.ask("UPDATE failure SET task = '<!channel> & co'")
    told.ask("UPDATE dead_letter SET task = '<!channel> & co' WHERE job_id = %s", str(job))
    told.ask("UPDATE error_group SET tasks = ARRAY['<!channel> & co']")
    wait_until(lambda: bool(told.ask("SELECT id FROM error_group")))
    told.ask("UPDATE error_group SET tasks = ARRAY['<!channel> & co']")
    look(told)
    wait_until(lambda: len(receiver.requests) == 1, timeout_s=20)
    text = receiver.told[0]["text"]
    assert "&lt;!channel&gt; &amp; co" in text
    assert "<!channel>" not in text
    assert "<https://jobs.shop.example/admin/error/" in text


def test_a_notification_of_many_letters_is_one_message(
    told: Stage, consumer: Any, receiver: Receiver
) -> None:
    told.ask("UPDATE alert_rule SET is_enabled = false")
    enqueue_many(jobs.fall, [()] * 1200, max_retries=0)
    wait_until(lambda: told.count("state = 'failed'") == 1200, timeout_s=30)
    (hook,) = told.ask("SELECT id FROM channel WHERE kind = 'webhook'")
    told.ask("UPDATE channel SET is_enabled = id = %s", hook["id"])
    verbs.start(verbs.OperationRequest("notify", "ann"), DeadLetterFilter(), expected=1200)
    wait_until(
        lambda: not told.ask("SELECT id FROM dead_letter WHERE notified_at IS NULL LIMIT 1"),
        timeout_s=30,
    )
    wait_until(lambda: len(receiver.requests) == 1, timeout_s=30)
    told.wait_for_ends()
    assert [message["count"] for message in receiver.told] == [1200]
