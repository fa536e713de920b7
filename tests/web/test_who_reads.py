"""A person sees the cases of companies and processes for which they hold authority, and nothing else."""

from __future__ import annotations

import pytest
from tests.web.books import Books

GRANT = "INSERT INTO review.authority (person_id, role, process, entity, amount_limit, currency, effective_from, effective_to) VALUES ('p-clerk', %s, %s, %s, 0, 'EUR', %s, %s)"
ALWAYS = ("2000-01-01", None)
ADDRESSES = (
    "/cases/{price}",
    "/api/v1/cases/{price}",
    "/api/v1/cases/{price}/documents/{document}",
)


@pytest.fixture
def document(ledger, books: Books) -> int:
    """The original of the case about a price."""
    with ledger.connect("admin") as connection:
        return connection.execute(
            'SELECT i.document_id FROM review."case" c JOIN purchasing.invoice i ON i.invoice_id = c.subject_id WHERE c.case_id = %s',
            (books.price,),
        ).fetchone()[0]


@pytest.fixture
def statuses(login, books: Books, document: int):
    """What the clerk gets when they read: cases listed, and the status of each address."""

    def read() -> tuple[int, set[int]]:
        client = login("clerk")
        found = len(client.get("/api/v1/cases?state=all").json()["cases"])
        return found, {
            client.get(address.format(price=books.price, document=document)).status_code
            for address in ADDRESSES
        }

    return read


@pytest.mark.parametrize(
    ("role", "process", "entity", "since", "until", "sees"),
    [
        ("ap_clerk", "invoice_reconciliation", "1000", *ALWAYS, True),
        ("buyer", "*", "*", *ALWAYS, True),
        ("receiver", "*", "1000", *ALWAYS, True),
        ("ap_manager", "invoice_reconciliation", "*", *ALWAYS, True),
        ("auditor", "*", "*", *ALWAYS, True),
        ("auditor", "*", "2000", *ALWAYS, False),
        ("ap_clerk", "*", "2000", *ALWAYS, False),
        ("ap_clerk", "payment_run", "1000", *ALWAYS, False),
        ("ap_clerk", "*", "*", "2000-01-01", "2026-11-19", False),
        ("ap_clerk", "*", "*", "2026-11-21", None, False),
    ],
)
def test_a_person_reads_what_they_have_authority_for(
    ledger, books: Books, statuses, role, process, entity, since, until, sees
) -> None:
    with ledger.connect("admin") as connection:
        connection.execute(
            "INSERT INTO ops.entity (entity, name, ledger_currency) VALUES ('2000', 'Other', 'EUR')"
        )
        connection.execute("DELETE FROM review.authority WHERE person_id = 'p-clerk'")
        connection.execute(GRANT, (role, process, entity, since, until))
    assert statuses() == ((6, {200}) if sees else (0, {404}))


def test_who_sees_nothing_is_not_told_what_there_is(ledger, login, books: Books, statuses) -> None:
    """Neither counts nor codes nor the answer to a case that they name."""
    with ledger.connect("admin") as connection:
        connection.execute("DELETE FROM review.authority WHERE person_id = 'p-clerk'")
    assert statuses() == (0, {404})
    client = login("clerk")
    inbox = client.get("/cases").text
    assert "For everybody (0)" in inbox
    assert "You hold no authority" in inbox
    assert "PRICE" not in inbox
    answer = {
        "action": "accept",
        "reason_code": "approved",
        "reason": "as agreed",
        "evidence_hash": "00" * 32,
    }
    refused = client.post(f"/api/v1/cases/{books.price}/answers", json=answer, headers={"Idempotency-Key": "key-12345678"})  # fmt: skip
    assert refused.status_code == 404
    assert refused.json()["detail"] == f"There is no case {books.price} that you may see."
    assert client.get("/api/v1/cases/999999").json()["detail"] == "There is no case 999999 that you may see."


def test_an_auditor_reads_and_decides_nothing(ledger, login, books: Books) -> None:
    with ledger.connect("admin") as connection:
        connection.execute("DELETE FROM review.authority WHERE person_id = 'p-clerk'")
        connection.execute(GRANT, ("auditor", "*", "*", *ALWAYS))
    case = login("clerk").get(f"/api/v1/cases/{books.price}").json()
    assert case["actions"]
    assert {action["allowed"] for action in case["actions"]} == {False}
