"""Drawing and adding up: the same on any machine, without a cent lost."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.domain.evidence.sampling import Item, amount_text, choose, read_items, totals, write_items

KEYS = st.lists(
    st.text(min_size=1, max_size=8).filter(
        lambda key: "\r" not in key and "\x00" not in key and key.isprintable()
    ),
    unique=True,
    max_size=30,
)


def test_the_rule_by_hand() -> None:
    """SHA-256 of the seed, a line feed and the key; the smallest first."""
    assert hashlib.sha256(b"7\nentry-b").hexdigest().startswith("f615f00b")
    assert hashlib.sha256(b"7\nentry-c").hexdigest().startswith("7f469454")
    assert choose(["entry-b", "entry-c"], 1, "7") == ["entry-c"]
    keys = ["entry-a", "entry-b", "entry-c"]
    ranked = sorted(keys, key=lambda key: hashlib.sha256(f"7\n{key}".encode()).digest())
    assert choose(keys, 2, "7") == ranked[:2]
    assert choose(keys, 9, "7") == ranked


@given(KEYS, st.integers(0, 40), st.text(max_size=5), st.randoms())
def test_the_order_in_which_they_come_does_not_matter(keys, size, seed, chance) -> None:
    mixed = list(keys)
    chance.shuffle(mixed)
    assert choose(keys, size, seed) == choose(mixed, size, seed)
    assert choose(keys, size, seed) == choose(keys, len(keys), seed)[:size]


@given(st.lists(st.decimals(min_value=-(10**15), max_value=10**15, places=4), max_size=20))
def test_sums_are_exact(amounts) -> None:
    items = [Item(str(place), "2026-01-01", str(amount), "EUR") for place, amount in enumerate(amounts)]
    found = totals(items)
    assert found.keys() == ({"EUR"} if amounts else set())
    if amounts:
        assert Decimal(found["EUR"]["amount"]) == sum(amounts)
        assert found["EUR"]["items"] == str(len(amounts))


def test_currencies_are_not_mixed_and_unknown_is_not_zero() -> None:
    items = [
        Item("a", "", "1.10", "EUR"),
        Item("b", "", "2", "USD"),
        Item("c", "", "", ""),
        Item("d", "", "0", "EUR"),
    ]
    assert totals(items) == {
        "": {"items": "1", "amount": ""}, "EUR": {"items": "2", "amount": "1.10"}, "USD": {"items": "1", "amount": "2.00"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1", "1.00"),
        ("1.5", "1.50"),
        ("1.2345", "1.2345"),
        ("-3", "-3.00"),
        ("0", "0.00"),
        ("1E+3", "1000.00"),
    ],
)
def test_amounts_have_two_decimals_at_least(amount, text) -> None:
    assert amount_text(Decimal(amount)) == text


@given(KEYS)
def test_a_population_is_read_as_it_was_written(keys) -> None:
    items = [Item(key, "2026-01-01", "1.00", "EUR") for key in keys]
    assert read_items(write_items(items)) == sorted(items)


@pytest.mark.parametrize(
    "content",
    [b"", b"key,date,amount\n", b"key,date,amount,currency\na,b\n", b"key,date,amount,currency\nb,,,\na,,,\n", b"key,date,amount,currency\na,,,\na,,,\n",
     b"key,date,amount,currency\r\n", b"\xff", b'key,date,amount,currency\n"a",,,\n'],
)  # fmt: skip
def test_a_population_in_another_form_is_none(content) -> None:
    with pytest.raises(ValueError, match=r"population|twice|decode|written"):
        read_items(content)


@pytest.mark.parametrize("amount", ["x", "NaN", "Infinity"])
def test_what_is_no_amount_is_not_added(amount) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        totals([Item("a", "", amount, "EUR")])
