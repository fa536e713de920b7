"""What the gate sets aside, with which words, and what it leaves alone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.integration.quality_gate.rows import harmless, sound, wrong
from tests.integration.quality_gate.staging import DAG, DATASET_OF, findings, load_state, numbered

from backoffice.operators.gate_suites import read_suite

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("suite", list(DATASET_OF))
def test_each_check_finds_its_rows_and_no_other(suite, gate, stager, ledger):
    """Rows planted for each check are found by it alone; sound rows and rows on a limit are found by none.

    That the gate passes at all also means that Great Expectations and the ledger counted alike for every
    check.
    """
    base, cases = sound(suite, stager.today), wrong(suite, stager.today)
    severities = {check.check_id: check.severity for check in read_suite(suite).checks if check.by_row}
    # an extract's own, a stop, and what needs facts or a document in another currency: tests of their own
    elsewhere = {"order_unknown", "lines_lost", "unit_changed", "unit_not_countable"}
    elsewhere |= {"amounts_with_decimals"} - set(cases)
    assert set(cases) == set(severities) - elsewhere

    changes, expected, allowed = [{}, *harmless(suite, stager.today)], set(), set()
    for check_id, case in cases.items():
        for change in case.rows:
            changes.append(change)
            expected.add((len(changes), check_id))
            allowed |= {(len(changes), other) for other in case.also}
    stager.stage(suite, numbered(suite, base, changes))
    gate(DATASET_OF[suite])

    found = [one for one in findings(ledger) if one.dataset == suite]
    keys = {(one.row, one.check) for one in found}
    assert expected - keys == set()
    assert keys - expected - allowed == set()
    assert all(one.severity == severities[one.check] for one in found)


def test_finding_says_field_value_and_reason(gate, stager, ledger):
    """A person sees which field, which value and why.

    A defect in the reader's words, else the checked column.
    """
    base = sound("orders", stager.today)
    defect = {"field": "quantity", "value": "ten", "reason": "not a number"}
    stager.stage("orders", [{**base, "defects": [defect]}, {**base, "po_number": "2", "currency": "EUX"}])
    gate("orders")
    unreadable, currency = findings(ledger)
    assert (unreadable.field, unreadable.value) == ("quantity", "ten")
    assert unreadable.reason == "quantity: not a number"
    assert (currency.field, currency.value) == ("currency", "EUX")
    assert "ISO 4217" in currency.reason


def test_extract_must_carry_the_order_of_each_receipt(gate, stager, ledger):
    """In a complete extract an unknown order sets the receipt aside; a receipt by value needs no quantity."""
    by_value = {**sound("receipts", stager.today), "quantity": None, "value_known": True, "received_value": 5}
    of_unknown_value = {**by_value, "receipt_line": "3", "value_known": False, "received_value": None}
    orders = stager.open_load(stager.open_run(), "orders", "extract", "sap")
    stager.rows("orders", orders, [sound("orders", stager.today)])
    stager.finish_load(orders)
    rows = [by_value, {**by_value, "receipt_line": "2", "po_number": "unknown"}, of_unknown_value]
    stager.stage("receipts", rows, source="extract", profile="sap")
    gate("receipts")
    found = [(one.row, one.check, one.severity) for one in findings(ledger)]
    assert found == [(2, "order_unknown", "quarantine")]


def test_order_line_known_under_another_spelling(gate, stager, ledger):
    """10 on record and 00010 tonight are one line: the second would split what is billed against it."""
    base = sound("orders", stager.today)
    stager.stage("suppliers", [sound("suppliers", stager.today)])
    stager.stage("orders", [base])
    gate("orders")
    stager.accept()
    stager.stage("orders", [{**base, "po_line": "00010"}], "night-2")
    gate("orders", "night-2")
    assert [one.check for one in findings(ledger)] == ["po_line_spelled_twice"]


def test_rows_without_any_value_are_set_aside_not_lost(gate, stager, ledger):
    """A row of NULLs fails the checks of what must be there, and slips through none of the others."""
    stager.stage("orders", [{"entity": None}])
    gate("orders")
    assert {one.check for one in findings(ledger)} == {
        "entity_missing",
        "entity_unknown",
        "po_number_missing",
        "po_line_missing",
        "supplier_id_missing",
        "currency_missing",
        "amount_based_missing",
        "match_type_missing",
        "gr_based_missing",
        "status_missing",
    }


def test_unreadable_document_has_one_finding(gate, stager, ledger):
    """A PDF is one thing to deal with, not one per value that could not be read out of it."""
    pdf = {"entity": "1000", "syntax": "pdf", "line_count": 0, "lines": 0}
    stager.stage("invoices", [{**pdf, "defects": [{"field": "document", "value": None, "reason": "a PDF"}]}])
    gate("invoices")
    [finding] = findings(ledger)
    assert (finding.check, finding.reason, finding.value) == ("unreadable", "document: a PDF", None)


def test_load_without_rows_passes(gate, stager, ledger):
    """A quiet night is no error."""
    load = stager.stage("suppliers", [])
    [summary] = gate("suppliers")["loads"]
    assert summary == {"load_id": load, "source": "test", "rows": 0, "quarantined_rows": 0, "warned_rows": 0}
    assert load_state(ledger, load)[0] == "gated"


def test_known_rows_are_not_judged(gate, stager, ledger):
    """What is on record with the same content is not looked at again; what stands in quarantine is."""
    good, bad = sound("suppliers", stager.today), {**sound("suppliers", stager.today), "supplier_id": "S-2"}
    rows = [good, {**bad, "currency": "EUX"}]
    stager.stage("suppliers", rows)
    gate("suppliers")
    stager.accept()
    stager.stage("suppliers", rows, "night-2")
    [summary] = gate("suppliers", "night-2")["loads"]
    assert (summary["rows"], summary["quarantined_rows"]) == (1, 1)


def test_lines_and_taxes_of_a_currency_without_decimals(gate, stager, ledger):
    """Half a yen is none, wherever in the document it stands."""
    run = stager.open_run()
    load = stager.open_load(run, "invoices")
    document = {**sound("invoices", stager.today), "currency": "JPY", "line_count": 2}
    stager.rows("invoices", load, [document])
    line, tax = sound("invoice_lines", stager.today), sound("invoice_taxes", stager.today)
    stager.rows("invoice_lines", load, [line, {**line, "position": 2, "net_amount": Decimal("0.5")}])
    stager.rows("invoice_taxes", load, [tax, {**tax, "tax_amount": Decimal("19.5")}])
    stager.finish_load(load)
    gate("invoices")
    found = [(one.dataset, one.row, one.check, one.value) for one in findings(ledger)]
    assert found == [
        ("invoice_lines", 2, "amounts_with_decimals", "net_amount 0.5"),
        ("invoice_taxes", 2, "amounts_with_decimals", "tax_amount 19.5"),
    ]


def test_order_line_keeps_the_unit_in_which_it_was_received(gate, stager, ledger):
    """What was received in pieces cannot be measured against dozens; another name of the unit is no other unit."""
    order, receipt = sound("orders", stager.today), {**sound("receipts", stager.today), "uom": "EA"}
    stager.stage("orders", [order])
    gate("orders")
    stager.accept()
    stager.stage("receipts", [receipt], "night-2", source="warehouse")
    gate("receipts", "night-2")
    stager.accept("night-2")
    stager.stage("orders", [{**order, "uom": "DZN"}], "night-3")
    gate("orders", "night-3")
    assert [(one.check, one.value) for one in findings(ledger)] == [("unit_changed", "DZN")]
    stager.stage("orders", [{**order, "uom": "EA"}], "night-4")
    assert gate("orders", "night-4")["loads"][0]["quarantined_rows"] == 0


def test_receipt_in_a_unit_that_cannot_be_counted(gate, stager, ledger):
    """A gram is a thousandth of a kilogram; 50 mg are finer than the ledger keeps, and a litre is no weight."""
    stager.stage("orders", [{**sound("orders", stager.today), "uom": "KGM"}])
    gate("orders")
    stager.accept()
    units = [("KGM", "100"), ("GRM", "0.5"), ("GRM", "0.05"), ("LTR", "1"), (None, "1")]
    receipt = sound("receipts", stager.today)
    rows = [
        {**receipt, "receipt_line": str(n), "uom": uom, "quantity": Decimal(quantity)}
        for n, (uom, quantity) in enumerate(units, 1)
    ]
    stager.stage("receipts", rows, "night-2", source="warehouse")
    gate("receipts", "night-2")
    found = [(one.row, one.check, one.field, one.value) for one in findings(ledger)]
    assert found == [(n, "unit_not_countable", "uom", units[n - 1][0]) for n in (3, 4, 5)]


def test_gate_keeps_counts_with_the_load(gate, stager, ledger):
    """The load carries each check with both counts, the suite's hash and the place of the page."""
    base = sound("suppliers", stager.today)
    load = stager.stage("suppliers", [base, {**base, "supplier_id": "2", "currency": "EUX", "iban": "x"}])
    summary = gate("suppliers")
    state, kept = load_state(ledger, load)
    assert state == "gated"
    assert kept["page"] == summary["page"] == f"/backoffice/gates/{DAG}/night-1/suppliers/"
    assert (kept["quarantined_rows"], kept["warned_rows"]) == (1, 1)
    [suite] = kept["suites"]
    checks = {check["check_id"]: check for check in suite["checks"]}
    assert (suite["rows"], suite["sha256"]) == (2, read_suite("suppliers").sha256)
    assert (checks["currency_unknown"]["unexpected"], checks["currency_unknown"]["selected"]) == (1, 1)
    assert (checks["name_missing"]["met"], checks["name_missing"]["unexpected"]) == (True, 0)
    assert checks["too_many_rows"]["observed"] == 2


def test_each_source_of_a_dataset_is_gated(gate, stager, gates):
    """Two sources of one dataset are two loads, each with its own page."""
    base = sound("suppliers", stager.today)
    first = stager.stage("suppliers", [base], source="erp")
    second = stager.stage("suppliers", [{**base, "supplier_id": "2"}], source="other")
    assert [load["source"] for load in gate("suppliers")["loads"]] == ["erp", "other"]
    pages = {path.name for path in (gates / DAG / "night-1" / "suppliers").iterdir()}
    assert pages == {
        "index.html",
        "gate.css",
        f"load-{first}-suppliers.html",
        f"load-{second}-suppliers.html",
    }


def test_every_page_of_the_sandbox_companys_gate_says_so(gate, stager, gates, ledger):
    stager.stage("suppliers", [sound("suppliers", stager.today)])
    for synthetic in (False, True):
        with ledger.connect("admin") as connection:
            connection.execute(
                "UPDATE ops.run SET parameters = jsonb_build_object('synthetic', %s)", (synthetic,)
            )
        gate("suppliers")
        pages = list((gates / DAG / "night-1" / "suppliers").glob("*.html"))
        assert len(pages) == 2
        assert {"Synthetic data" in page.read_text() for page in pages} == {synthetic}
