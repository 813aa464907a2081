"""What may be an argument: everything storable comes back the same, the rest is refused by name."""

from __future__ import annotations

import enum
import math
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mahaam.core.errors import ArgumentNotStorable, PayloadTooLarge
from mahaam.core.payload import MAX_DEPTH, dump, dump_call, load
from tests.mahaam.stage import Stage

LIMIT_BYTES = 262_144
RoundTrip = Callable[[Any], Any]

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
years = {"min_value": datetime(2, 1, 1), "max_value": datetime(9998, 1, 1)}  # noqa: DTZ001
atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**1000), 2**1000),
    st.floats(),
    texts,
    st.binary(max_size=20),
    st.datetimes(**years),
    st.datetimes(**years, timezones=offsets),
    st.dates(),
    st.times(),
    st.times(timezones=offsets),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
)
keys = st.one_of(texts, texts.map("${}".format), st.integers(), st.uuids(), st.dates(), st.none())
hashables = st.recursive(atoms, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.sets(hashables, max_size=4),
        st.frozensets(hashables, max_size=4),
        st.dictionaries(texts, inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4),
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def through_postgresql(stage: Stage) -> Iterator[RoundTrip]:
    """Gives a value to a column of type jsonb and takes it out again."""
    link = psycopg2.connect(stage.database_url)
    link.autocommit = True
    with link.cursor() as cursor:

        def round_trip(value: Any) -> Any:
            cursor.execute("SELECT %s::jsonb::text", (dump(value, what="It"),))
            return load(cursor.fetchone()[0])

        yield round_trip
    link.close()


def shape(value: Any) -> Any:
    """A value so written that two are equal when type and content are the same in all depths."""
    kind = type(value)
    name = kind.__name__
    if kind in (list, tuple):
        return name, [shape(item) for item in value]
    if kind in (set, frozenset):
        return name, sorted(repr(shape(item)) for item in value)
    if kind is dict:
        return name, sorted(repr((shape(key), shape(item))) for key, item in value.items())
    if kind is datetime:
        aware = value.utcoffset() is not None
        return name, (value.astimezone(UTC) if aware else value).isoformat()
    return name, value.isoformat() if kind is time else repr(value)


@given(value=values)
@settings(max_examples=150)
def test_every_storable_value_comes_back_the_same(
    through_postgresql: RoundTrip, value: Any
) -> None:
    assert shape(through_postgresql(value)) == shape(value)


SPECIAL = [
    *(1e16, 1e-7, 1e22, -0.0, 0.1, 1.0, 5e-324, 1.7976931348623157e308, 123456789012345.0),
    *(math.nan, math.inf, -math.inf),
    *(0, -1, 2**53 + 1, 2**64, -(2**999), 2**4096 - 1, True, False),
    *(Decimal("NaN"), Decimal("-Infinity"), Decimal("1E+999"), Decimal("-0.00")),
    *("", "$dict", "\x01\x1f\x7f", "\ufeff\uffff", "😀", '"\\', "\u2028"),
    datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(1, 1, 1),  # noqa: DTZ001
    time(23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    timedelta.max,
    timedelta.min,
    timedelta(days=-1, microseconds=1),
    b"",
    bytes(range(256)),
    UUID(int=0),
    date.max,
    *((), set(), frozenset(), [], {}, ((),), [[], {}, ()], {"": None}),
    {"$dict": [[1, 2]]},
    {"$set": [1]},
    {"$unknown": 1},
    {"$error": {}},
    {"a": 1, "$b": 2},
    {1: "a", "1": "b", None: "c", (1, 2): "d", 2.5: "e", b"x": "f"},
    {frozenset({1}): {frozenset(): {()}}},
]


def test_a_special_value_comes_back_the_same(through_postgresql: RoundTrip) -> None:
    for value in SPECIAL:
        assert shape(through_postgresql(value)) == shape(value)


def test_a_keyword_that_looks_like_a_tag_stays_a_keyword() -> None:
    for name in ("$set", "$dict", "$tuple", "$float", "$unknown", "$"):
        _, kwargs = dump_call((), {name: [1]}, limit_bytes=LIMIT_BYTES)

        assert load(kwargs) == {name: [1]}


class Colour(enum.IntEnum):
    RED = 1


class Name(str):
    __slots__ = ()


Point = namedtuple("Point", "x y")  # noqa: PYI024
HERE = __name__
itself: list[Any] = []
itself.append(itself)


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


REFUSED = [
    (object(), "is of type object, which cannot be stored"),
    (lambda: 1, "is of type function"),
    (len, "is of type builtin_function_or_method"),
    (Colour.RED, f"is of type {HERE}.Colour"),
    (Point(1, 2), f"is of type {HERE}.Point"),
    (Name("x"), f"is of type {HERE}.Name"),
    (OrderedDict(), "is of type collections.OrderedDict"),
    (bytearray(b"x"), "is of type bytearray"),
    (1j, "is of type complex"),
    (range(3), "is of type range"),
    (iter([]), "is of type list_iterator"),
    (ValueError("x"), "is of type ValueError"),
    ("a\0b", "contains a NUL character"),
    ("\ud800", "contains a lone surrogate"),
    (2**4096, "is an integer of more than 4096 bits"),
    (time(1, tzinfo=ZoneInfo("Europe/Berlin")), "is a time whose zone has no fixed offset"),
    (itself, "is nested deeper than 100 levels or contains itself"),
    (nested(MAX_DEPTH + 1), "is nested deeper than 100 levels"),
    (datetime.min.replace(tzinfo=timezone(timedelta(hours=1))), "datetime"),
    (datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), "datetime"),
]


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"key": [(1, value)]}])
def test_a_value_that_cannot_be_stored_is_refused_by_name_and_type(
    wrap: Callable[[Any], Any],
) -> None:
    for value, said in REFUSED:
        for args, kwargs, name in (
            ((1, wrap(value)), {}, "Argument 2"),
            ((), {"order": wrap(value)}, "Argument 'order'"),
        ):
            with pytest.raises(ArgumentNotStorable) as refusal:
                dump_call(args, kwargs, limit_bytes=LIMIT_BYTES)
            assert str(refusal.value).startswith(f"{name} ")
            assert said in str(refusal.value)


