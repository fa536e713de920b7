"""What no built check can judge, two persons may accept where the books can hold it; all else they can refuse."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from tests.answering import decide, open_cases
from tests.integration.reruns.works import Office

pytestmark = pytest.mark.integration

NET, TAX = Decimal(1000), Decimal(200)
CHARGE = {
    "charge_total": Decimal(50), "net_total": Decimal(1050), "tax_total": Decimal(210), "gross_total": Decimal(1260), "payable_total": Decimal(1260),
    "taxes": [{"category": "S", "rate": Decimal(20), "taxable_amount": Decimal(1050), "tax_amount": Decimal(210)}],
}  # fmt: skip
ALLOWANCE = {
    "allowance_total": Decimal(50), "net_total": Decimal(950), "tax_total": Decimal(190), "gross_total": Decimal(1140), "payable_total": Decimal(1140),
    "taxes": [{"category": "S", "rate": Decimal(20), "taxable_amount": Decimal(950), "tax_amount": Decimal(190)}],
}  # fmt: skip
ROUNDED = {"rounding_amount": Decimal("0.30"), "payable_total": Decimal("1200.30")}
PREPAID = {"prepaid_total": Decimal(300), "payable_total": Decimal(900)}
REVERSE_CHARGE = {
    "tax_total": Decimal(0), "gross_total": NET, "payable_total": NET,
    "taxes": [{"category": "AE", "rate": Decimal(0), "taxable_amount": NET, "tax_amount": Decimal(0)}],
}  # fmt: skip


@pytest.fixture
def books(office: Office, ledger: Any) -> Any:
    """The office's books, with a covered order, and a second clerk."""
    with ledger.connect("admin", autocommit=True) as admin:
        admin.execute(
            "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES ('p-anna-brandt', 'ap_clerk', 25000, 'EUR')"
        )
        admin.execute("INSERT INTO review.identity VALUES ('airflow', 'anna', 'p-anna-brandt')")
    office.books.supplier()
    office.books.order("PO-1", 1, 100, 10)
    office.books.receive("PO-1", 1, 100)
    return office.books


@pytest.mark.parametrize(
    ("document", "payable", "variance"),
    [
        (CHARGE, "1260", "50"),
        (ALLOWANCE, "1140", "-50"),
        (ROUNDED, "1200.30", None),
        ({"type_code": "384"}, "1200", None),
    ],
)
def test_two_persons_accept_and_the_entry_ties(
    office: Office, books: Any, document: dict[str, Any], payable: str, variance: str | None
) -> None:
    books.invoice("R-1", [("PO-1", 1, 100, 10)], **document)
    office.night()
    assert books.codes("R-1") == {"": ["NOT_EVALUABLE"]}
    office.answer("ap_clerk", "clerk")
    assert office.cases() == [("ap_clerk", "half_decided")]
    assert office.act() == {"booked": 0, "stale": 0}
    assert books.entries("R-1") == [], "booked on one person's word"
    half = one_case(office)
    with pytest.raises(psycopg.Error, match="another person"):
        answer(office, half, "clerk", key="once more")
    answer(office, half, "anna")
    assert office.act() == {"booked": 1, "stale": 0}
    amounts = {account: amount for _, account, amount in books.entries("R-1")}
    assert amounts["Accounts payable"] == -Decimal(payable)
    assert amounts["Goods received / invoices received (GR/IR)"] == NET
    assert amounts.get("Purchase price variance") == (Decimal(variance) if variance else None)
    assert amounts.get("Small differences") == document.get("rounding_amount")
    assert office.failed_checks() == []
    office.night("night-2")
    assert office.failed_checks() == []
    assert office.proposed() == [Decimal(payable)]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (PREPAID, "prepayment"),
        (REVERSE_CHARGE, "tax category"),
        ({"type_code": "386"}, "document type 386"),
        ({"currency": "CHF"}, "no exchange rate"),
        ({**CHARGE, "prepaid_total": Decimal(60), "payable_total": Decimal(1200)}, "charge on the whole document, prepayment"),
    ],
)  # fmt: skip
def test_what_the_books_cannot_hold_can_only_be_refused(
    office: Office, books: Any, document: dict[str, Any], why: str
) -> None:
    """A prepayment to be set off, tax owed by the receiver, another currency: there is no right entry for it yet."""
    books.order("PO-2", 1, 100, 10, currency=document.get("currency", "EUR"))
    books.receive("PO-2", 1, 100)
    books.invoice("R-1", [("PO-2", 1, 100, 10)], **document)
    office.night()
    [case] = open_cases(office.web)
    assert case["actions"] == ["reject"]
    hold = books.connection.execute("SELECT handover -> 'holds' -> 0 FROM review.\"case\"").fetchone()[0]
    assert why in hold["facts"]["why"]
    with pytest.raises(psycopg.Error, match="offers Reject; not Accept"):
        office.answer("ap_clerk", "clerk")
    office.answer("ap_clerk", "clerk", action="reject")
    assert office.act() == {"booked": 1, "stale": 0}
    assert books.status("R-1")[0] == "rejected"


def test_one_person_refuses_alone(office: Office, books: Any) -> None:
    books.invoice("R-1", [("PO-1", 1, 100, 10)], **CHARGE)
    office.night()
    office.answer("ap_clerk", "clerk")
    answer(office, one_case(office), "anna", action="reject")
    office.act()
    assert books.status("R-1")[0] == "rejected"
    assert office.proposed() == []


def one_case(office: Office) -> dict[str, Any]:
    """Return the one case, in whatever state it is."""
    row = office.web.execute('SELECT case_id, subject_key, role, evidence_hash FROM review."case"').fetchone()
    assert row is not None
    return dict(zip(("case_id", "subject_key", "role", "evidence_hash"), row, strict=True))


def answer(office: Office, case: dict[str, Any], user: str, action: str = "accept", **changed: Any) -> None:
    """Answer a case that waits for its second person."""
    decide(office.web, case, user, action, **changed)
