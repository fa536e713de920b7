"""The controls over a night that went as it should: nothing to follow up, and populations that tie to other counts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.governance.controls.conftest import Books

pytestmark = pytest.mark.integration


def test_a_night_of_the_product_has_no_exceptions(night: Books) -> None:
    results = night.examine()
    assert len(results) == 18
    assert {name: result.exceptions for name, result in results.items() if result.exceptions} == {}
    assert {result.outcome for result in results.values()} == {"effective"}
    assert all(result.tested == result.items > 0 for result in results.values())


def test_populations_tie_to_the_journal_and_to_other_counts(night: Books) -> None:
    results = night.examine()
    counts = {
        ("ledger_ties", "entries"): "SELECT count(DISTINCT e.entry_id), sum(l.debit) FROM ledger.journal_entry e JOIN ledger.journal_line l USING (entry_id)",
        ("machine_limit", "entries"): "SELECT count(DISTINCT e.entry_id), sum(l.credit) FROM ledger.journal_entry e JOIN ledger.journal_line l USING (entry_id)",
        ("duplicates", "booked documents"): "SELECT count(*), sum(gross_total) FROM purchasing.invoice WHERE invoice_id IN (SELECT invoice_id FROM ledger.journal_entry WHERE event IN ('invoice', 'credit_note'))",
        ("three_way_match", "invoice lines"): "SELECT count(*), sum(l.net_amount) FROM purchasing.invoice_line l WHERE l.invoice_id IN (SELECT invoice_id FROM ledger.journal_entry WHERE event = 'invoice')",
        ("payment_release", "payment proposals"): "SELECT count(*), sum(amount) FROM ledger.payment_proposal",
        ("audit_completeness", "decisions of the machine"): "SELECT count(*), NULL FROM audit.record WHERE kind = 'decision'",
        ("audit_completeness", "answers"): "SELECT count(*), NULL FROM audit.record WHERE kind = 'human'",
        ("audit_completeness", "runs"): "SELECT count(*), NULL FROM ops.run",
        ("intake_completeness", "rows of invoices"): "SELECT count(*), NULL FROM intake.stage_invoice",
        ("intake_completeness", "rows of receipts"): "SELECT count(*), NULL FROM intake.stage_receipt_line",
        ("log_sealed", "audit records"): "SELECT count(*), NULL FROM audit.record",
        ("log_sealed", "checkpoints"): "SELECT count(*), NULL FROM audit.seal",
        ("human_authority", "decisions of people"): "SELECT count(*), NULL FROM review.answer",
    }  # fmt: skip
    for (control, unit), statement in counts.items():
        shares = [share for share in results[control].population if share.unit == unit]
        [(items, amount)] = night.ask(statement)
        assert items > 0
        assert sum(share.items for share in shares) == items, (control, unit)
        if amount is not None:
            assert sum((share.amount or Decimal(0) for share in shares), Decimal(0)) == amount, (
                control,
                unit,
            )


def test_line_states_counts_each_currency_apart(night: Books) -> None:
    found = {
        (share.currency, share.items, share.amount) for share in night.examine()["line_states"].population
    }
    assert found == set(
        night.ask(
            "SELECT i.currency, count(*), sum(l.net_amount) FROM purchasing.invoice_line l JOIN purchasing.invoice i USING (invoice_id) GROUP BY i.currency"
        )
    )
    assert len(found) > 1


def test_a_period_without_anything_is_not_called_effective(night: Books) -> None:
    """Days long before the first night: what has a period has no population; what is as of now is examined."""
    from datetime import date

    empty = Books(night.ledger, date(2019, 1, 1), date(2019, 1, 31)).examine()
    assert all(result.good for result in empty.values())
    assert {name for name, result in empty.items() if result.outcome == "no population"} == {
        "three_way_match", "duplicates", "human_authority", "machine_limit", "payment_release", "intake_completeness", "line_states", "audit_completeness",
        "policy_changes", "supplier_bank_details", "log_sealed", "human_oversight",
    }  # fmt: skip


def test_a_test_that_ends_in_an_error_is_an_exception_and_spares_the_others(night: Books) -> None:
    """A table that the statement reads is gone: that control is not performed, whatever it may have found before."""
    before = night.examine()
    night.as_owner("ALTER TABLE ledger.payment_proposal RENAME COLUMN pay_on TO paid_on")
    assert night.examine()["payment_release"].outcome == "effective"
    night.as_owner("ALTER TABLE ledger.payment_proposal RENAME COLUMN state TO standing")
    results = night.examine()
    assert results["payment_release"].outcome == "not performed"
    [failure] = results["payment_release"].exceptions
    assert failure.check == "not_performed"
    assert "state" in failure.what
    assert results["duplicates"].outcome == before["duplicates"].outcome == "effective"
