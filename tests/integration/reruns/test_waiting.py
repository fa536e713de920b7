"""What waits for a delivery asks nobody and pays nothing; what is due is asked, of those whom it concerns."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.books import Books
from tests.integration.reruns.works import Office

pytestmark = pytest.mark.integration

ARRIVAL, OVERDUE = date(2026, 11, 18), date(2026, 11, 24)
SOURCES = [
    {"source": "books", "dataset": dataset} for dataset in ("suppliers", "orders", "receipts", "invoices")
]


@pytest.fixture
def company(office: Office, business_day: Any) -> Office:
    """An office on the day on which the invoices arrive, whose runs expect all four datasets."""
    business_day(ARRIVAL)
    office.books.supplier()
    return office


def night(office: Office, name: str, *missing: str) -> None:
    """Run a night in which some datasets are not delivered."""
    office.books.sources = SOURCES
    office.books.open_run(name)
    for source in SOURCES:
        if source["dataset"] not in missing:
            office.books.stage(source["dataset"])
    office.night()


def decided(books: Books, number: str) -> tuple[str, str]:
    """Outcome and rule of the latest decision on an invoice."""
    return books.connection.execute(
        "SELECT d.outcome, d.rule FROM ledger.latest_decision d JOIN purchasing.invoice i ON i.invoice_id = d.subject_id "
        "WHERE d.subject_kind = 'invoice' AND i.invoice_number = %s",
        (number,),
    ).fetchone()


def asked(office: Office) -> set[tuple[str, str]]:
    """Role and code of what is asked in the open cases."""
    return set(
        office.books.connection.execute(
            "SELECT c.role, x.code FROM review.\"case\" c JOIN review.case_item x USING (case_id) WHERE c.state = 'open' AND x.settled_at IS NULL"
        )
    )


def test_nobody_is_asked_for_a_receipt_while_the_receipts_are_not_delivered(
    company: Office, business_day: Any
) -> None:
    """The waiting days are over, but the warehouse is down: the receipt may be there. Once it delivers, the receiver is asked."""
    books = company.books
    books.order("PO-1", 1, 100, 10)
    books.invoice("R-1", [("PO-1", 1, 100, 10)])
    night(company, "arrival")
    assert decided(books, "R-1") == ("wait", "awaiting_receipt")
    business_day(OVERDUE)
    night(company, "warehouse down", "receipts")
    assert asked(company) == set()
    assert decided(books, "R-1") == ("wait", "awaiting_receipt")
    night(company, "warehouse up")
    assert asked(company) == {("receiver", "NO_RECEIPT")}
    night(company, "warehouse down again", "receipts")
    assert asked(company) == {("receiver", "NO_RECEIPT")}, "a question that stands is not taken back"
    company.answer("receiver", "manager")
    assert company.act() == {"booked": 1, "stale": 0}


@pytest.mark.parametrize("gr_based", [False, True])
def test_a_receipt_that_is_not_overdue_is_no_question_beside_another_one(
    company: Office, business_day: Any, gr_based: bool
) -> None:
    """Line 1 is too dear, line 2 has not come yet: the buyer is asked today, the receiver when the waiting days are over."""
    books = company.books
    books.order("PO-1", 1, 100, 10)
    books.order("PO-1", 2, 100, 10, gr_based=gr_based)
    books.receive("PO-1", 1, 100)
    books.invoice("R-1", [("PO-1", 1, 100, 12), ("PO-1", 2, 100, 10)])
    night(company, "arrival")
    assert decided(books, "R-1") == ("review", "held_awaiting_receipt")
    assert asked(company) == {("buyer", "PRICE")}
    assert company.failed_checks() == []
    business_day(OVERDUE)
    night(company, "warehouse down", "receipts")
    assert asked(company) == {("buyer", "PRICE")}
    night(company, "overdue")
    assert decided(books, "R-1") == ("review", "receipt_overdue")
    assert asked(company) == {("buyer", "PRICE"), ("receiver", "NO_RECEIPT")}
    assert company.failed_checks() == []


def test_a_receipt_near_the_payment_date_is_asked_for_beside_another_question(company: Office) -> None:
    books = company.books
    books.order("PO-1", 1, 100, 10)
    books.order("PO-1", 2, 100, 10)
    books.receive("PO-1", 1, 100)
    books.invoice("R-1", [("PO-1", 1, 100, 12), ("PO-1", 2, 100, 10)], due_date=date(2026, 11, 23))
    night(company, "arrival")
    assert asked(company) == {("buyer", "PRICE"), ("receiver", "NO_RECEIPT")}


def test_an_answer_releases_only_what_was_asked(company: Office, business_day: Any) -> None:
    """The receiver confirms the quantity of line 1; line 2, which still waits, is neither shown nor released."""
    books = company.books
    books.order("PO-1", 1, 100, 10)
    books.order("PO-1", 2, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 100, 10), ("PO-1", 2, 100, 10)])
    night(company, "arrival")
    assert asked(company) == {("receiver", "QTY_REC")}
    shown = books.connection.execute("SELECT handover -> 'holds' FROM review.\"case\"").fetchone()[0]
    assert [hold["code"] for hold in shown] == ["QTY_REC"]
    company.answer("receiver", "manager")
    assert company.act() == {"booked": 1, "stale": 0}
    assert books.codes("R-1") == {"2": ["NO_RECEIPT"]}
    assert company.proposed() == []
    business_day(OVERDUE)
    night(company, "overdue")
    assert asked(company) == {("receiver", "NO_RECEIPT")}


def test_a_question_that_the_facts_settle_leaves_no_empty_case(company: Office) -> None:
    """The missing pieces of line 1 arrive: the receiver's case is closed although line 2 still waits."""
    books = company.books
    books.order("PO-1", 1, 100, 10)
    books.order("PO-1", 2, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 100, 10), ("PO-1", 2, 100, 10)])
    night(company, "arrival")
    books.receive("PO-1", 1, 10)
    night(company, "the rest arrives")
    assert company.cases() == [("receiver", "superseded")]
    assert books.status("R-1") == ("waiting_receipt", True, True)