def test_a_key_that_cannot_be_stored_is_refused() -> None:
    for key in ("a\0b", "\ud800", object(), Name("x"), Colour.RED):
        with pytest.raises(ArgumentNotStorable, match="Argument 1 "):
            dump_call(({key: 1},), {}, limit_bytes=LIMIT_BYTES)


def test_the_deepest_nesting_that_is_allowed_comes_back(through_postgresql: RoundTrip) -> None:
    assert through_postgresql(nested(MAX_DEPTH)) == nested(MAX_DEPTH)


@pytest.mark.parametrize("character", ["a", "😀", "\n"])
def test_the_payload_may_be_as_large_as_the_limit_and_no_byte_larger(character: str) -> None:
    around = len('[""]' + "{}")
    size_bytes = len(dump(character, what="It").encode()) - 2
    count, rest = divmod(LIMIT_BYTES - around, size_bytes)
    full = character * count + "a" * rest

    args, kwargs = dump_call((full,), {}, limit_bytes=LIMIT_BYTES)
    assert len(args.encode()) + len(kwargs.encode()) == LIMIT_BYTES
    with pytest.raises(
        PayloadTooLarge, match=f"are {LIMIT_BYTES + 1} bytes as JSON; {LIMIT_BYTES}"
    ):
        dump_call((full + "a",), {}, limit_bytes=LIMIT_BYTES)


def test_positional_and_keyword_arguments_share_the_limit() -> None:
    half = "a" * (LIMIT_BYTES // 2)

    with pytest.raises(PayloadTooLarge):
        dump_call((half,), {"other": half}, limit_bytes=LIMIT_BYTES)
