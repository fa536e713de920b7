"""Decision tables: amounts have a currency, what cannot be read is decided by the default, examples are run."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from backoffice.domain.decision_table import Money, PolicyError, load_policy

SHIPPED = (
    Path(__file__).parents[3] / "include" / "policies" / "invoice_reconciliation" / "approve_invoice.yaml"
).read_text(encoding="utf-8")
MATCHED = {
    "match_state": "matched",
    "gross_amount": Money(Decimal(10), "EUR"),
    "receipt": "not_missed",
    "sources_delivered": True,
    "business_days_waited": 0,
    "days_until_due": None,
}
HELD = {**MATCHED, "match_state": "held"}


@pytest.mark.parametrize(
    ("given", "outcome", "rule"),
    [
        (MATCHED, "approve", "matched"),
        ({**MATCHED, "sources_delivered": False}, "wait", "source_stale"),
        ({**MATCHED, "sources_delivered": None}, "review", "default"),
        ({**MATCHED, "gross_amount": Money(Decimal(10), "CHF")}, "review", "default"),
        ({**MATCHED, "gross_amount": Decimal(10)}, "review", "default"),
        ({**MATCHED, "gross_amount": Money(Decimal("NaN"), "EUR")}, "review", "default"),
        ({**MATCHED, "receipt": "unheard of"}, "review", "default"),
        ({name: value for name, value in MATCHED.items() if name != "receipt"}, "review", "default"),
        ({**HELD, "receipt": "missed"}, "review", "held_awaiting_receipt"),
        ({**HELD, "receipt": "missed", "business_days_waited": 4}, "review", "receipt_overdue"),
        ({**HELD, "receipt": "not_delivered", "business_days_waited": 4}, "review", "held_awaiting_receipt"),
    ],
)
def test_the_shipped_policy_decides(given: dict[str, object], outcome: str, rule: str) -> None:
    decision = load_policy(SHIPPED).decide(given)
    assert (decision.outcome, decision.rule) == (outcome, rule)
    assert decision.not_yet == (("NO_RECEIPT",) if rule == "held_awaiting_receipt" else ())


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("{type: money, currency: EUR,", "{type: money,", "input gross_amount: currency: money: the currency is missing"),
        ("{type: flag,", "{type: flag, currency: EUR,", "input sources_delivered: currency 'EUR': type: 'currency' says nothing about a flag"),
        ("not_yet: [NO_RECEIPT]", "not_yet: NO_RECEIPT", "rule held_awaiting_receipt: not_yet 'NO_RECEIPT': type: it is 'NO_RECEIPT', not a list"),
        ("machine_limit: 100000.00 EUR", "machine_limit: 100000.00", "machine_limit: '100000.00': money: it is no amount with a currency"),
        ("machine_limit: 100000.00 EUR", "machine_limit: -1 EUR", "machine_limit: '-1 EUR'"),
        ("gross_amount: 10.00 CHF", "gross_amount: 10.00", "example 3: expect 'review': example: it expects 'review', the table decides 'approve' by rule matched"),
        ("gross_amount: 10.00 CHF", "gross_amount: ten CHF", "example 3: gross_amount 'ten CHF': money"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_used_is_refused(old: str, new: str, complaint: str) -> None:
    with pytest.raises(PolicyError) as refusal:
        load_policy(SHIPPED.replace(old, new), "mine.yaml")
    assert complaint in str(refusal.value)
