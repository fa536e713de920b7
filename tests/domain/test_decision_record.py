"""Where two records differ, and what a record says against itself."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from backoffice.domain.decision_record import contradictions, differences, given, holds_covered
from backoffice.domain.decision_table import Money

SCALARS = st.none() | st.booleans() | st.text(max_size=4)
RECORDS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@drawn(RECORDS, RECORDS)
def test_records_differ_somewhere_or_are_equal(one: Any, other: Any) -> None:
    assert list(differences(one, one)) == []
    assert bool(list(differences(one, other))) == (one != other or type(one) is not type(other))


@pytest.mark.parametrize(
    ("recorded", "now", "paths"),
    [
        ({"a": {"b": "1"}}, {"a": {"b": "2"}}, ["a.b"]),
        ({"a": ["1", "2"]}, {"a": ["1"]}, ["a[1]"]),
        ({"a": ["1", {"b": "2"}]}, {"a": ["1", {"b": "3"}]}, ["a[1].b"]),
        ({"a": "1"}, {"b": "1"}, ["a", "b"]),
        ({"a": True}, {"a": "true"}, ["a"]),
        ({"a": None}, {}, ["a"]),
        ({"a": "1"}, {"a": ["1"]}, ["a"]),
        ([], {}, [""]),
    ],
)
def test_each_difference_has_its_path(recorded: Any, now: Any, paths: list[str]) -> None:
    assert [one.path for one in differences(recorded, now)] == paths


def test_inputs_are_read_as_the_ledger_spells_them() -> None:
    assert given({"a": {"amount": "119.00", "currency": "EUR"}, "b": "3", "c": None, "d": False}) == {
        "a": Money(Decimal("119.00"), "EUR"), "b": "3", "c": None, "d": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "amount", [{}, {"amount": "1"}, {"amount": "x", "currency": "EUR"}, {"amount": None, "currency": "EUR"}]
)
def test_money_without_amount_or_currency_is_refused(amount: Any) -> None:
    with pytest.raises(ValueError, match="no amount with a currency"):
        given({"a": amount})


DOCUMENT = "d" * 64


def price_hold(measured: str, limit: str | None, facts: str) -> dict[str, Any]:
    """A hold with the hash that belongs to it."""
    said = "|".join(part for part in ("PRICE", "P", measured, limit, "1000", facts) if part is not None)
    return {
        "code": "PRICE", "effect": "P", "measured": measured, "limit": limit, "scope": "1000", "facts": facts,
        "evidence_sha256": hashlib.sha256(said.encode()).hexdigest(),
    }  # fmt: skip


def record(*holds: dict[str, Any], state: str = "held", **changed: Any) -> dict[str, Any]:
    """A record whose facts, hash, holds and inputs belong together."""
    stated = ";".join(f"{one['code']},{one['effect']},{one['evidence_sha256']}" for one in holds)
    facts = "|".join(part for part in (DOCUMENT, "S1", state, "1,aa,1/1/10/0", stated) if part)
    return {
        "facts": facts, "evidence_sha256": hashlib.sha256(facts.encode()).hexdigest(), "invoice_sha256": DOCUMENT,
        "inputs": {"match_state": state}, "holds": list(holds), **changed,
    }  # fmt: skip


BY_AMOUNT = price_hold("200", "100", "limit_pct=2|reference_amount=20000")
BY_PERCENT = price_hold("200", "500", "limit_pct=2|reference_amount=1000")


@pytest.mark.parametrize(
    ("said", "paths"),
    [
        (record(state="matched"), []),
        (record(BY_AMOUNT, BY_PERCENT), []),
        (record(price_hold("200", None, "x=1")), []),
        (record(price_hold("200", "200", "x=1")), ["holds[0].measured"]),
        (record(price_hold("200", "500", "limit_pct=20|reference_amount=1000")), ["holds[0].measured"]),
        (record(BY_AMOUNT | {"measured": "201"}), ["holds[0].evidence_sha256"]),
        (record(BY_AMOUNT, inputs={"match_state": "matched"}), ["inputs.match_state"]),
        (record(BY_AMOUNT, invoice_sha256="e" * 64), ["invoice_sha256"]),
        (record(BY_AMOUNT, evidence_sha256="0" * 64), ["evidence_sha256"]),
        (record(BY_AMOUNT) | {"holds": [BY_PERCENT]}, ["holds"]),
        (record(BY_AMOUNT) | {"holds": []}, ["holds"]),
        (record(state="matched") | {"holds": [BY_AMOUNT]}, ["holds"]),
        (record(facts=None), ["facts"]),
    ],
)  # fmt: skip
def test_a_record_that_contradicts_itself_is_told(said: dict[str, Any], paths: list[str]) -> None:
    assert [one.path for one in contradictions(said)] == paths


def test_holds_with_and_without_a_limit_are_counted() -> None:
    assert holds_covered(record(BY_AMOUNT, price_hold("1", None, "x=1"))) == (1, 2)
