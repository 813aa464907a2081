"""Nobody reads a secret: not in arguments, results, logs, errors or tracebacks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from mahaam import task
from mahaam.core.errors import OptionNotValid
from mahaam.huey_adapter.tasks.task import DurableTask
from mahaam.redaction import secret_mask
from mahaam.redaction.names import ALONE, ALWAYS, AT_THE_END, IN_ARABIC_SCRIPT
from mahaam.redaction.redact import (
    masked,
    masked_call,
    masked_text,
    searches_secret,
    shown_call,
    unmasked_call,
)
from mahaam.redaction.secret_mask import MASK, MaskLeftOver
from tests.mahaam.masked_texts import HOOKS, HOSTILE, MASKED, OPEN, SHAPES

SECRET = "hunter2"
HIDDEN_NAMES = (
    "password", "Password", "user_password", "passwordHash", "API_KEY", "apiKey", "x-api-key", "apikey",
    "access_token", "accesstoken", "tokens", "clientSecret", "card", "card_number", "cardNumber",
    "Authorization", "set-cookie", "db.password",
)  # fmt: skip
OPEN_NAMES = (
    "user",
    "discard",
    "cardinal",
    "postcard_size",
    "pinned",
    "tokenizer",
    "order_id",
    "secretary",
)
LINES = (
    f"password={SECRET}",
    f"password = '{SECRET}'",
    f'login(user="ann", password="{SECRET}", retry=True)',
    f"password: {SECRET}",
    f'{{"user": "ann", "password": "{SECRET}"}}',
    f"{{'password': '{SECRET}', 'user': 'ann'}}",
    f"{{'password': b'{SECRET}'}}",
    f"{{'card': {{'number': '{SECRET}', 'name': ('a', '{SECRET}')}}, 'user': 'ann'}}",
    f'{{"card": [1, 2, "{SECRET}"]}}',
    f'body={{\\"token\\": \\"{SECRET}\\"}}',
    f"token=SecretStr('{SECRET}')",
    f"GET /orders?page=2&token={SECRET}&user=ann",
    f"Authorization: Bearer {SECRET}",
    f"Authorization: Basic {SECRET}",
    f"sent Bearer {SECRET} to the shop",
    f"Cookie: a=b; session={SECRET}",
    f"Set-Cookie: sid={SECRET}; Path=/",
    f"{{'Authorization': 'Bearer {SECRET}'}}",
    f"postgresql://shop:{SECRET}@db.internal:5432/shop does not answer",
    f"password='it\\'s {SECRET}'",
    f"password='{SECRET}",
    f"CardNumber: {SECRET}",
    f"AccessToken: {SECRET}",
    f"db_password: {SECRET}",
    f"x-api-key: {SECRET}",
    f"CardDeclined: card_number={SECRET}",
    f"CardDeclined={SECRET}",
    f'{{"CardDeclined": "{SECRET}"}}',
    f'first\n  client_secret="{SECRET}"\nlast',
)  # fmt: skip
PLAIN = (
    "TokenError: the signature is wrong",
    "CardDeclined: Order 1",
    "shop.payment.CardDeclined: Order 1",
    "job failed: TokenExpired: since noon",
    "first line\nAccessTokenRevoked: by ann",
    "SecretNotFound: shop/db",
    "KeyError: 'password'",
    "if token == expected: pass",
    "order_id=12 user: ann",
    "12:30:01 the token has expired",
    "password=None secret: true",
    "tokenizer: wordpiece",
    "https://example.com:8000/a@b",
)


@pytest.fixture
def charge() -> Iterator[DurableTask]:
    """A task with a secret of its own."""

    made = task(masked=("shelf",))(_charge)
    yield made
    made.unregister()


def _charge(shelf: str, amount: int, *tokens: str, note: str = "") -> None:
    """Nothing."""


@pytest.mark.parametrize("name", HIDDEN_NAMES)
def test_what_stands_under_a_secret_name_is_hidden(name: str) -> None:
    assert masked({"a": [{name: SECRET}]}) == {"a": [{name: MASK}]}
    assert masked({name: {"deep": [SECRET]}}) == {name: MASK}


@pytest.mark.parametrize("name", OPEN_NAMES)
def test_what_only_looks_like_a_secret_name_is_shown(name: str) -> None:
    assert masked({name: SECRET}) == {name: SECRET}


def test_nothing_and_flags_tell_nothing() -> None:
    assert masked({"token": None, "secret": True}) == {"token": None, "secret": True}


def test_a_text_in_a_value_is_searched_too() -> None:
    assert masked(["x", f"token={SECRET}"]) == ["x", f"token={MASK}"]


def test_keys_that_are_no_plain_names_are_searched_too() -> None:
    pairs = {"$dict": [["password", SECRET], [1, SECRET], [None, {"token": SECRET}]]}
    assert masked(pairs) == {"$dict": [["password", MASK], [1, SECRET], [None, {"token": MASK}]]}


@pytest.mark.parametrize("line", LINES)
def test_a_secret_in_a_text_is_hidden(line: str) -> None:
    shown = masked_text(line)
    assert SECRET not in shown
    assert MASK in shown


@pytest.mark.parametrize("line", LINES)
def test_the_rest_of_the_text_stays(line: str) -> None:
    shown = masked_text(line)
    for word in ("ann", "first", "last", "db.internal:5432/shop does not answer", "to the shop"):
        assert (word in line) == (word in shown)


@pytest.mark.parametrize("line", PLAIN)
def test_a_text_without_secrets_stays_as_it_is(line: str) -> None:
    assert masked_text(line) == line


@pytest.mark.parametrize("text", MASKED)
def test_each_writing_of_a_secret_is_hidden(text: str) -> None:
    shown = masked_text(text)
    assert "Xy7" not in shown
    assert "s3cr" not in shown
    assert masked_text(shown) == shown


@pytest.mark.parametrize("secret", SHAPES)
def test_what_has_the_shape_of_a_secret_is_hidden_wherever_it_stands(secret: str) -> None:
    for before, behind in (("a ", " b"), ('{"x": "', '"}'), ("x=", ";"), ("(", ")"), ("id:", ",")):
        shown = masked_text(before + secret + behind)
        assert MASK in shown
        assert "MIIE" not in shown
        assert secret.startswith("---") or shown == before + MASK + behind


@pytest.mark.parametrize("text", HOOKS)
def test_the_secret_part_of_an_address_is_hidden(text: str) -> None:
    assert masked_text(text).endswith(f"/{MASK}")
    assert "s3cr" not in masked_text(text)


@pytest.mark.parametrize("text", OPEN)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert masked_text(text) == text


def test_numbers_are_hidden_by_their_shape() -> None:
    assert masked([4111111111111111, 4111111111111112, 12]) == [MASK, 4111111111111112, 12]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (["--password", SECRET, "-v"], ["--password", MASK, "-v"]),
        (["password", SECRET], ["password", MASK]),
        ([["password", SECRET], ["user", "ann"]], [["password", MASK], ["user", "ann"]]),
        ({"$tuple": ["password", SECRET]}, {"$tuple": ["password", MASK]}),
        (["user", "password", "email"], ["user", "password", "email"]),
        ({"name": "api_key", "value": SECRET}, {"name": "api_key", "value": MASK}),
        ({"name": "ann", "value": "7"}, {"name": "ann", "value": "7"}),
        ({f"token={SECRET}": 1}, {f"token={MASK}": MASK}),
        ({"كلمة المرور": SECRET, "گذرواژه": SECRET}, {"كلمة المرور": MASK, "گذرواژه": MASK}),
        ({"author": "ann", "pass": SECRET}, {"author": "ann", "pass": MASK}),
    ],
)
def test_a_name_and_its_value_are_found_in_each_structure(value: object, shown: object) -> None:
    assert masked(value) == shown


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_takes_as_long_as_it_is_long(text: str) -> None:
    def seconds(length: int) -> float:
        hostile = (text * length)[:length]
        began = time.process_time()
        masked_text(hostile)
        return time.process_time() - began

    short = min(seconds(20_000) for _ in range(3))
    # Ten times as much takes ten times as long; what is quadratic would take a hundred times.
    assert seconds(200_000) < 40 * short + 0.2


def test_a_task_has_secrets_of_its_own(charge: DurableTask) -> None:
    assert masked({"shelf": SECRET}, charge.path) == {"shelf": MASK}
    assert masked({"shelf": SECRET}) == {"shelf": SECRET}
    assert masked_text(f"shelf={SECRET}", charge.path) == f"shelf={MASK}"


def test_arguments_by_place_are_hidden_by_the_names_of_parameters(charge: DurableTask) -> None:
    args, kwargs = masked_call([SECRET, 5, "one", "two"], {"note": "x"}, charge.path)
    assert args == [MASK, 5, MASK, MASK]
    assert kwargs == {"note": "x"}


def test_an_unknown_task_has_arguments_without_names() -> None:
    assert masked_call([1, {"token": SECRET}], {}, "no.such.task") == ([1, {"token": MASK}], {})


@pytest.mark.parametrize(
    ("wanted", "with_task", "is_secret"),
    [
        ({"password": SECRET}, False, True),
        ({"opts": {"password": SECRET}}, False, True),
        ({"opts": [{"apiKey": 7}]}, False, True),
        ([{"card": {}}], False, True),
        ({"note": f"token={SECRET}"}, False, True),
        ({"$dict": [[SECRET]]}, False, True),
        ({"shelf": SECRET}, True, True),
        ({"shelf": SECRET}, False, True),
        ({"order_id": 1, "note": "x"}, True, False),
        ({"opts": {"batch": 7}}, False, False),
        ([SECRET, 1], False, False),
        ({"password": None}, False, False),  # that there is none is shown
    ],
)
def test_who_looks_for_arguments_learns_nothing_of_secrets(
    charge: DurableTask, wanted: object, with_task: bool, is_secret: bool
) -> None:
    assert searches_secret(wanted, charge.path if with_task else None) is is_secret


def test_what_one_task_hides_is_searched_in_others(charge: DurableTask) -> None:
    assert not searches_secret({"shelf": SECRET}, "another.task")


def test_a_mask_that_is_left_keeps_the_old_value(charge: DurableTask) -> None:
    old = ([SECRET, 5], {"note": f"token={SECRET} ok", "deep": {"card": [1], "x": 1}})
    args, kwargs = masked_call(*old, charge.path)
    args[1] = 6
    kwargs["deep"]["x"] = 2
    assert unmasked_call(args, kwargs, old=old, task=charge.path) == (
        [SECRET, 6],
        {"note": f"token={SECRET} ok", "deep": {"card": [1], "x": 2}},
    )


@pytest.mark.parametrize("args", [[MASK], ["x", MASK], ["x", {"new": MASK}], [f"a {MASK}", 5]])
def test_a_mask_where_nothing_was_hidden_is_refused(
    charge: DurableTask, args: list[object]
) -> None:
    with pytest.raises(MaskLeftOver):
        unmasked_call(args, None, old=([SECRET, 5], {}), task=charge.path)


def test_none_stays_none(charge: DurableTask) -> None:
    assert unmasked_call(None, None, old=([], {}), task=charge.path) == (None, None)


def test_names_that_are_no_names_are_refused() -> None:
    with pytest.raises(OptionNotValid):
        task(masked="shelf")(lambda shelf: None)


def test_every_name_that_is_always_hidden_hides_itself() -> None:
    assert all(
        secret_mask.mask(()).hides(name)
        for name in (*ALWAYS, *AT_THE_END, *IN_ARABIC_SCRIPT, *ALONE)
    )


@pytest.mark.parametrize("text", [*MASKED, *SHAPES])
def test_no_call_with_a_secret_is_taken_for_one_without(text: str) -> None:
    if masked_text(text) == text:
        return
    for call in (([text], {}), ([], {"note": text}), ([[text, 1]], {})):
        args, kwargs = (
            json.dumps(part, ensure_ascii=False, separators=(",", ":")) for part in call
        )
        shown = shown_call(args, kwargs, None)
        assert shown is not None
        assert "Xy7" not in shown


@pytest.mark.parametrize(
    ("args", "kwargs", "shown"),
    [
        ([1, "x"], {}, None),
        ([SECRET, 5], {}, ([MASK, 5], {})),
        ([SECRET, 5, 4711], {}, ([MASK, 5, MASK], {})),
        ([], {"note": "order 12 of ann"}, None),
        ([], {"deep": {"pin": 4711}}, ([], {"deep": {"pin": MASK}})),
        ([], {"pairs": [["password", 7]]}, ([], {"pairs": [["password", MASK]]})),
        ([], {"options": ["--password", SECRET]}, ([], {"options": ["--password", MASK]})),
        (
            [],
            {"field": {"name": "pin", "value": 1}},
            ([], {"field": {"name": "pin", "value": MASK}}),
        ),
        ([], {"number": 4111111111111111}, ([], {"number": MASK})),
        ([], {"when": "2026-11-30T01:02:03", "id": "7d2c1f0a-9c2e-4111-8111-0123456789ab"}, None),
    ],
)
def test_what_is_searched_of_a_call_is_what_is_shown(
    charge: DurableTask, args: list[object], kwargs: dict[str, object], shown: object
) -> None:
    texts = (json.dumps(part, separators=(",", ":")) for part in (args, kwargs))
    found = shown_call(*texts, task=charge.path if args and args[0] == SECRET else None)
    assert found == (
        shown and json.dumps({"args": shown[0], "kwargs": shown[1]}, ensure_ascii=False)
    )
