"""The first hypothesis of a case names the cause that was planted, in at least four of five cases of the sandbox company.

The truth is told here by the planted story, read from the generator's own labels; the product never sees them.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest
from tests.night import run_night

pytestmark = pytest.mark.integration

# what the story says is the cause; of two planted causes either counts. The first pattern that matches holds.
TRUTH: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (pattern, frozenset(names.split()))
    for pattern, names in (
        ("price_decimal_point_moved|uom_unmapped", "unit_factor"),
        # ten times the quantity at the full price: so many times too much is billed
        ("unit_mistaken", "multiple_billed"),
        ("price_and_ordered", "dearer_price over_billed"),
        ("price_and_received", "dearer_price partial_delivery"),
        ("price_and_no_receipt", "dearer_price not_received"),
        ("price_and_line_arithmetic", "wrong_line_amount"),
        ("price_here_quantity_there", "dearer_price over_billed"),
        ("price_and_total", "dearer_price wrong_total"),
        ("tax_and_total", "wrong_tax wrong_total"),
        ("price_.*", "dearer_price"),
        ("ordered_over_delivery_.*|ordered_.*|credit_frees_quantity_.*", "over_billed"),
        ("received_.*", "partial_delivery"),
        ("cancelled_after_billing|both_cancelled|second_cancelled", "receipt_cancelled"),
        ("overdue.*|first_day_too_late|due_.*", "not_received"),
        ("po_missing|po_not_found|line_absent|line_wrong", "other_order"),
        ("supplier_mismatch|supplier_unknown", "other_supplier"),
        ("currency_diff", "other_currency"),
        ("po_not_approved", "order_not_approved"),
        ("po_closed", "order_closed"),
        ("line_up_.*|line_down_.*|line_far_off", "wrong_line_amount"),
        ("total_.*", "wrong_total"),
        ("tax_at_wrong_rate", "other_tax_rate"),
        ("tax_.*", "wrong_tax"),
        ("credited_twice", "credited_before"),
        ("credit_never_billed", "never_billed"),
        ("credit_.*", "credit_too_large"),
        ("dup_.*|likely_.*", "repeated_document"),
    )
)
FIRST = """
SELECT encode(i.content_hash, 'hex'), c.case_id, c.handover #>> '{hypotheses,0,hypothesis}', c.handover -> 'hypotheses'
FROM review.case c JOIN purchasing.invoice i ON i.invoice_id = c.subject_id WHERE c.subject_kind = 'invoice' AND c.state = 'open' AND c.role <> 'ap_manager'
"""


def truth(scenario: str) -> frozenset[str] | None:
    return next((names for pattern, names in TRUTH if re.fullmatch(pattern, scenario)), None)


@pytest.mark.parametrize(("seed", "size"), [(1, 300), (11, 300), (5, 600)])
def test_the_first_hypothesis_is_the_planted_cause(ledger, company, seed, size):
    invented, _, _ = company(seed, size, "realistic")
    results = run_night(f"night-{seed}")
    assert not [result for result in results.values() if isinstance(result, BaseException)]
    scenarios = {
        label.sha256: label.scenario for label in invented.labels if label.expected_outcome == "review"
    }
    with ledger.connect("auditor") as connection:
        cases = connection.execute(FIRST).fetchall()
    wrong: Counter[tuple[str, str | None]] = Counter()
    for sha, _, first, hypotheses in cases:
        scenario = scenarios[sha]
        assert truth(scenario) is not None, f"no truth is written down for {scenario}"
        if first not in (truth(scenario) or ()):
            wrong[scenario, first] += 1
        for told in hypotheses:
            assert told["evidence"], told
            assert all(item["id"] and item["reference"] for item in told["evidence"]), told
    right = len(cases) - wrong.total()
    print(
        f"seed {seed}, {size} documents: first hypothesis right in {right} of {len(cases)} cases; wrong: {dict(wrong)}"
    )
    assert len(cases) >= 20
    assert right >= 0.8 * len(cases), wrong