@pytest.mark.parametrize("gr_based", [False, True])
def test_an_amount_above_the_limit_waits_for_its_receipt_first(
    company: Office, business_day: Any, gr_based: bool
) -> None:
    """Nothing is booked and nobody asked on the first day; the receipt makes it ready, and then the manager approves."""
    books = company.books
    books.order("PO-1", 1, 100, 1001, gr_based=gr_based)
    books.invoice("R-1", [("PO-1", 1, 100, 1001)])
    night(company, "arrival")
    assert decided(books, "R-1") == ("wait", "awaiting_receipt")
    assert company.cases() == []
    assert books.status("R-1") == ("waiting_receipt", False, None)
    books.receive("PO-1", 1, 100)
    night(company, "received")
    assert asked(company) == {("ap_manager", "APPROVAL")}
    assert books.entries("R-1") == []
    company.answer("ap_manager", "manager", code="approved")
    company.act()
    night(company, "compared again")
    assert company.proposed() == [Decimal("120120.00")]


@pytest.mark.parametrize(
    ("missing", "match_type"), [("receipts", 3), ("orders", 3), ("orders", 2), ("suppliers", 2)]
)
def test_nothing_is_proposed_for_payment_on_what_a_source_did_not_deliver(
    company: Office, missing: str, match_type: int
) -> None:
    """A return or a change of the order may be under way: the covered invoice is booked, and proposed when the source delivered."""
    books = company.books
    books.order("PO-1", 1, 100, 10, match_type=match_type)
    books.receive("PO-1", 1, 100)
    night(company, "first")
    books.invoice("R-1", [("PO-1", 1, 100, 10)])
    night(company, "down", missing)
    assert decided(books, "R-1") == ("wait", "source_stale")
    assert books.status("R-1") == ("matched", True, True)
    assert company.proposed() == []
    assert company.cases() == []
    night(company, "up")
    assert decided(books, "R-1") == ("approve", "matched")
    assert company.proposed() == [Decimal("1200.00")]


@pytest.mark.parametrize("missing", ["receipts", "orders"])
def test_an_answer_frees_nothing_for_payment_while_a_source_is_down(company: Office, missing: str) -> None:
    """The buyer accepts the price while the warehouse is down: the hold is released, the payment waits for the delivery."""
    books = company.books
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 100)
    books.invoice("R-1", [("PO-1", 1, 100, 12)])
    night(company, "arrival")
    night(company, "down", missing)
    company.answer("buyer", "buyer")
    assert company.act() == {"booked": 1, "stale": 0}
    assert books.status("R-1") == ("matched", True, True)
    assert company.proposed() == []
    [undone] = books.connection.execute(
        "SELECT ops.build_report(%s) -> 'left_undone'", (books.run_id,)
    ).fetchone()[0]
    assert (undone["what"], undone["reason"]) == ("approved, not proposed", "a source did not deliver")
    night(company, "up")
    assert books.status("R-1") == ("matched", True, False)
    assert company.proposed() == [Decimal("1440.00")]


def test_an_order_without_receipts_does_not_wait_for_the_warehouse(company: Office) -> None:
    books = company.books
    books.order("PO-1", 1, 100, 10, match_type=2)
    night(company, "first")
    books.invoice("R-1", [("PO-1", 1, 100, 10)])
    night(company, "down", "receipts")
    assert company.proposed() == [Decimal("1200.00")]


