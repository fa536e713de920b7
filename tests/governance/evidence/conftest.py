"""A ledger with something of each kind to give evidence of, sealed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.answering import decide, open_cases
from tests.books import Books
from tests.conftest import Ledger, cloned_ledger
from tests.sealing import seal

from backoffice.governance.evidence.pack import EvidencePack, pack_reference

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202egnp.exe"
ORIGINAL = b"<Invoice><!-- </script><script>alert('original')</script> --></Invoice>"


def fill(ledger: Ledger) -> None:
    """Two invoices of one supplier, one of them answered by a person, one with its original, one refused."""
    with ledger.connect("app") as app, ledger.connect("web", autocommit=True) as web:
        books = Books(app).open_run()
        books.supplier(name=f"Supplier S1 {HOSTILE}", iban="DE02120300000000202051")
        books.supplier("S9", name="Somebody else entirely")
        for line in (1, 2, 3):
            books.order("PO-1", line, 100, 10)
            books.receive("PO-1", line, 100)
        books.order("PO-9", 1, 50, 77, supplier_id="S9")
        books.receive("PO-9", 1, 50, number="GR-OTHER")
        books.invoice("R-001/7", [("PO-1", 1, 13, 10)])
        books.invoice("R-2", [("PO-1", 2, 10, 12, {"description": HOSTILE})], filename=f"{HOSTILE}.xml")
        books.invoice("R-REJECTED", [("PO-1", 3, 10, 12)])
        books.invoice("OTHER-99", [("PO-9", 1, 41, 77)], seller_id="S9", seller_name="Somebody else entirely")
        books.night()
        app.commit()
        for number, action in (("R-2", "accept"), ("R-REJECTED", "reject")):
            [case] = [one for one in open_cases(web) if one["title"].startswith(f"{number} of")]
            decide(web, case, "buyer", action, reason=f"looked at it {HOSTILE}")
        books.open_run("night-2")
        books.night()
        books._one("SELECT review.book_answers(%s, 'invoice_reconciliation')", books.run_id)
        app.commit()


@pytest.fixture(scope="module")
def sealed(postgres: str, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger after two nights, all of it under a checkpoint."""
    with cloned_ledger(postgres, ledger_template) as ledger:
        fill(ledger)
        seal(ledger, tmp_path_factory.mktemp("sealer"))
        yield ledger


@pytest.fixture
def auditor(sealed: Ledger) -> Iterator[psycopg.Connection[Any]]:
    """A connection that sees one state and changes nothing."""
    with reading(sealed) as connection:
        yield connection


def reading(ledger: Ledger) -> psycopg.Connection[Any]:
    """Open a connection as the command does."""
    connection = ledger.connect("auditor")
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def names(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """Return one reference of each kind."""
    row = connection.execute(
        "SELECT (SELECT 'entry:' || entry_id FROM ledger.journal_entry WHERE event = 'invoice' ORDER BY entry_id LIMIT 1), "
        "(SELECT 'entry:' || entry_id FROM ledger.journal_entry WHERE event = 'goods_receipt' ORDER BY entry_id LIMIT 1), "
        "(SELECT 'entry:' || entry_id FROM ledger.journal_entry WHERE event = 'reversal' ORDER BY entry_id LIMIT 1), "
        "(SELECT 'payment:' || proposal_id FROM ledger.payment_proposal ORDER BY proposal_id LIMIT 1), "
        "(SELECT 'case:' || case_id FROM review.answer WHERE action = 'accept' LIMIT 1)"
    ).fetchone()
    assert row is not None
    entry, receipt, reversal, payment, case = row
    return {
        "invoice": "R-001/7", "answered": "R-2", "rejected": "R-REJECTED", "entry": entry, "receipt": receipt, "reversal": reversal,
        "payment": payment, "case": case, "policy": "policy:approve_invoice",
    }  # fmt: skip


@pytest.fixture(scope="module")
def pack(sealed: Ledger) -> EvidencePack:
    """The pack of an invoice that a person answered."""
    with reading(sealed) as connection:
        return pack_reference(connection, "R-2")
