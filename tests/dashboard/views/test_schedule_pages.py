"""Schedules, definitions and executions in the control room."""

from __future__ import annotations

import re

import pytest

from dashboard.present.schedule_text import cron_words
from tests.dashboard.browser import Browser, Form
from tests.dashboard.conftest import LogIn
from tests.dashboard.rows import a_definition, a_failed_job, a_job, a_schedule, ask

GIVEN = {
    "name": "", "task": "tasks.demo.echo", "kind": "cron", "cron": "0 2 * * *", "timezone": "Asia/Baghdad",
    "kwargs": '{"value": 1}', "args": "[]", "missed": "once", "missed_limit": "10", "overlap": "allow",
}  # fmt: skip


@pytest.fixture
def admin(log_in: LogIn) -> Browser:
    return log_in("admin")


def test_the_list_tells_when_what_state_and_what_differs(operator: Browser) -> None:
    id_ = a_schedule("nightly")
    off = a_schedule("off", disabled_at="2026-01-01", by="ann", reason="too loud")

    page = operator.get("/admin/schedule/").text

    assert f"/admin/schedule/{id_}/" in page
    assert "At 02:30" in page
    assert "edited" in page
    assert "too loud" in page
    only = operator.get("/admin/schedule/?state=disabled").text
    assert f"/admin/schedule/{off}/" in only
    assert f"/admin/schedule/{id_}/" not in only
    assert f"/admin/schedule/{off}/" in operator.get("/admin/schedule/?name=OF").text


def test_a_schedule_shows_what_will_happen_and_what_happened(operator: Browser) -> None:
    page = operator.get(f"/admin/schedule/{a_schedule('nightly')}/").text

    assert len(re.findall(r"\d{4}-\d\d-\d\d 02:30:00 \+0[12]00", page)) == 10
    for words in ("it was missed", "the job before it was not over", "completed", "failed", "and 6 more",
                  "Not as the code says", "Europe/Berlin"):  # fmt: skip
        assert words in page
    assert "&lt;b&gt;bold" in page


def test_a_schedule_is_made_changed_and_goes_back_to_the_code(admin: Browser) -> None:
    made = admin.post("/admin/schedule/form/", GIVEN)
    assert made.status_code == 303
    id_ = int(made.location.rstrip("/").split("/")[-1])

    form = Form(admin.get(f"/admin/schedule/form/{id_}/").text, with_field="cron").fields
    assert (form["cron"], form["timezone"], form["name"]) == (
        "0 2 * * *",
        "Asia/Baghdad",
        "tasks.demo.echo",
    )
    changed = admin.post(
        f"/admin/schedule/form/{id_}/",
        form | {"cron": "@hourly", "priority": "5", "retry_delay_cap_s": "90"},
    )
    assert changed.status_code == 303
    assert ask("SELECT cron, priority, retry_delay_cap_s FROM schedule WHERE id = %s", (id_,)) == [
        ("0 * * * *", 5, 90.0)
    ]
    assert "90 s" in admin.get(f"/admin/schedule/{id_}/").text
    again = Form(admin.get(f"/admin/schedule/form/{id_}/").text, with_field="cron").fields
    assert (again["priority"], again["retry_delay_cap_s"], again["max_retries"]) == ("5", "90", "")

    edited = a_schedule()
    act = {"action": "back_to_code", "rowid": str(edited), "url": f"/admin/schedule/{edited}/"}
    assert "What people changed is given up." in admin.post("/admin/schedule/act/", act).text
    admin.post("/admin/schedule/act/", act | {"confirmed": "yes"})
    assert ask("SELECT cron, edited_at FROM schedule WHERE id = %s", (edited,)) == [
        ("0 2 * * *", None)
    ]


