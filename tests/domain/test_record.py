"""Records of a source: typed where possible, defects where not, one hash per content."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.domain.canonical import content_hash
from backoffice.domain.extract_record import EXTRACT_INVOICE
from backoffice.domain.record import read_record
from backoffice.domain.source_record import (
    ORDER_LINE,
    RECEIPT_LINE,
    SUPPLIER,
    ordered_value,
    receipt_item,
    received_quantity,
)
from backoffice.domain.typed_value import Defect

ORDER: dict[str, Any] = {
    "entity": "1000",
    "po_number": "4500000001",
    "po_line": "00010",
    "supplier_id": "S1",
    "currency": "EUR",
    "quantity": "100",
    "uom": "C62",
    "unit_price": "10.00",
    "price_base_quantity": "1",
    "match_type": "3",
    "gr_based": False,
    "approved": True,
    "order_date": "2026-11-01",
    "version": "2",
    "updated_at": "2026-11-02T08:00:00Z",
}


def order(**changes: object) -> dict[str, object]:
    return {**ORDER, **changes}


def test_order_line_is_typed():
    record = read_record(ORDER_LINE, order())
    assert record.defects == ()
    assert record.values["quantity"] == 100
    assert record.values["po_line"] == "00010"
    assert record.values["amount_based"] is False
    assert record.values["ordered_value"] is None
    assert ordered_value(record) == 1000


def test_one_bad_field_leaves_the_others():
    record = read_record(ORDER_LINE, order(quantity="12,50", uom=["C62"]))
    assert record.values["quantity"] is None
    assert record.values["unit_price"] == 10
    assert [(defect.field, defect.value) for defect in record.defects] == [
        ("quantity", "12,50"),
        ("uom", "['C62']"),
    ]
    assert ordered_value(record) is None


@pytest.mark.parametrize("item", [None, "text", ["a"], "9" * 300, True])
def test_what_is_no_record_is_kept_as_a_defect(item: object):
    record = read_record(ORDER_LINE, item)
    assert set(record.values.values()) == {None}
    assert record.defects[0].field == "record"
    assert ordered_value(record) is None


def test_hash_is_of_the_content_not_of_its_spelling():
    first = read_record(ORDER_LINE, order(quantity="100.0", updated_at="2026-11-02T08:00:00Z"))
    second = read_record(ORDER_LINE, order(quantity="100", updated_at="2026-11-09T08:00:00Z", unknown="x"))
    assert first.content_hash == second.content_hash
    said = {k: v for k, v in first.values.items() if k != "updated_at" and k not in ORDER_LINE.later}
    assert first.content_hash == content_hash(said)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"quantity": "1"}, {"quantity": "2"}),
        ({"quantity": "x"}, {"quantity": "y"}),
        ({"quantity": "x"}, {"quantity": None}),
        ({"quantity": "a\x00"}, {"quantity": "a\ufffd"}),
        ({"quantity": "a\ud800"}, {"quantity": "a\udfff"}),
        ({"item": None}, {"item": "None"}),
        ({"quantity": ["1"]}, {"quantity": "['1']"}),
        ({"quantity": "x" * 300 + "1"}, {"quantity": "x" * 300 + "2"}),
    ],
)
def test_different_content_has_different_hashes(left: dict[str, object], right: dict[str, object]):
    assert (
        read_record(ORDER_LINE, order(**left)).content_hash
        != read_record(ORDER_LINE, order(**right)).content_hash
    )


def test_defects_found_before_are_part_of_the_record():
    found = (Defect("ekko", "EBELN=1", "no row"),)
    record = read_record(ORDER_LINE, order(), found)
    assert record.defects == found
    assert record.content_hash != read_record(ORDER_LINE, order()).content_hash


@pytest.mark.parametrize(
    ("quantity", "price", "base", "value"),
    [
        ("3", "1.10", "1", "3.30"),
        ("99999999999.9999", "999999999.999999", "1", "99999999999999800000.0000000001"),
        ("1000", "12.345678", "100", "123.45678"),
        ("1", "10", "3", "3.3333333333"),
        ("2", "10", "3", "6.6666666667"),
        ("-2", "10", "1", "-20"),
        ("1", "1", "0", None),
    ],
)
def test_ordered_value(quantity: str, price: str, base: str, value: str | None):
    record = read_record(ORDER_LINE, order(quantity=quantity, unit_price=price, price_base_quantity=base))
    assert ordered_value(record) == (None if value is None else Decimal(value))


def test_ordered_value_of_an_amount_based_line_is_its_amount():
    record = read_record(
        ORDER_LINE, order(amount_based=True, ordered_value="12.34", quantity=None, unit_price=None)
    )
    assert ordered_value(record) == Decimal("12.34")
    assert ordered_value(read_record(ORDER_LINE, order(amount_based=True))) is None


def test_receipt_names_what_it_reverses():
    item = {"quantity": "-5", "reverses": {"receipt_number": "R1", "receipt_line": "2"}}
    record = read_record(RECEIPT_LINE, receipt_item(item))
    assert (record.values["reverses_number"], record.values["reverses_line"]) == ("R1", "2")
    assert received_quantity(record) == -5
    assert record.values["value_known"] is False
    assert record.defects == ()


@pytest.mark.parametrize("reverses", ["R1/2", ["R1"], True])
def test_receipt_with_an_unreadable_reversal_is_refused(reverses: object):
    record = read_record(RECEIPT_LINE, receipt_item({"quantity": "1", "reverses": reverses}))
    assert [defect.field for defect in record.defects] == ["reverses_number"]


def test_receipt_of_known_value():
    record = read_record(RECEIPT_LINE, receipt_item({"received_value": "0.00"}))
    assert record.values["value_known"] is True
    assert record.values["received_value"] == 0


def test_supplier_codes_are_stored_without_blanks():
    record = read_record(SUPPLIER, {"vat_id": "de 123 456 789", "iban": "DE79 0000 0000 1234 5678 90"})
    assert (record.values["vat_id"], record.values["iban"]) == ("DE123456789", "DE79000000001234567890")


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted({*ORDER_LINE.fields, "reverses", "x"})), JSON) | JSON)
def test_any_json_becomes_a_record_that_can_be_stored(item: object):
    for spec in (ORDER_LINE, RECEIPT_LINE, SUPPLIER):
        record = read_record(spec, receipt_item(item))
        assert set(record.values) == set(spec.fields)
        assert len(record.content_hash) == 32
        text = json.dumps([defect.as_json() for defect in record.defects], ensure_ascii=False)
        text.encode()
        assert "\\u0000" not in text
        ordered_value(record) if spec is ORDER_LINE else None


@pytest.mark.parametrize(
    ("spec", "item", "name", "raw", "value"),
    [
        (ORDER_LINE, {"entity": "1000", "po_number": "PO-1", "po_line": "1"}, "cost_centre", "4711", "4711"),
        (EXTRACT_INVOICE, {"entity": "1000", "invoice_number": "R-1"}, "discount_date", "2026-12-01", date(2026, 12, 1)),
        (EXTRACT_INVOICE, {"entity": "1000", "invoice_number": "R-1"}, "discount_percent", "2.5", Decimal("2.5")),
    ],
)  # fmt: skip
def test_a_field_that_came_later_changes_no_hash_of_a_record_without_it(spec, item, name, raw, value):
    """What was accepted before the field was known is known still, and what names it is another record."""
    older = replace(spec, fields={name: kind for name, kind in spec.fields.items() if name not in spec.later})
    assert name in spec.later
    assert read_record(spec, item).content_hash == read_record(older, item).content_hash
    named = read_record(spec, {**item, name: raw})
    assert named.values[name] == value
    assert named.content_hash != read_record(older, item).content_hash
