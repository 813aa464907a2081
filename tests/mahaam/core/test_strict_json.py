"""JSON that somebody types: what Python takes and JSON does not mean is refused, with a sentence."""

from __future__ import annotations

import pytest

from mahaam.core.strict_json import JsonNotValid, parse
from mahaam.search.argument_text import wanted_json

REFUSED = {
    "1e400": "1e400 is not a number that can be stored.",
    "-1e999": "-1e999 is not a number that can be stored.",
    "[1.5, 1E+400]": r"1E\+400 is not a number",
    '{"a": {"b": [1e309]}}': "1e309 is not a number",
    "NaN": "NaN is not a number that can be stored.",
    "[Infinity]": "Infinity is not a number",
    '{"a": -Infinity}': "-Infinity is not a number",
    '{"a": 1, "a": 2}': "The key 'a' stands twice",
    '{"a": 1, "\\u0061": 1}': "The key 'a' stands twice",
    '[{"x": [{"k": null, "j": 1, "k": null}]}]': "The key 'k' stands twice",
    "{": "This is not JSON",
    "": "This is not JSON",
    "[" * 100_000: "nested too deeply",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:30])
def test_what_json_cannot_mean_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(JsonNotValid, match=REFUSED[text]):
        parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e308", 1e308),
        ('{"a": {"a": 1}, "b": {"a": 1}}', {"a": {"a": 1}, "b": {"a": 1}}),
        ('{"a": 1, "A": 2}', {"a": 1, "A": 2}),
        ('["NaN", "1e400"]', ["NaN", "1e400"]),
        ("123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_what_json_means_is_read(text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', "[1e400]", '{"a": NaN}'])
def test_a_search_refuses_it_too(text: str) -> None:
    assert wanted_json(text) is None
