"""What a name means: every form, never a guess."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.answering import decide, open_cases
from tests.books import Books

from backoffice.governance.references import (
    FORMS,
    AmbiguousReferenceError,
    UnknownReferenceError,
    resolve,
    resolve_run,
)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def books(module_ledger: Any) -> Iterator[Books]:
    """An invoice that is paid, one that a person accepted, two of one number, one in quarantine."""
    ledger = module_ledger
    with ledger.connect("app") as app, ledger.connect("web", autocommit=True) as web:
        books = Books(app).open_run()
        books.supplier()
        for line in (1, 2, 3):
            books.order("PO-1", line, 100, 10)
            books.receive("PO-1", line, 100)
        books.invoice("R-001/7", [("PO-1", 1, 10, 10)])
        books.invoice("R-2", [("PO-1", 2, 10, 12)])
        books.invoice("R-3", [("PO-1", 3, 10, 10)])
        books.night()
        app.commit()
        [case] = [case for case in open_cases(web) if "PRICE" in case["codes"]]
        decide(web, case, "buyer", "accept")
        books.open_run("night-2")
        books.invoice("R-3", [("PO-1", 3, 20, 10)], payee_iban="DE2")
        books.night()
        books._one("SELECT review.book_answers(%s, 'invoice_reconciliation')", books.run_id)
        app.commit()
        yield books


@pytest.fixture
def auditor(books: Books, module_ledger: Any) -> Iterator[psycopg.Connection[Any]]:
    with module_ledger.connect("auditor") as connection:
        yield connection


def one(connection: psycopg.Connection[Any], statement: str, *values: object) -> Any:
    row = connection.execute(statement, values).fetchone()
    assert row is not None
    return row[0]


def test_an_invoice_by_each_of_its_names(auditor) -> None:
    invoice_id, sha = auditor.execute(
        "SELECT invoice_id, encode(content_hash, 'hex') FROM purchasing.invoice WHERE invoice_number = 'R-001/7'"
    ).fetchone()
    names = (
        "R-001/7", " R-001/7 ", "r 001 7", "S1/R-001/7", f"invoice:{invoice_id}", sha, sha.upper(), f"invoice:{sha}",
    )  # fmt: skip
    found = [resolve(auditor, name) for name in names]
    assert {(one.kind, one.id) for one in found} == {("invoice", invoice_id)}
    assert all(one == found[0] for one in found)
    paid = found[0]
    assert paid.subjects == (f"invoice:{sha}",)
    assert (len(paid.entry_ids), len(paid.payment_ids), len(paid.decision_ids)) == (1, 1, 1)


def test_an_entry_and_a_payment_lead_to_the_decision_they_rest_on(auditor) -> None:
    entry_id, key, decision_id, invoice_id = auditor.execute(
        "SELECT entry_id, business_key, decision_id, invoice_id FROM ledger.journal_entry e JOIN purchasing.invoice i USING (invoice_id) "
        "WHERE i.invoice_number = 'R-001/7'"
    ).fetchone()
    payment = one(
        auditor, "SELECT proposal_id FROM ledger.payment_proposal WHERE invoice_id = %s", invoice_id
    )
    for name in (f"entry:{entry_id}", key, f"payment:{payment}"):
        found = resolve(auditor, name)
        assert found.invoice_ids == (invoice_id,)
        assert found.decision_ids == (decision_id,)
        assert found.entry_ids == (entry_id,)


def test_a_receipts_entry_has_no_decision(auditor) -> None:
    entry_id, key = auditor.execute(
        "SELECT entry_id, business_key FROM ledger.journal_entry WHERE receipt_line_id IS NOT NULL ORDER BY entry_id LIMIT 1"
    ).fetchone()
    found = resolve(auditor, key)
    assert (found.exact, found.decision_ids, found.invoice_ids) == (f"entry:{entry_id}", (), ())
    assert found.subjects[0].startswith("receipt:1000/GR-")


def test_a_case_leads_to_the_machines_decision_and_the_answer(auditor) -> None:
    case_id, invoice_id = auditor.execute(
        "SELECT c.case_id, c.subject_id FROM review.case c JOIN review.answer a USING (case_id)"
    ).fetchone()
    found = resolve(auditor, f"case:{case_id}")
    makers = auditor.execute(
        "SELECT array_agg(maker ORDER BY decision_id) FROM ledger.decision WHERE decision_id = ANY (%s)",
        (list(found.decision_ids),),
    ).fetchone()[0]
    assert found.invoice_ids == (invoice_id,)
    assert makers[:1] == ["machine"]
    assert "human" in makers


def test_a_policy_change_with_or_without_its_version(auditor) -> None:
    version = one(auditor, "SELECT version FROM ledger.policy_version WHERE policy_id = 'approve_invoice'")
    for name in (f"policy:approve_invoice@{version}", "policy:approve_invoice"):
        found = resolve(auditor, name)
        assert found.policy == ("approve_invoice", version)
        assert found.subjects == ("policy:approve_invoice",)


def test_two_documents_of_one_number_are_listed_not_guessed(auditor) -> None:
    ids = [
        f"invoice:{row[0]}"
        for row in auditor.execute("SELECT invoice_id FROM purchasing.invoice WHERE invoice_number = 'R-3'")
    ]
    with pytest.raises(AmbiguousReferenceError) as refused:
        resolve(auditor, "S1/R-3")
    assert sorted(one.exact for one in refused.value.meanings) == sorted(ids)
    assert all(one in str(refused.value) for one in ids)


def test_digits_may_be_an_id_and_a_number(auditor, books) -> None:
    """A document whose number is another's id: both are named."""
    books.open_run("night-digits")
    books.invoice("1", [("PO-1", 1, 1, 10)])
    books.night()
    books.connection.commit()
    with pytest.raises(AmbiguousReferenceError) as refused:
        resolve(auditor, "1")
    assert len(refused.value.meanings) == 2
    assert "invoice:1" in {one.exact for one in refused.value.meanings}


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "no such thing", "R-999", "entry:999999", "payment:0", "case:999999", "policy:unknown@1", "policy:approve_invoice@999",
        "policy:approve_invoice@", "entry:", "0" * 64, "f" * 63, "99999999999999999999999", "invoice:-1", "a\x00b", "'; DROP TABLE x; --", "%s", "\udcff",
    ],
)  # fmt: skip
def test_an_unknown_name_is_answered_with_the_forms(auditor, name) -> None:
    with pytest.raises(UnknownReferenceError) as refused:
        resolve(auditor, name)
    assert all(form in str(refused.value) for form in FORMS)


def test_a_run_by_number_and_by_its_name_in_airflow(auditor) -> None:
    run_id = one(auditor, "SELECT run_id FROM ops.run WHERE airflow_run_id = 'night-2'")
    assert resolve_run(auditor, str(run_id)) == resolve_run(auditor, "night-2") == run_id
    for name in ("night-99", "99999999", "", "\x00", "\udcff"):
        with pytest.raises(UnknownReferenceError):
            resolve_run(auditor, name)