def test_an_amount_in_another_currency_than_the_policys_goes_to_a_manager(
    company: Office, ledger: Any
) -> None:
    """The company keeps its books in CHF, the policy's limit is in EUR: the machine approves nothing, and says why."""
    with ledger.connect("admin", autocommit=True) as admin:
        admin.execute("UPDATE ops.entity SET ledger_currency = 'CHF'")
        admin.execute(
            "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES ('p-anna-brandt', 'ap_manager', 5000, 'CHF')"
        )
        admin.execute("INSERT INTO review.identity VALUES ('airflow', 'anna', 'p-anna-brandt')")
    books = company.books
    books.order("PO-1", 1, 100, 10, currency="CHF")
    books.receive("PO-1", 1, 100)
    books.invoice("R-1", [("PO-1", 1, 100, 10)], currency="CHF")
    night(company, "arrival")
    assert decided(books, "R-1") == ("review", "default")
    assert asked(company) == {("ap_manager", "APPROVAL")}
    assert books.entries("R-1") == []
    why, facts = books.connection.execute(
        "SELECT convert_from(r.body, 'UTF8')::jsonb -> 'decision' ->> 'why', h.facts FROM audit.record r, ledger.hold h "
        "WHERE r.kind = 'decision' ORDER BY r.record_id DESC"
    ).fetchone()
    assert why == "An input cannot be used: gross_amount is 1200 CHF; this policy decides amounts in EUR"
    assert facts == {"currency": "CHF", "machine_limit": "100000.00 EUR"}
    with pytest.raises(psycopg.Error, match="no authority"):
        company.answer("ap_manager", "manager", code="approved")
    company.answer("ap_manager", "anna", code="approved")
    company.act()
    night(company, "compared again")
    assert company.proposed() == [Decimal("1200.00")]
    assert company.failed_checks() == []


def test_a_run_of_another_process_says_nothing_of_what_is_delivered(company: Office) -> None:
    """Staleness is that of the run that decides: what a dry or foreign run misses delays nobody."""
    books = company.books
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 100)
    night(company, "first")
    books.connection.execute(
        "SELECT ops.open_run('other', 'other', 'other', false, %s, '0')", (Jsonb({"sources": SOURCES}),)
    )
    books.invoice("R-1", [("PO-1", 1, 100, 10)])
    night(company, "second")
    assert company.proposed() == [Decimal("1200.00")]


def test_who_accepts_a_receipt_has_not_approved_an_amount_in_another_currency(
    company: Office, business_day: Any, ledger: Any
) -> None:
    """As above the limit: the receiver's word books nothing, the manager is asked for the amount."""
    with ledger.connect("admin", autocommit=True) as admin:
        admin.execute("UPDATE ops.entity SET ledger_currency = 'CHF'")
        admin.execute("UPDATE review.authority SET currency = 'CHF'")
    books = company.books
    books.order("PO-1", 1, 100, 10, currency="CHF", gr_based=True)
    books.invoice("R-1", [("PO-1", 1, 100, 10)], currency="CHF")
    business_day(OVERDUE)
    night(company, "overdue")
    assert asked(company) == {("receiver", "NO_RECEIPT")}, "not approved"
    company.answer("receiver", "manager")
    assert company.act() == {"booked": 1, "stale": 0}
    assert books.entries("R-1") == []


def test_what_is_undelivered_is_what_the_latest_run_with_sources_misses(company: Office, ledger: Any) -> None:
    """A housekeeping that reads nothing, a rehearsal and another process say nothing of it."""

    def undelivered() -> list[str]:
        with ledger.connect("admin") as admin:
            return admin.execute("SELECT ledger.undelivered('invoice_reconciliation')").fetchone()[0]

    assert undelivered() == []
    night(company, "down", "receipts", "orders")
    assert sorted(undelivered()) == ["orders", "receipts"]
    for process, name, dry_run, parameters in (
        ("invoice_reconciliation", "tidy", False, {}),
        ("invoice_reconciliation", "rehearsal", True, {"sources": SOURCES}),
        ("other", "other", False, {"sources": SOURCES}),
    ):
        company.books.connection.execute(
            "SELECT ops.open_run(%s, %s, %s, %s, %s, '0')",
            (process, name, name, dry_run, Jsonb(parameters)),
        )
    company.books.connection.commit()
    assert sorted(undelivered()) == ["orders", "receipts"]
    night(company, "up")
    assert undelivered() == []


def test_a_rejection_closes_the_other_cases_of_the_document_and_says_so(company: Office) -> None:
    books = company.books
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 100, 12)])
    night(company, "arrival")
    assert asked(company) == {("receiver", "QTY_REC"), ("buyer", "PRICE")}
    company.answer("receiver", "manager", action="reject")
    assert company.act() == {"booked": 1, "stale": 0}
    assert set(company.cases()) == {("receiver", "settled"), ("buyer", "superseded")}
    said = books.connection.execute(
        "SELECT convert_from(body, 'UTF8')::json ->> 'role' FROM audit.record WHERE kind = 'path' "
        "AND convert_from(body, 'UTF8')::json ->> 'step' = 'case superseded by facts'"
    ).fetchall()
    assert said == [("buyer",)]


def test_a_first_answer_about_other_facts_counts_no_more(company: Office, ledger) -> None:
    with ledger.connect("admin") as admin:
        admin.execute("INSERT INTO review.quorum_rule (name, persons) VALUES ('two', 2)")
    books = company.books
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 100, 10)])
    night(company, "arrival")
    company.answer("receiver", "manager")
    assert company.cases() == [("receiver", "half_decided")]
    books.receive("PO-1", 1, 5)
    night(company, "five more")
    assert company.cases() == [("receiver", "open")]