@pytest.mark.parametrize(
    ("typed", "field", "told"),
    [
        ({"cron": "61 * * * *"}, "cron", "The minute of the cron expression cannot be 61."),
        (
            {"retry_delay_cap_s": "0"},
            "retry_delay_cap_s",
            "Enter a number from 0.001 to 316224000.",
        ),
        ({"retry_delay_cap_s": "soon"}, "retry_delay_cap_s", "Enter a number, such as 0.5."),
        ({"cron": "0 0 31 2 *"}, "cron", "never fires"),
        ({"cron": "x" * 100_000}, "cron", "at most 200 characters"),
        ({"timezone": "../../etc/passwd"}, "timezone", "There is no time zone"),
        ({"kind": "interval", "every_s": "0"}, "every_s", "whole number of seconds from 1"),
        ({"kind": "interval", "every_s": "soon"}, "every_s", "Enter a whole number"),
        ({"kind": "once", "run_at": "2001-01-01T00:00"}, "run_at", "lies in the past"),
        ({"kind": "once", "run_at": "never"}, "run_at", "Enter a date and a time."),
        ({"task": "tasks.demo.ecko"}, "task", "Did you mean tasks.demo.echo?"),
        ({"kwargs": "[1]"}, "kwargs", "Enter a JSON object"),
        ({"kwargs": '{"nope": 1}'}, "kwargs", "cannot be called so"),
        ({"queue": "nowhere"}, "queue", "There is no queue nowhere."),
        ({"priority": "1" + "0" * 11}, "priority", "Enter a whole number"),
        ({"missed": "maybe"}, "missed", "Choose one of these"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(
    admin: Browser, typed: dict[str, str], field: str, told: str
) -> None:
    answer = admin.post("/admin/schedule/form/", GIVEN | typed)
    assert answer.status_code == 400
    assert told in re.search(rf'id="{field}-fault"[^>]*>([^<]*)', answer.text)[1].replace(
        "&#39;", "'"
    )  # type: ignore[index]
    assert ask("SELECT id FROM schedule") == []


def test_the_preview_says_what_is_being_typed(admin: Browser) -> None:
    page = admin.get("/admin/schedule/form/preview/?kind=cron&cron=*/5+*+*+*+*&timezone=UTC").text
    assert "Every 5 minutes" in page
    assert len(re.findall(r"\+0000", page)) == 5
    assert (
        "cannot be 61" in admin.get("/admin/schedule/form/preview/?kind=cron&cron=61+*+*+*+*").text
    )


def test_ticked_schedules_are_run_disabled_and_enabled(operator: Browser) -> None:
    ids = [str(a_schedule(name)) for name in ("one", "two")]
    before = ask("SELECT count(*) FROM job")[0][0]
    act = {"rowid": ids, "url": "/admin/schedule/"}

    operator.post("/admin/schedule/act/", act | {"action": "run"})
    assert ask("SELECT count(*) FROM job")[0][0] == before + 2
    asked = operator.post("/admin/schedule/act/", act | {"action": "disable"})
    assert "It fires no more." in asked.text
    assert ask("SELECT id FROM schedule WHERE disabled_at IS NOT NULL") == []
    sure = act | {"action": "disable", "confirmed": "yes", "reason": "a holiday"}
    operator.post("/admin/schedule/act/", sure)
    assert ask("SELECT DISTINCT disabled_reason FROM schedule") == [("a holiday",)]
    told = operator.post("/admin/schedule/act/", sure)
    assert "cannot be disabled: it is." in operator.get(told.location).text
    operator.post("/admin/schedule/act/", act | {"action": "enable"})
    assert ask("SELECT id FROM schedule WHERE disabled_at IS NOT NULL") == []
    for bad in ({"action": "explode"}, {"action": "run", "rowid": "x"}):
        assert operator.post("/admin/schedule/act/", act | bad).status_code == 400


def test_operators_do_not_define(operator: Browser) -> None:
    id_, definition = a_schedule(), a_definition()
    for path, form in (
        ("/admin/schedule/form/", GIVEN),
        (f"/admin/schedule/form/{id_}/", GIVEN),
        ("/admin/schedule/act/", {"action": "delete", "rowid": str(id_), "confirmed": "yes"}),
        ("/admin/definition/form/", {}),
        (f"/admin/definition/{definition}/delete/", {}),
    ):
        assert operator.post(path, form).status_code == 403


def test_a_period_is_previewed_and_made_up_for(operator: Browser) -> None:
    id_ = a_schedule("nightly")
    ask("UPDATE schedule SET starts_at = '2026-01-01', timezone = 'UTC' WHERE id = %s", (id_,))
    period = {"since": "2026-02-01T00:00:00", "until": "2026-02-10T00:00:00"}

    shown = operator.post(f"/admin/schedule/{id_}/backfill/", period).text
    assert "9 times lie in this period." in shown
    answer = operator.post(f"/admin/schedule/{id_}/backfill/", period | {"confirmed": "yes"})
    assert "9 jobs were made." in operator.get(answer.location).text
    for bad in ({"since": "x"}, {"since": "2026-02-11T00:00:00"}, {"until": "2400-01-01T00:00:00"}):
        assert operator.post(f"/admin/schedule/{id_}/backfill/", period | bad).status_code == 400


def test_a_definition_is_made_changed_executed_and_deleted(admin: Browser) -> None:
    given = {
        "name": "greet",
        "task": "tasks.demo.echo",
        "description": "d",
        "kwargs": '{"value": "hi"}',
    }
    made = admin.post("/admin/definition/form/", given)
    id_ = int(made.location.rstrip("/").split("/")[-1])
    page = admin.get(made.location).text
    assert "Parameters (JSON Schema)" in page
    assert "&#34;value&#34;" in page

    assert admin.post("/admin/definition/form/", given).status_code == 400
    near = admin.post(
        "/admin/definition/form/", given | {"name": "other", "task": "tasks.demo.eco"}
    )
    assert "Did you mean tasks.demo.echo?" in near.text
    admin.post(f"/admin/definition/form/{id_}/", given | {"queue": "emails"})
    ran = admin.post(f"/admin/definition/{id_}/execute/", {"kwargs": '{"value": "ho"}'})
    assert "/admin/job/" in ran.location
    assert ask("SELECT kwargs, queue, tags FROM job") == [
        ({"value": "ho"}, "emails", ["definition:greet"])
    ]
    bad = admin.post(f"/admin/definition/{id_}/execute/", {"kwargs": '{"nope": 1}'})
    assert "cannot be called so" in admin.get(bad.location).text
    assert admin.post(f"/admin/definition/{id_}/delete/", {}).status_code == 303
    assert admin.get(f"/admin/definition/{id_}/").status_code == 404


def test_executions_are_every_start_of_every_job(operator: Browser) -> None:
    failed, waiting = a_failed_job(), a_job("queued", attempt=0)
    ask("UPDATE job SET started_at = NULL WHERE id = %s", (str(waiting),))
    page = operator.get("/admin/execution/").text
    assert page.count(f"/admin/job/{failed}/log/") == 2
    assert str(waiting) not in page
    id_ = a_schedule("nightly")
    own = operator.get(f"/admin/execution/?schedule={id_}").text
    assert "nightly" in own
    assert str(failed) not in own
    assert operator.get("/admin/execution/?schedule=x").status_code == 400


def test_every_registered_task_is_a_definition_by_itself(operator: Browser) -> None:
    assert "/admin/definition/task/tasks.demo.echo/" in operator.get("/admin/definition/").text
    page = operator.get("/admin/definition/task/tasks.demo.sleep/").text
    assert "&#34;number&#34;" in page
    assert operator.get("/admin/definition/task/nowhere/").status_code == 404


@pytest.mark.parametrize(
    ("expression", "en", "ar", "fa"),
    [
        ("*/5 * * * *", "Every 5 minutes", "كل 5 دقائق", "هر ۵ دقیقه"),
        ("*/2 * * * *", "Every 2 minutes", "كل دقيقتين", "هر ۲ دقیقه"),
        ("*/30 * * * *", "Every 30 minutes", "كل 30 دقيقة", "هر ۳۰ دقیقه"),
        ("0 */2 * * *", "Every 2 hours", "كل ساعتين", "هر ۲ ساعت"),
        ("0 2 * * *", "At 02:00", "عند الساعة 02:00", "در ساعت ۰۲:۰۰"),
        ("0 9 * * 1-5", "At 09:00, Monday through Friday", "عند الساعة 09:00، من الاثنين إلى الجمعة",
         "در ساعت ۰۹:۰۰، از دوشنبه تا جمعه"),
        ("0 0 1 */3 *", "At 00:00, on day 1 of the month, every 3 months",
         "عند الساعة 00:00، في اليوم 1 من الشهر، كل 3 أشهر", "در ساعت ۰۰:۰۰، در روز ۱ ماه، هر ۳ ماه"),
        ("0 0 L * *", "At 00:00, on the last day of the month", "عند الساعة 00:00، في اليوم الأخير من الشهر",
         "در ساعت ۰۰:۰۰، در آخرین روز ماه"),
    ],
)  # fmt: skip
def test_cron_is_said_in_three_languages(expression: str, en: str, ar: str, fa: str) -> None:
    assert [cron_words(expression, code) for code in ("en", "ar", "fa")] == [en, ar, fa]


def test_the_pages_speak_the_language_of_their_reader(operator: Browser) -> None:
    id_ = a_schedule("nightly")
    for language, words in (("ar", "عند الساعة 02:30"), ("fa", "در ساعت ۰۲:۳۰")):
        operator.speak(language)
        assert words in operator.get(f"/admin/schedule/{id_}/").text
