"""Where texts of alerts lead: as the console says, below its public address, and nowhere without one."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from dashboard.addresses import ADDRESSES
from mahaam.alerts import pages
from mahaam.alerts.channels import mail, slack
from mahaam.alerts.messages.alert_message import Item, Message
from mahaam.alerts.messages.texts import words
from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.config import get_settings
from mahaam.core.translatable import Translatable
from tests.mahaam.alerts.conftest import alerts, look, open_subjects
from tests.mahaam.stage import Stage

WHAT = Translatable("It fails.")
RULE = """
INSERT INTO alert_rule (name, kind, parameters, severity, created_by)
VALUES ('r', 'queue_latency', '{"seconds": 1}', 'warning', 'ann')
"""


@pytest.fixture
def public_url(monkeypatch: pytest.MonkeyPatch) -> str:
    """A public address with a path of its own."""
    url = "https://jobs.shop.example/ops/mahaam"
    monkeypatch.setenv("PUBLIC_URL", f"{url}/")
    get_settings.cache_clear()
    return url


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console's table, for one test."""
    monkeypatch.setattr(pages, "_addresses", ADDRESSES)


@pytest.fixture
def no_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was handed no table."""
    monkeypatch.setattr(pages, "_addresses", {})


def a_message(path: str) -> Message:
    return Message(1, "opened", [Item(WHAT, path, severity="warning")], 1)


def texts_of(message: Message, language: str) -> list[str]:
    """What people read of it: both forms of a mail, and the line of Slack."""
    letter = mail._letter(message, language, "ann@shop.example", get_settings())
    line = slack._line(message.shown[0], words(language))
    return [str(letter.body), str(letter.html), line]


@pytest.mark.usefixtures("console")
def test_each_text_leads_to_the_page_below_the_public_address(public_url: str) -> None:
    message = a_message(address_of(LinkedPage.QUEUE, "mails"))
    url = f"{public_url}/admin/queues/mails/"
    text, html, line = texts_of(message, "en")
    assert f"\n{url}\n" in text
    assert text.endswith(f"Mahaam {public_url}/admin/")
    assert f'<a href="{url}">' in html
    assert f'<a href="{public_url}/admin/">Mahaam</a>' in html
    assert f" <{url}|" in line
    assert message.plain()["items"][0]["url"] == url


@pytest.mark.usefixtures("no_console", "public_url")
@pytest.mark.parametrize("language", ["en", "ar", "fa"])
def test_without_a_console_texts_leave_the_link_out(language: str) -> None:
    assert {address_of(page, 1) for page in LinkedPage} == {""}
    message = a_message(address_of(LinkedPage.JOB, 1))
    assert message.plain()["items"][0]["url"] is None
    for text in texts_of(message, language):
        assert words(language).say("It fails.") in text
        for part in ("http", "href", "None", "jobs.shop.example"):
            assert part not in text


@pytest.mark.usefixtures("console")
@pytest.mark.parametrize("name", ["a b", "a|b>", "a&state=running", "a/../b", "{of}", "ü", "a?b#c"])
def test_a_name_stays_one_part_of_the_address(name: str) -> None:
    parts = urlsplit(address_of(LinkedPage.QUEUE, name))
    assert [unquote(part) for part in parts.path.split("/")] == ["", "admin", "queues", name, ""]
    assert (parts.query, parts.fragment) == ("", "")
    parts = urlsplit(address_of(LinkedPage.FAILED_JOBS_OF_QUEUE, name))
    assert parse_qs(parts.query) == {"state": ["failed"], "queue": [name]}
    assert not set(address_of(LinkedPage.QUEUE, name)) & set(" |><")  # as Slack writes links


@pytest.mark.usefixtures("console")
def test_an_alert_keeps_its_page(quiet: Stage) -> None:
    waits(quiet)
    look(quiet)
    assert [alert["path"] for alert in alerts(quiet)] == ["/admin/queues/default/"]


@pytest.mark.usefixtures("no_console")
def test_an_alert_opens_without_a_console_too(quiet: Stage) -> None:
    waits(quiet)
    look(quiet)
    assert open_subjects(quiet) == ["queue:default"]
    assert [alert["path"] for alert in alerts(quiet)] == [""]


def waits(stage: Stage) -> None:
    """A job waits too long, which a rule looks for."""
    stage.ask(RULE)
    stage.ask(
        "INSERT INTO job (id, task, queue, state, queued_at) "
        "VALUES (gen_random_uuid(), 't', 'default', 'queued', now() - interval '1 hour')"
    )
