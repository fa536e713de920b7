"""Real e-invoices through the real Dag, from a drop folder into an empty ledger.

None of their orders and suppliers is known here, so that every line lacks its order; beside that, each document must be
held for exactly what its own text says, read a second time in ``einvoice_reading``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Ledger, cloned_ledger
from tests.integration.conftest import product_environment, set_business_day
from tests.integration.einvoice_reading import Document, duplicate_code, read_folder
from tests.night import run_night

from backoffice.exceptions import ConfigurationError
from backoffice.processes.invoice_reconciliation import FolderSource, Reconciliation

pytestmark = pytest.mark.integration

TODAY = date(2026, 11, 20)
# file name -> rule broken. A real e-invoice is quarantined only if it stands here; at present each one can be read.
QUARANTINED: dict[str, str] = {}
ANSWERED_BY = {
    "PO_MISSING": "ap_clerk",
    "PO_NOT_FOUND": "buyer",
    "DUP_EXACT": "ap_clerk",
    "DUP_LIKELY": "ap_clerk",
    "TOTAL_ARITH": "ap_clerk",
    "TAX_TOTAL": "ap_clerk",
    "LINE_ARITH": "ap_clerk",
    "NOT_EVALUABLE": "ap_clerk",
    "APPROVAL": "ap_manager",
}
HOLDS = """
SELECT encode(i.content_hash, 'hex'), l.position, h.code FROM ledger.hold h JOIN purchasing.invoice i USING (invoice_id)
LEFT JOIN purchasing.invoice_line l ON l.invoice_line_id = h.invoice_line_id WHERE h.released_at IS NULL
"""
BOOKED = """
SELECT (SELECT count(*) FROM ledger.journal_entry), (SELECT count(*) FROM ledger.open_item),
       (SELECT count(*) FROM ledger.payment_proposal), (SELECT count(*) FROM ledger.invoice_status WHERE booking_no IS NOT NULL)
"""


@pytest.fixture(scope="module")
def documents(shared_data: Path) -> list[Document]:
    found = read_folder(shared_data / "reconciliation" / "xrechnung")
    assert len(found) == 38
    return found


def run_over(name: str, folder: Path) -> dict[str, Any]:
    """Run a night over a drop folder; no task may fail."""
    source = FolderSource("drop_folder", str(folder), entity="1000", pattern="*.[px][dm][fl]")
    results = run_night(name, config=Reconciliation(sources=(source,)))
    assert {task: str(result) for task, result in results.items() if isinstance(result, BaseException)} == {}
    return results


@pytest.fixture
def night(product: None, business_day: Callable[[date], None]) -> Callable[[str, Path], dict[str, Any]]:
    """Run nights on a ledger of the test's own."""
    business_day(TODAY)
    return run_over


@pytest.fixture(scope="module")
def reconciled(
    postgres: str, ledger_template: str, documents: list[Document], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ledger, dict[str, Any]]]:
    """A ledger after one night over the real documents, and what the tasks returned. Tests only read it."""
    with (
        cloned_ledger(postgres, ledger_template) as ledger,
        product_environment(ledger, tmp_path_factory.mktemp("product")),
    ):
        set_business_day(ledger, TODAY)
        yield ledger, run_over("night-1", documents[0].path.parent)


def expected_codes(documents: list[Document]) -> dict[tuple[str, int | None], set[str]]:
    """Return the codes by document and line position (None: the document), from the documents' own text."""
    expected: dict[tuple[str, int | None], set[str]] = {}
    for document in documents:
        expected[document.sha256, None] = document.document_codes() | duplicate_code(document, documents)
        for position, (_, codes) in enumerate(document.line_codes(), 1):
            expected[document.sha256, position] = codes
    return {key: codes for key, codes in expected.items() if codes}


def read(ledger: Ledger, statement: str) -> list[tuple[Any, ...]]:
    with ledger.connect("auditor") as connection:
        return connection.execute(statement).fetchall()


def test_real_einvoices_are_accepted_and_held_for_what_they_say(reconciled, documents):
    ledger, results = reconciled
    assert results["ingest_invoices"]["not_used"] == ["LICENSE"]

    quarantined = dict(
        read(ledger, "SELECT row_content ->> 'filename', findings -> 0 ->> 'reason' FROM intake.quarantine")
    )
    assert quarantined == QUARANTINED
    accepted = [document for document in documents if document.path.name not in QUARANTINED]
    assert dict(read(ledger, "SELECT encode(content_hash, 'hex'), gross_total FROM purchasing.invoice")) == {
        document.sha256: document.gross for document in accepted
    }
    assert read(ledger, "SELECT count(*) FROM purchasing.invoice WHERE supplier_id IS NOT NULL") == [
        (0,)
    ]  # nor is an unknown supplier
    types = {document.type_code for document in accepted}
    assert types == {"380", "384", "389", "877"}  # no such type is a reason for quarantine

    found: dict[tuple[str, int | None], set[str]] = {}
    for sha256, position, code in read(ledger, HOLDS):
        found.setdefault((sha256, position), set()).add(code)
    expected = expected_codes(accepted)
    names = {document.sha256: document.path.name for document in documents}
    wrong = [
        (names[key[0]], key[1], expected.get(key), found.get(key))
        for key in expected | found
        if expected.get(key) != found.get(key)
    ]
    assert wrong == []
    # every line of every document lacks its order, whatever else is true
    per_line = {
        key: codes & {"PO_MISSING", "PO_NOT_FOUND"} for key, codes in found.items() if key[1] is not None
    }
    assert len(per_line) == sum(len(document.lines) for document in accepted)
    assert all(len(codes) == 1 for codes in per_line.values())
    # the test would be idle if the documents were alike: each of these is met somewhere
    assert set().union(*expected.values()) >= {
        "DUP_EXACT",
        "DUP_LIKELY",
        "TOTAL_ARITH",
        "NOT_EVALUABLE",
        "APPROVAL",
    }


