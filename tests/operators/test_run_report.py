"""The run report as a page and as a file."""

from __future__ import annotations

import copy
import re

import lxml.html
import pytest

from backoffice.operators.run_report import render_run_report, report_view

HOSTILE = "<script>alert(1)</script>"
REPORT = {
    "run": {"run_id": "1", "process": "invoice_reconciliation", "dag_id": "invoice_reconciliation", "airflow_run_id": "manual__1",
            "business_date": "2026-11-22", "dry_run": False, "started_at": "2026-11-22T03:00:00.000000Z", "package_version": "0.1.0", "synthetic": True},
    "sources": [
        {"source": "mailbox", "dataset": "invoices", "state": "accepted", "profile": "bpi_2019", "parser": "ubl 1", "received": "622", "accepted": "610",
         "quarantined": "8", "known": "4", "received_amount": "812431.3", "accepted_amount": "812001.1", "quarantined_amount": "10.1", "known_amount": "420.1",
         "unknown": "2", "as_of": "2026-11-22T03:00:01.000000Z"},
        {"source": "warehouse", "dataset": "receipts", "state": "reading", "received": None, "accepted": None, "quarantined": None, "known": None,
         "received_amount": None, "accepted_amount": None, "quarantined_amount": None, "known_amount": None, "unknown": None, "as_of": None},
    ],
    "stale": ["receipts", "orders"],
    "invoices": {"evaluated": 610, "approve": 380, "wait": 112, "review": 118, "by_people": 7, "straight_through_rate": "0.6230"},
    "lines": {"matched": 1422, "waiting_receipt": 310, "waiting_source": 0, "held": 131},
    "holds": [{"code": "PRICE", "title": "Price above the order", "effect": "P", "count": 48, "amount": "88320.5000"},
              {"code": "DUP_EXACT", "title": "Same invoice again", "effect": "B", "count": 9, "amount": "119.0000"}],
    "bookings": {"entries": 1340, "debit": "812331.2", "credit": "812331.2", "currency": "EUR", "by_event": [{"event": "invoice", "entries": 540, "debit": "640000.1"}]},
    "left_undone": [{"what": "approved, not booked", "reason": "company code 2000 has no open fiscal period", "count": 3, "amount": "360.5", "currency": "EUR"},
                    {"what": "received, not booked", "reason": "waits for an exchange rate from USD to EUR", "count": 2, "amount": None, "currency": None}],
    "payments": {"proposed": 380, "amount": "501221.9", "currency": "EUR"},
    "cases": {"opened": 118, "open": 131, "by_role": [{"role": "buyer", "open": 52}]},
    "quarantine": [{"dataset": "invoices", "reason": HOSTILE, "count": 5}],
    "quarantine_open": [{"dataset": "receipts", "reason": "received after today", "count": 3, "oldest_days": 41}],
    "money_at_stake": [{"currency": "EUR", "amount": "131960.5000", "what": "booked, blocked for payment"}],
    "policy": {"policy_id": "approve_invoice", "version": "1", "sha256": "ab" * 32},
    "checks": [{"check": "journal balances", "ok": True, "detail": "debit 1, credit 1"}],
}  # fmt: skip


def changed(**parts: object) -> dict[str, object]:
    return {**copy.deepcopy(REPORT), **parts}


def text_of(html: str) -> str:
    return " ".join(" ".join(lxml.html.document_fromstring(html).find(".//main").itertext()).split())


def test_the_file_stands_alone_and_loads_nothing():
    html = render_run_report(REPORT)
    page = lxml.html.document_fromstring(html)
    assert not list(page.iter("script", "link", "img", "iframe", "object"))
    assert not re.search(r"url\(|@import|https?:", html)
    assert page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content") == [
        "default-src 'none'; style-src 'unsafe-inline'"
    ]
    assert HOSTILE not in html


@pytest.mark.parametrize(
    "expected",
    [
        "Invoice reconciliation, 2026-11-22",
        "Synthetic data",
        "Totals tie",
        "62.3 %",
        "380 of 610 invoices; 7 decided by people",
        "Booked, blocked for payment 131,960.50 EUR",
        "profile bpi_2019",
        "812,431.30",
        "1,340 entries; debit 812,331.20 EUR, credit 812,331.20 EUR.",
        "Proposed for payment: 380 invoices, 501,221.90 EUR.",
        "Approved, not booked: 3, 360.50 EUR: company code 2000 has no open fiscal period.",
        "Received, not booked: 2: waits for an exchange rate from USD to EUR.",
        "warehouse, receipts: reading was not finished",
        "orders: nothing arrived",
        "Buyer 52",
        f"invoices {HOSTILE} 5",
        "receipts received after today 3 41",
        "policy approve_invoice version 1",
        "journal balances holds",
    ],
)
def test_what_it_says(expected):
    assert expected in text_of(render_run_report(REPORT))


def test_real_data_carries_no_label_and_a_dry_run_says_so():
    text = text_of(render_run_report(changed(run={**REPORT["run"], "synthetic": False, "dry_run": True})))
    assert "Synthetic data" not in text
    assert "Dry run: nothing was booked" in text
    assert "Would be booked" in text
    assert "118 would be opened" in text


@pytest.mark.parametrize(
    "change",
    [
        {"received": "623"},
        {"known": None},
        {"accepted_amount": "812001.2"},
        {"received_amount": None},
    ],
)
def test_a_source_that_does_not_tie_is_told_in_red(change):
    text = text_of(render_run_report(changed(sources=[{**REPORT["sources"][0], **change}])))
    assert "Totals do not tie" in text
    assert "Totals tie" not in text


def test_a_failed_check_is_told_first():
    text = text_of(
        render_run_report(
            changed(checks=[{"check": "journal balances", "ok": False, "detail": "debit 1, credit 2"}])
        )
    )
    assert "1 of 1 checks failed" in text
    assert "Totals do not tie" in text


def test_suppliers_have_no_amounts_and_tie_all_the_same():
    line = {
        "source": "erp",
        "dataset": "suppliers",
        "state": "accepted",
        "received": "3",
        "accepted": "3",
        "quarantined": "0",
        "known": "0",
    }
    (source,) = report_view(changed(sources=[line]))["sources"]
    assert source.ties


@pytest.mark.parametrize("missing", sorted(REPORT))
def test_a_part_that_was_not_reported_is_missing_and_not_zero(missing):
    report = {name: part for name, part in REPORT.items() if name != missing}
    assert render_run_report(report)


def test_an_empty_report_is_still_a_page():
    text = text_of(render_run_report({}))
    assert "No invoice was evaluated" in text
    assert "The run read no source." in text
    assert "Totals tie" not in text


@pytest.mark.parametrize("counts", [(380, 112, 118), (1, 0, 0), (1, 1, 1), (999_999, 1, 1), (0, 0, 7)])
def test_the_bars_fill_the_chart_and_leave_no_outcome_out(counts):
    invoices = dict(zip(("approve", "wait", "review"), counts, strict=True))
    bars = report_view(changed(invoices=invoices))["outcome_bars"]
    assert [bar.kind for bar in bars] == [name for name, number in invoices.items() if number]
    assert all(bar.width >= 1 for bar in bars)
    assert bars[0].start == 0
    assert bars[-1].start + bars[-1].width in (1000, 1001, 1002)


def test_the_longest_bar_is_the_most_frequent_hold():
    bars = report_view(REPORT)["hold_bars"]
    assert [(bar.label, bar.value) for bar in bars] == [
        ("Price above the order", "48"),
        ("Same invoice again", "9"),
    ]
    assert bars[0].width == 1000
    assert 180 < bars[1].width < 195
