"""What ``make demo`` prints of a report, also of one that lacks parts or does not tie."""

from __future__ import annotations

from typing import Any

import pytest

from backoffice.runtime.demo_report import lines, ties

REPORT: dict[str, Any] = {
    "run": {"run_id": 3, "business_date": "2026-11-22", "synthetic": True},
    "sources": [
        {
            "source": "erp",
            "dataset": "orders",
            "received": 1250,
            "accepted": 1240,
            "quarantined": 4,
            "known": 6,
        }
    ],
    "invoices": {
        "evaluated": 120,
        "approve": 52,
        "wait": 25,
        "review": 43,
        "straight_through_rate": "0.4333",
    },
    "lines": {"matched": 200, "waiting_receipt": 31, "waiting_source": 0, "held": 9},
    "holds": [
        {"code": "PRICE", "effect": "P", "count": 7},
        {"code": "DUP_EXACT", "effect": "B", "count": 2},
    ],
    "bookings": {"entries": 310, "debit": "81234.50", "credit": "81234.50", "currency": "EUR"},
    "payments": {"proposed": 52, "amount": "60000", "currency": "EUR"},
    "cases": {"opened": 43, "open": 43, "by_role": [{"role": "buyer", "open": 20}]},
    "money_at_stake": [{"currency": "EUR", "amount": "1234.5", "what": "held by price"}],
    "checks": [
        {"check": "conservation", "ok": True, "detail": ""},
        {"check": "balance", "ok": True, "detail": ""},
    ],
}


def test_a_report_that_ties() -> None:
    text = "\n".join(lines(REPORT))
    assert "SYNTHETIC DATA" in text
    assert "1,250     1,240            4       6" in text
    assert "120 evaluated = 52 approved + 25 waiting + 43 to review (straight through: 43.3 %)" in text
    assert "310 entries, debit 81,234.50 = credit 81,234.50 EUR" in text
    assert "PRICE/P 7, DUP_EXACT/B 2" in text
    assert "2 of 2 hold: the totals tie" in text
    assert ties(REPORT)


@pytest.mark.parametrize(
    "checks",
    [
        [],
        None,
        [{"check": "balance", "ok": False, "detail": "1.00 <> 2.00"}],
        [{"check": "balance", "ok": None}],
    ],
)
def test_a_report_that_does_not_tie_is_not_good(checks: list[dict[str, Any]] | None) -> None:
    report = {**REPORT, "checks": checks}
    assert not ties(report)
    text = "\n".join(lines(report))
    assert "the totals tie" not in text
    assert ("NO CHECKS" in text) == (not checks)


def test_what_a_report_lacks_is_left_out_and_what_is_unknown_is_no_zero() -> None:
    assert lines({"checks": [{"check": "x", "ok": True}]})[-2:] == [
        "  checks     1 of 1 hold: the totals tie",
        "  audit log  NOT SEALED",
    ]
    sealed = lines({"audit": {"checkpoint": "12:00ff"}})
    assert sealed[-1] == "  audit log  sealed at checkpoint 12:00ff"
    text = "\n".join(lines({"bookings": {"entries": 1}, "invoices": {}, "payments": {"proposed": None}}))
    assert "debit ? = credit ?" in text
    assert "proposed   ? payments" in text
