"""Holds in words."""

from __future__ import annotations

import csv

import pytest

from backoffice.settings import include_dir
from backoffice.web.case_view import view_hold
from backoffice.web.words import sentence

DOCUMENT = {"number": "RE-7", "date": "2026-11-15", "gross": "119", "currency": "EUR"}
SENTENCES = {
    row["code"]: row["sentence"]
    for row in csv.DictReader(
        (include_dir() / "reference" / "hold_codes.csv").open(encoding="utf-8", newline="")
    )
}


def hold(code: str, **changes: object) -> dict[str, object]:
    return {"code": code, "effect": "P", "title": "A title", "facts": {}, **changes}


@pytest.mark.parametrize(
    ("given", "compared"),
    [
        (
            hold(
                "QTY_ORD",
                measured="10",
                limit="0",
                unit="order unit",
                facts={"billed_after": "110", "ordered": "100.0000", "order_uom": "KGM", "limit_pct": "0"},
            ),
            ("110 kg", "100 kg", "10 kg", "Nothing"),
        ),
        (
            hold(
                "AMT_REC",
                measured="10.5",
                limit="0",
                unit="currency",
                facts={"billed_after": "110.5", "received": "100", "currency": "EUR"},
            ),
            ("110.50 EUR", "100.00 EUR", "10.50 EUR", "Nothing"),
        ),
        (
            hold(
                "PRICE",
                measured="100",
                limit="50",
                unit="currency",
                facts={"net_amount": "1100", "reference_amount": "1000", "limit_pct": "2"},
            ),
            (
                "1,100.00 EUR",
                "1,000.00 EUR",
                "100.00 EUR",
                "20.00 EUR",
            ),
        ),
        (
            hold("CURRENCY_DIFF", facts={"invoice_currency": "USD", "order_currency": "EUR"}),
            ("USD", "EUR", None, None),
        ),
        (
            hold(
                "DUP_EXACT",
                facts={"other_number": "RE7", "other_date": "2026-11-01", "other_gross": "119 EUR"},
            ),
            ("RE-7 of 2026-11-15, 119.00 EUR", "RE7 of 2026-11-01, 119.00 EUR", None, None),
        ),
    ],
)
def test_two_values_stand_side_by_side_with_what_parts_them(given, compared):
    view = view_hold(given, SENTENCES, DOCUMENT).comparison
    assert view is not None
    assert (view.left_value, view.right_value, view.difference, view.limit) == compared


def test_of_two_limits_the_one_that_counts_here_is_told_with_both():
    facts = {"net_amount": "1100", "reference_amount": "1000", "limit_pct": "2"}
    told = hold("PRICE", measured="100", limit="50", unit="currency", facts=facts)
    compared = view_hold(told, SENTENCES, DOCUMENT).comparison
    assert compared is not None
    assert compared.limit_rule == "at most 2 %, and never more than 50.00 EUR"
    assert compared.limit == "20.00 EUR"
    dear = view_hold({**told, "facts": {**facts, "reference_amount": "9000"}}, SENTENCES, DOCUMENT).comparison
    assert dear is not None
    assert dear.limit == "50.00 EUR", "never more than the amount"


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_every_code_has_a_sentence_even_when_nothing_was_recorded(code):
    view = view_hold(hold(code), SENTENCES, DOCUMENT)
    assert view.sentence
    assert "{" not in view.sentence
    assert view.comparison is None


def test_a_code_from_a_later_version_is_shown_with_its_facts():
    view = view_hold(hold("BANK_CHANGED", effect="X", facts={"iban": "DE00", "empty": ""}), SENTENCES, {})
    assert view.sentence == "A title"
    assert view.effect_title == "Held"
    assert view.facts == [("Iban", "DE00")]


def test_order_numbers_stay_as_they_are():
    view = view_hold(hold("PO_NOT_FOUND", facts={"po_number": "4500000123"}), SENTENCES, DOCUMENT)
    assert view.sentence == "There is no purchase order 4500000123."


@pytest.mark.parametrize(
    "template",
    [
        "{supplier.__class__}",
        "{0}",
        "{supplier!r}",
        "{supplier:>999999999}",
        "{{supplier}}",
        "{supplier[0]}",
        "{",
    ],
)
def test_a_sentence_looks_up_names_and_nothing_else(template):
    filled = sentence(template, {"supplier": "{measured} ACME", "measured": "7"})
    assert "class" not in filled.replace("__class__", "")
    assert len(filled) < 100
    assert "7" not in filled, "a value is never read as a template"