def test_nothing_is_booked_and_people_are_asked(reconciled, documents):
    ledger, results = reconciled
    assert read(ledger, BOOKED) == [(0, 0, 0, 0)]
    outcomes = read(ledger, "SELECT outcome, count(*) FROM ledger.decision GROUP BY outcome")
    assert outcomes == [("review", 38 - len(QUARANTINED))]

    wanted = {
        (sha256, ANSWERED_BY[code])
        for (sha256, _), codes in expected_codes(documents).items()
        for code in codes
    }
    cases = read(ledger, "SELECT subject_key, role FROM review.case WHERE state = 'open'")
    assert sorted(cases) == sorted(wanted)

    report = json.loads(Path(results["report"]["file"]).with_suffix(".json").read_text(encoding="utf-8"))
    gross = sum((document.gross for document in documents), Decimal(0))
    [source] = report["sources"]
    assert (
        source["source"],
        source["received"],
        source["accepted"],
        source["quarantined"],
        source["known"],
    ) == (
        "drop_folder",
        "38",
        str(38 - len(QUARANTINED)),
        str(len(QUARANTINED)),
        "0",
    )
    assert (Decimal(source["received_amount"]), source["unknown"]) == (gross, "0")
    assert report["lines"] == {
        "held": sum(len(document.lines) for document in documents),
        "matched": 0,
        "waiting_receipt": 0,
        "waiting_source": 0,
    }
    assert [check["check"] for check in report["checks"] if not check["ok"]] == []
    assert [(row["currency"], Decimal(row["amount"]), row["what"]) for row in report["money_at_stake"]] == [
        ("EUR", sum((abs(document.gross) for document in documents), Decimal(0)), "parked, not booked")
    ]
    page = Path(results["report"]["file"]).read_text(encoding="utf-8")
    assert "drop_folder" in page
    assert report["run"]["synthetic"] is False


def test_the_same_folder_again_changes_nothing(ledger, night, documents):
    folder = documents[0].path.parent
    night("night-1", folder)
    everything = (
        "SELECT (SELECT count(*) FROM purchasing.invoice), (SELECT count(*) FROM ledger.hold), "
        "(SELECT count(*) FROM ledger.decision), (SELECT count(*) FROM review.case), (SELECT count(*) FROM intake.document)"
    )
    before = read(ledger, everything)
    results = night("night-2", folder)
    assert results["accept_documents"]["invoices"] == {
        "received": 38,
        "accepted": 0,
        "quarantined": 0,
        "known": 38,
    }
    assert read(ledger, everything) == before


def test_what_cannot_be_read_is_quarantined_beside_the_rest(ledger, night, documents, tmp_path):
    """Three damaged files among the real ones: each is named with its rule, kept, and shown to accounts payable."""
    folder = tmp_path / "drop"
    folder.mkdir()
    for document in documents:
        (folder / document.path.name).write_bytes(document.path.read_bytes())
    original = documents[0].path.read_text(encoding="utf-8")
    damaged = {
        "no-number.xml": original.replace("<cbc:ID>123456XX</cbc:ID>", "", 1).encode(),
        "cut-off.xml": original[: len(original) // 2].encode(),
        "scan.pdf": b"%PDF-1.4 a scan",
    }
    for name, content in damaged.items():
        (folder / name).write_bytes(content)
    night("night-1", folder)

    rows = read(
        ledger,
        "SELECT row_content ->> 'filename', findings, business_key FROM intake.quarantine WHERE state = 'open'",
    )
    fields = {name: {finding["field"] for finding in findings} for name, findings, _ in rows}
    assert fields == {
        "no-number.xml": {"BT-1 invoice number"},
        "cut-off.xml": {"document"},
        "scan.pdf": {"document"},
    }
    kept = read(
        ledger,
        "SELECT q.row_content ->> 'filename', d.content FROM intake.quarantine q JOIN intake.document d USING (document_id)",
    )
    assert dict(kept) == damaged
    cases = read(ledger, "SELECT role, state, handover FROM review.case WHERE subject_kind = 'quarantine'")
    assert [(role, state) for role, state, _ in cases] == [("ap_clerk", "open")] * 3
    assert all(
        {action["action"] for action in handover["actions"]} == {"ask_again", "read_again", "discard"}
        for *_, handover in cases
    )
    assert read(ledger, "SELECT accepted_count, quarantined_count FROM intake.load") == [(38, 3)]

    # people want them to be read again: that is done from the kept bytes, though the files are gone
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE intake.quarantine SET state = 'reread'")
    for name in damaged:
        (folder / name).unlink()
    again = night("night-2", folder)
    assert again["ingest_invoices"]["read_again"] == 3
    assert again["accept_documents"]["invoices"] == {
        "received": 41,
        "accepted": 0,
        "quarantined": 3,
        "known": 38,
    }
    assert read(ledger, "SELECT state, count(*) FROM intake.quarantine GROUP BY state ORDER BY state") == [
        ("open", 3),
        ("reread", 3),
    ]


def test_a_folder_cannot_be_asked_for_a_part(ledger, night, documents):
    """A run for one supplier would take in what nobody asked for: the folder refuses, nothing is accepted."""
    source = FolderSource("drop_folder", str(documents[0].path.parent), entity="1000")
    for params in ({"supplier": "S-100"}, {"entity": "1000"}):
        results = run_night("manual-1", params, Reconciliation(sources=(source,)))
        assert isinstance(results["ingest_invoices"], ConfigurationError)
        assert "whole" in str(results["ingest_invoices"])
        assert read(ledger, "SELECT count(*) FROM purchasing.invoice") == [(0,)]
