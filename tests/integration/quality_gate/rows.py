"""Loads for the quality gate: per suite one sound row, and for each check the rows that it must set aside.

Written from the meaning of each check, never from its SQL. Every row-level check of a shipped suite has an
entry here; a test fails where one has not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
SECRET = "Geheim-4711"
DEFECT = [
    {"field": "BT-131", "value": SECRET, "reason": "not a number"},
    {"field": "x", "value": "y", "reason": "z"},
]


@dataclass(frozen=True)
class Planted:
    """Rows that one check must find: changes to the sound row, and which other checks may find them too."""

    rows: tuple[Row, ...]
    also: frozenset[str] = frozenset()


def planted(*rows: Row, also: tuple[str, ...] = ()) -> Planted:
    return Planted(rows, frozenset(also))


def sound(suite: str, today: date) -> Row:
    """Return a row of which nothing can be said against."""
    return {
        "suppliers": {
            "supplier_id": "S-1",
            "name": "Ziegler GmbH",
            "vat_id": "DE123456789",
            "iban": "DE02120300000000202051",
            "supplier_group": "G-1",
            "country": "DE",
            "currency": "EUR",
            "payment_terms_days": 30,
            "blocked": False,
        },
        "orders": {
            "entity": "1000",
            "po_number": "4500000001",
            "po_line": "10",
            "supplier_id": "S-1",
            "currency": "EUR",
            "quantity": Decimal(100),
            "uom": "C62",
            "unit_price": Decimal("9.5"),
            "price_base_quantity": Decimal(1),
            "amount_based": False,
            "tax_rate": Decimal(19),
            "match_type": 3,
            "gr_based": False,
            "order_date": today,
            "status": "open",
            "approved": True,
            "version": 1,
        },
        "receipts": {
            "entity": "1000",
            "receipt_number": "5000000001",
            "receipt_line": "1",
            "po_number": "4500000001",
            "po_line": "10",
            "quantity": Decimal(90),
            "value_known": False,
            "received_at": datetime.combine(today, datetime.min.time(), UTC) + timedelta(hours=11),
        },
        "invoices": {
            "message_id": "m-1",
            "received_at": datetime.combine(today, datetime.min.time(), UTC),
            "entity": "1000",
            "syntax": "ubl-invoice",
            "kind": "invoice",
            "type_code": "380",
            "invoice_number": "R-2026-17",
            "invoice_date": today,
            "due_date": today,
            "currency": "EUR",
            "line_total": Decimal(100),
            "net_total": Decimal(100),
            "tax_total": Decimal(19),
            "gross_total": Decimal(119),
            "payable_total": Decimal(119),
            "line_count": 1,
        },
        "invoice_lines": {
            "invoice_row_no": 1,
            "position": 1,
            "line_id": "1",
            "quantity": Decimal(10),
            "unit_price": Decimal(10),
            "price_base_quantity": Decimal(1),
            "net_amount": Decimal(100),
            "tax_rate": Decimal(19),
        },
        "invoice_taxes": {
            "invoice_row_no": 1,
            "category": "S",
            "rate": Decimal(19),
            "taxable_amount": Decimal(100),
            "tax_amount": Decimal(19),
        },
    }[suite].copy()


def wrong(suite: str, today: date) -> dict[str, Planted]:
    """Return, per check of a suite, what makes a row fail it. Values lie just beyond each limit."""
    tomorrow = today + timedelta(days=1)
    unreadable = planted({"defects": DEFECT}, {"defects": DEFECT[0]})
    if suite == "suppliers":
        return {
            "unreadable": unreadable,
            "supplier_id_missing": planted({"supplier_id": None}),
            "supplier_id_not_printable": planted(
                {"supplier_id": ""}, {"supplier_id": "  "}, {"supplier_id": "S\t1"}
            ),
            "name_missing": planted({"name": None}),
            "name_blank": planted({"name": " "}, {"name": ""}),
            "currency_unknown": planted({"currency": "EUX"}, {"currency": "XXX"}, {"currency": "eur"}),
            "supplier_ambiguous": planted(
                {"supplier_id": "S-9", "name": "A"}, {"supplier_id": "S-9", "name": "B"}
            ),
            "vat_id_shape": planted(
                {"vat_id": "123456789"}, {"vat_id": "D1"}, {"vat_id": "DE12345678901234"}
            ),
            "iban_shape": planted({"iban": "0212030000"}, {"iban": "DE0212030000"}),
            "payment_terms_out_of_range": planted({"payment_terms_days": -1}, {"payment_terms_days": 367}),
            "blocked_not_stated": planted({"blocked": None}),
            "updated_in_future": planted({"updated_at": datetime(2099, 1, 1, tzinfo=UTC)}),
        }
    if suite == "orders":
        by_value = {"amount_based": True, "quantity": None, "unit_price": None, "uom": None}
        return {
            "unreadable": unreadable,
            "entity_missing": planted({"entity": None}, also=("entity_unknown",)),
            "entity_unknown": planted({"entity": "2000"}),
            "po_number_missing": planted({"po_number": None}),
            "po_number_not_printable": planted({"po_number": ""}, {"po_number": "45\x0700"}),
            "po_line_missing": planted({"po_line": None}),
            "po_line_empty": planted({"po_line": "000"}, {"po_line": " "}),
            "po_line_spelled_twice": planted(
                {"po_number": "4500000077", "po_line": "10"}, {"po_number": "4500000077", "po_line": "00010"}
            ),
            "order_line_ambiguous": planted(
                {"po_number": "4500000078", "quantity": Decimal(5)},
                {"po_number": "4500000078", "quantity": Decimal(6)},
            ),
            "supplier_id_missing": planted({"supplier_id": None}),
            "currency_missing": planted({"currency": None}),
            "currency_unknown": planted({"currency": "DEM"}),
            "amount_based_missing": planted({"amount_based": None}),
            "quantity_missing": planted({"quantity": None}),
            "quantity_not_positive": planted({"quantity": Decimal(0)}, {"quantity": Decimal("-0.0001")}),
            "unit_price_missing": planted({"unit_price": None}),
            "unit_price_negative": planted({"unit_price": Decimal("-0.000001")}),
            "uom_missing": planted({"uom": None}),
            "price_base_quantity_not_positive": planted(
                {"price_base_quantity": Decimal(0)}, by_value | {"price_base_quantity": Decimal(-1)}
            ),
            "tax_rate_out_of_range": planted(
                {"tax_rate": Decimal("-0.0001")}, {"tax_rate": Decimal("100.0001")}
            ),
            "match_type_missing": planted({"match_type": None}),
            "match_type_unknown": planted({"match_type": 1}, {"match_type": 4}),
            "order_date_in_future": planted({"order_date": tomorrow}),
            "gr_based_missing": planted({"gr_based": None}),
            "status_missing": planted({"status": None}),
            "updated_in_future": planted({"updated_at": datetime(2099, 1, 1, tzinfo=UTC)}),
        }
    if suite == "receipts":
        return {
            "unreadable": unreadable,
            "entity_missing": planted({"entity": None}, also=("entity_unknown", "order_not_yet_known")),
            "entity_unknown": planted({"entity": "2000"}, also=("order_not_yet_known",)),
            "receipt_number_missing": planted({"receipt_number": None}),
            "receipt_number_not_printable": planted({"receipt_number": "\n"}),
            "receipt_line_missing": planted({"receipt_line": None}),
            "receipt_line_not_printable": planted({"receipt_line": ""}),
            "po_number_missing": planted({"po_number": None}, also=("order_not_yet_known",)),
            "po_line_missing": planted({"po_line": None}, also=("order_not_yet_known",)),
            "received_at_missing": planted({"received_at": None}),
            # 23:30 UTC is half past midnight of the next day in Berlin
            "received_in_future": planted(
                {
                    "received_at": datetime.combine(today, datetime.min.time(), UTC)
                    + timedelta(hours=23, minutes=30)
                }
            ),
            "quantity_missing": planted({"quantity": None}),
            "quantity_zero": planted({"quantity": Decimal(0)}),
            "value_missing": planted({"value_known": True, "received_value": None}),
            "receipt_changed": planted(
                {"receipt_number": "5000000077", "quantity": Decimal(1)},
                {"receipt_number": "5000000077", "quantity": Decimal(2)},
            ),
            "order_not_yet_known": planted({"po_number": "4599999999"}, {"po_line": "20"}),
            "reverses_unknown": planted(
                {"reverses_number": "5999999999", "reverses_line": "1", "quantity": Decimal(-1)}
            ),
        }
    if suite == "invoices":
        return {
            "unreadable": unreadable,
            "entity_missing": planted({"entity": None}, also=("entity_unknown",)),
            "entity_unknown": planted({"entity": "2000"}),
            "syntax_missing": planted({"syntax": None}),
            "received_at_missing": planted({"received_at": None}),
            "kind_missing": planted({"kind": None}),
            "kind_unknown": planted({"kind": "reminder"}),
            "type_code_unknown": planted({"type_code": "999"}, {"type_code": "0380"}),
            "invoice_number_missing": planted({"invoice_number": None}),
            "invoice_number_not_usable": planted(
                {"invoice_number": "000-0"},
                {"invoice_number": "--"},
                {"invoice_number": "R\x011"},
            ),
            "invoice_date_missing": planted({"invoice_date": None}),
            "invoice_date_in_future": planted({"invoice_date": tomorrow, "due_date": tomorrow}),
            "due_before_invoiced": planted({"due_date": today - timedelta(days=1)}),
            "discount_before_invoiced": planted({"discount_date": today - timedelta(days=1)}),
            "discount_after_due": planted({"discount_date": tomorrow}),
            "discount_out_of_range": planted(
                {"discount_percent": Decimal(0)},
                {"discount_percent": Decimal(100)},
                {"discount_percent": Decimal("-0.0001")},
            ),
            "currency_missing": planted({"currency": None}),
            "currency_unknown": planted({"currency": "XTS"}),
            "line_total_missing": planted({"line_total": None}),
            "net_total_missing": planted({"net_total": None}),
            "gross_total_missing": planted({"gross_total": None}),
            "payable_total_missing": planted({"payable_total": None}),
            "no_lines": planted({"line_count": 0, "lines": 0}),
            "amounts_beyond_cents": planted(
                {"gross_total": Decimal("119.004")},
                {"currency": "KWD", "tax_total": Decimal("19.001")},
                {"prepaid_total": Decimal("0.001")},
                {"rounding_amount": Decimal("-0.0001")},
            ),
            "amounts_with_decimals": planted({"currency": "JPY", "net_total": Decimal("100.5")}),
        }
    if suite == "invoice_lines":
        return {
            "unreadable": unreadable,
            "position_missing": planted({"position": None}),
            "position_twice": planted({"position": 77}, {"position": 77}),
            "quantity_missing": planted({"quantity": None}),
            "net_amount_missing": planted({"net_amount": None}),
            "price_base_quantity_not_positive": planted({"price_base_quantity": Decimal(0)}),
            "tax_rate_out_of_range": planted(
                {"tax_rate": Decimal("100.0001")}, {"tax_rate": Decimal("-0.0001")}
            ),
            "amounts_beyond_cents": planted(
                {"net_amount": Decimal("100.004")},
                {"allowance_total": Decimal("0.001")},
                {"charge_total": Decimal("0.0001")},
            ),
        }
    return {
        "unreadable": unreadable,
        "rate_out_of_range": planted({"rate": Decimal("100.0001")}, {"rate": Decimal("-0.0001")}),
        "taxable_amount_missing": planted({"taxable_amount": None}),
        "tax_amount_missing": planted({"tax_amount": None}),
        "amounts_beyond_cents": planted(
            {"tax_amount": Decimal("19.001")}, {"taxable_amount": Decimal("100.0001")}
        ),
    }


# Boundary and empty values that no check may mind.
def harmless(suite: str, today: date) -> list[Row]:
    """Return changes to the sound row that must stay without a finding.

    Each limit itself, and what may be absent.
    """
    by_value: Row = {
        "amount_based": True,
        "quantity": None,
        "unit_price": None,
        "uom": None,
        "tax_rate": None,
    }
    return {
        "suppliers": [
            {"vat_id": None, "iban": None, "currency": None, "payment_terms_days": None},
            {"payment_terms_days": 0},
            {"payment_terms_days": 366},
            {"name": "株式会社 山田"},
            {"supplier_id": "S-8", "updated_at": datetime(2026, 1, 1, tzinfo=UTC)},
            {"supplier_id": "S-8", "updated_at": datetime(2026, 1, 2, tzinfo=UTC), "name": "New name"},
        ],
        "orders": [
            by_value,
            {**by_value, "quantity": Decimal(0), "unit_price": Decimal(-1)},
            {"unit_price": Decimal(0)},
            {"tax_rate": Decimal(0)},
            {"tax_rate": Decimal(100)},
            {"order_date": None},
            {"match_type": 2},
            {"quantity": Decimal("0.0001")},
            {"price_base_quantity": None},
            {"po_number": "4500000079", "version": 1},
            {"po_number": "4500000079", "version": 2, "quantity": Decimal(7)},
        ],
        "receipts": [
            {"quantity": Decimal(-5)},
            {"value_known": True, "received_value": Decimal(0)},
            # 21:30 UTC is still the same day in Berlin
            {
                "received_at": datetime.combine(today, datetime.min.time(), UTC)
                + timedelta(hours=21, minutes=30)
            },
            {"po_line": "0010"},
            {"reverses_number": "5000000001", "reverses_line": "1", "quantity": Decimal(-1)},
        ],
        "invoices": [{"type_code": code} for code in ("381", "384", "389", "877", "130", None)]
        + [
            {"due_date": None},
            {"seller_id": "nobody knows", "seller_vat_id": "XX"},
            {"tax_total": None},
            {"kind": "credit_note"},
            {"invoice_date": today - timedelta(days=4000)},
            {"gross_total": Decimal(-1)},
            {"gross_total": Decimal("119.2500")},
            {"currency": "KWD", "gross_total": Decimal("119.25")},
            {"currency": "JPY", "gross_total": Decimal("119.00")},
        ],
        "invoice_lines": [
            {"tax_rate": None},
            {"price_base_quantity": None},
            {"quantity": Decimal(-1)},
            {"tax_rate": Decimal(100)},
            {"quantity": Decimal("0.0001"), "unit_price": Decimal("0.000001")},
        ],
        "invoice_taxes": [{"rate": None}, {"rate": Decimal(0)}, {"rate": Decimal(100)}],
    }[suite]
