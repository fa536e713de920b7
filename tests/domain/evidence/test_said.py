"""The line between what signed records say and what is only listed: nothing is lost, nothing stands on both sides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.domain.evidence.contents import Record
from backoffice.domain.evidence.said import KEYS, Witness, joined

INVOICE = "invoice:" + "ab" * 32
AT = "2026-11-20T02:00:00.000000Z"
LINES = [
    {"account": "1590", "debit": "10", "credit": "0", "currency": "EUR", "purpose": "billed"},
    {"account": "1600", "debit": "0", "credit": "10", "currency": "EUR", "purpose": "payable"},
]


def record(no: int, kind: str, said: dict[str, Any] | None, subject: str = INVOICE) -> Record:
    """A record of the log; without words one that was purged."""
    body = None if said is None else json.dumps(said).encode()
    return Record(no, subject, no, kind, no, b"", (), body, said or {})


RECORDS = (
    record(1, "decision", {
        "facts": f"{'ab' * 32}|S1|held|1,{'cd' * 32},1/1|PRICE", "inputs": {"match_state": "held", "gross_amount": {"amount": "10", "currency": "EUR"}},
        "document": {"source": "mail", "received_at": AT, "load_id": "4", "original_sha256": None},
    }),
    record(2, "effect", {"effect": "journal entry", "business_key": "k", "event": "invoice", "posting_date": "2026-11-20", "lines": LINES}),
    record(3, "effect", {"effect": "journal entry", "business_key": "reversal/k", "event": "reversal", "posting_date": "2026-11-21"}),
    record(4, "effect", {"effect": "payment proposed", "amount": "10", "currency": "EUR", "pay_on": "2026-12-01", "decision_id": "6"}),
    record(5, "effect", {"effect": "payment proposed again", "amount": "9", "currency": "EUR", "pay_on": "2026-12-02", "decision_id": "7"}),
)  # fmt: skip


def divide(listing: dict[str, Any], records: tuple[Record, ...] = RECORDS) -> Any:
    return Witness([INVOICE], records).divide(listing)


texts = st.text(max_size=5)
rows = st.dictionaries(
    st.sampled_from(
        [
            *("gross", "currency", "supplier_id", "number", "business_key", "event", "amount", "payment"),
            *("answer", "content_sha256", "order", "version", "run", "at", "act", "case", "receipt"),
        ]
    ),
    texts | st.sampled_from(["10", "EUR", "S1", "k", "cd" * 32, "ab" * 32]),
    max_size=6,
)
listings = st.dictionaries(
    st.sampled_from([*KEYS, "persons"]), st.lists(rows, max_size=3), max_size=5
) | st.fixed_dictionaries({"document": rows, "called": texts})


@given(listings)
def test_both_sides_together_are_the_listing(listing: dict[str, Any]) -> None:
    drawn = divide(listing)
    if not drawn.wrong:
        assert joined(drawn.signed, drawn.unsigned) == listing
        again = divide(joined(drawn.signed, drawn.unsigned))
        assert (again.signed, again.unsigned) == (drawn.signed, drawn.unsigned)
    for part, signed in drawn.signed.items():
        both = (
            [(signed, drawn.unsigned[part])]
            if isinstance(signed, dict)
            else zip(signed, drawn.unsigned[part], strict=True)
        )
        for one, other in both:
            assert set(one) & set(other) <= set(KEYS.get(part, ()))


@pytest.mark.parametrize(
    ("gross", "signed", "wrong"), [("10", True, False), ("-10", False, False), ("11", False, True), ("-11", False, True)]
)  # fmt: skip
def test_an_amount_on_record_has_no_sign(gross: str, signed: bool, wrong: bool) -> None:
    """That of a credit note is listed below zero: its sign is in no record, its size is."""
    drawn = divide({"document": {"gross": gross}})
    assert ("gross" in drawn.signed["document"], bool(drawn.wrong)) == (signed, wrong)


def test_a_document_without_a_known_supplier_has_none_on_record() -> None:
    """Facts leave out what is not there: the second is the state then."""
    facts = {"facts": f"{'ab' * 32}|held|1", "inputs": {"match_state": "held"}}
    drawn = divide({"document": {"supplier_id": "S1"}}, (record(1, "decision", facts),))
    assert drawn.signed == {"document": {}}


def test_lines_of_a_reversal_are_those_of_its_entry_exchanged() -> None:
    lines = Witness([INVOICE], RECORDS).lines("reversal/k")
    assert lines == [
        {"account": "1590", "debit": "0", "credit": "10", "currency": "EUR", "purpose": "reversal: billed"},
        {"account": "1600", "debit": "10", "credit": "0", "currency": "EUR", "purpose": "reversal: payable"},
    ]
    assert Witness([INVOICE], RECORDS[2:]).lines("reversal/k") is None


def test_of_a_payment_the_newest_record_counts() -> None:
    drawn = divide(
        {"payments": [{"payment": "payment:1", "amount": "9", "pay_on": "2026-12-02", "decision": "7"}]}
    )
    assert drawn.wrong == []
    assert divide({"payments": [{"payment": "payment:1", "amount": "10"}]}).wrong == [
        (5, "amount is 9, the ledger lists 10 of payment:1")
    ]


@pytest.mark.parametrize("purged", [True, False])
def test_a_row_without_a_record_is_missed_unless_such_were_purged(purged: bool) -> None:
    records = (*RECORDS[:1], *((record(2, "effect", None),) if purged else ()))
    told = [] if purged else ["entry k is listed and not on record"]
    assert divide({"entries": [{"business_key": "k"}]}, records).unknown == told


def test_records_about_other_things_say_nothing_of_this() -> None:
    other = record(9, "effect", {"effect": "payment proposed", "amount": "1"}, "invoice:" + "ee" * 32)
    assert Witness([INVOICE], (*RECORDS, other)).payments[-1].no == 5


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="entries has not the same rows on both sides"):
        joined({"entries": [{}]}, {"entries": [{}, {}]})
