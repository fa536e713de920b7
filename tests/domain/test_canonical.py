"""One text for one meaning: the shared vectors, and what must be refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.domain.canonical import canonical_bytes, content_hash, number_text, time_text
from backoffice.domain.merkle import leaf_hash

VECTORS = json.loads((Path(__file__).parent / "canonical_vectors.json").read_text(encoding="utf-8"))[
    "vectors"
]


def value_of(tagged: dict[str, Any]) -> object:
    """The Python value that a tagged vector stands for."""
    [(tag, value)] = tagged.items()
    readers = {
        "null": lambda _: None,
        "flag": bool,
        "text": str,
        "number": Decimal,
        "day": date.fromisoformat,
        "time": datetime.fromisoformat,
        "list": lambda items: [value_of(item) for item in items],
        "object": lambda items: {key: value_of(item) for key, item in items.items()},
    }
    return readers[tag](value)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_vector(vector: dict[str, Any]):
    value = value_of(vector["value"])
    body = canonical_bytes(value)
    assert body.decode() == vector["canonical"]
    assert content_hash(value).hex() == vector["sha256"]
    assert leaf_hash(body).hex() == vector["leaf"]


def test_whole_numbers_are_texts_like_decimals():
    assert canonical_bytes([0, -7, 10**40, True]) == b'["0","-7","1' + b"0" * 40 + b'",true]'


def test_tuple_is_a_list():
    assert canonical_bytes((1, ("a",))) == b'["1",["a"]]'


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        Decimal("NaN"),
        Decimal("-Infinity"),
        datetime(2026, 1, 1),  # noqa: DTZ001 - a time without zone is what is refused
        "\ud800",
        "a\x00b",
        {1: "a"},
        {"a\x00": 1},
        {"\udfff": 1},
        b"bytes",
        {"a": [object()]},
        {1, 2},
    ],
)
def test_refused(value: object):
    with pytest.raises(ValueError, match=r"."):
        canonical_bytes(value)


def test_time_at_the_edge_of_the_calendar_is_refused_not_crashed():
    with pytest.raises(ValueError, match="outside the years"):
        time_text(datetime.fromisoformat("0001-01-01T00:00:00+01:00"))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None))
def test_number_keeps_its_value_and_has_one_text(number: Decimal):
    text = number_text(number)
    assert Decimal(text) == number
    assert "E" not in text.upper()
    assert text == number_text(Decimal(text))
    assert text != "-0"


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)))  # noqa: DTZ001
def test_time_is_the_same_instant_in_utc(moment: datetime):
    assert datetime.fromisoformat(time_text(moment)) == moment.astimezone(UTC)


NAMES = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_is_json_of_the_same_value_and_independent_of_key_order(value: object):
    body = canonical_bytes(value)
    assert json.loads(body) == value

    def reversed_keys(part: object) -> object:
        if isinstance(part, dict):
            return {key: reversed_keys(item) for key, item in reversed(part.items())}
        return [reversed_keys(item) for item in part] if isinstance(part, list) else part

    assert canonical_bytes(reversed_keys(value)) == body
