"""What a later night changes for documents of an earlier one: credits, repetitions, limits, factors, what nobody can judge."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import psycopg
import pytest
from tests.books import Books

pytestmark = pytest.mark.integration


@pytest.fixture
def books(ledger):
    with ledger.connect("app") as connection:
        yield Books(connection).open_run()


def owner(ledger, books: Books, statement: str, *values: object) -> None:
    """Do what an administrator does, between two nights."""
    books.connection.commit()
    with ledger.connect("admin") as admin:
        admin.execute(statement, values)


def next_night(books: Books, name: str = "night-2") -> None:
    books.open_run(name)
    books.night()


# -- credit notes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credit_date", [date(2026, 11, 17), date(2026, 11, 19)])
def test_a_credit_note_clears_the_hold_of_an_invoice_booked_before_it(books, credit_date):
    """Billed 100, received 90, booked and blocked; the credit over 10 frees it, whatever its date."""
    books.supplier()
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 100, 10)])
    books.night()
    assert books.codes("R-1") == {"1": ["QTY_REC"]}
    books.open_run("night-2")
    books.credit_note("C-1", [("PO-1", 1, 10, 10)], invoice_date=credit_date)
    books.night()
    assert books.codes("R-1") == {}
    assert books.codes("C-1") == {}


def test_a_parked_credit_note_clears_nothing(books):
    """Its total is wrong, so it is not booked, so nothing is credited."""
    books.supplier()
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 90)
    books.invoice("R-1", [("PO-1", 1, 100, 10)])
    books.credit_note("C-1", [("PO-1", 1, 10, 10)], payable_total=Decimal("121.00"))
    books.night()
    assert books.codes("C-1") == {"": ["TOTAL_ARITH"]}
    assert books.codes("R-1") == {"1": ["QTY_REC"]}


def test_an_excess_credit_note_holds_no_later_one(books):
    """10 billed: a credit over 100 is in excess, one over 2 after it is not."""
    books.supplier()
    books.order("PO-1", 1, 10, 10)
    books.receive("PO-1", 1, 10)
    books.invoice("R-1", [("PO-1", 1, 10, 10)])
    books.credit_note("C-1", [("PO-1", 1, 100, 10)], invoice_date=date(2026, 11, 18))
    books.credit_note("C-2", [("PO-1", 1, 2, 10)], invoice_date=date(2026, 11, 19))
    books.night()
    assert books.codes("C-1") == {"1": ["CREDIT_EXCESS"]}
    assert books.codes("C-2") == {}


def test_what_is_above_the_machines_limit_is_not_billed_until_approved(books):
    """A credit note against an invoice that waits for its approval would pay back what was never booked."""
    books.supplier()
    books.order("PO-1", 1, 10000, 10)
    books.receive("PO-1", 1, 10000)
    books.invoice("R-1", [("PO-1", 1, 10000, 10)])
    books.credit_note("C-1", [("PO-1", 1, 5000, 10)])
    books.night()
    assert books.codes("R-1") == {"": ["APPROVAL"]}
    assert books.codes("C-1") == {"1": ["CREDIT_EXCESS"]}


# -- repetitions -------------------------------------------------------------------------------------------------


def two_orders(books: Books) -> None:
    books.supplier()
    for number in ("PO-1", "PO-2"):
        books.order(number, 1, 10, 10)
        books.receive(number, 1, 10)


def test_an_earlier_document_that_comes_later_makes_the_other_the_repetition(books):
    """R-1 of the 18th waits parked (wrong total); R-1 of the 10th comes a night later, on another order."""
    two_orders(books)
    books.invoice("R-1", [("PO-1", 1, 10, 10)], payable_total=Decimal("121.00"))
    books.night()
    books.open_run("night-2")
    books.invoice("r 1", [("PO-2", 1, 10, 10)], invoice_date=date(2026, 11, 10))
    books.night()
    assert books.codes("R-1") == {"": ["DUP_EXACT", "TOTAL_ARITH"]}
    assert books.codes("r 1") == {}


# -- what is compared with ---------------------------------------------------------------------------------------


def test_another_limit_clears_and_raises_by_itself(ledger, books):
    """5 % above the price: held at 2 %, free at 10 %, held again at 1 %."""
    two_orders(books)
    books.invoice("R-1", [("PO-1", 1, 10, "10.50")])
    books.night()
    assert books.codes("R-1") == {"1": ["PRICE"]}
    insert = "INSERT INTO ledger.tolerance (tolerance_set, code, supplier_id, up_pct, effective_from) VALUES ('default', 'PRICE', 'S1', %s, %s)"
    owner(ledger, books, insert, 10, "2026-11-20")
    next_night(books)
    assert books.codes("R-1") == {}
    owner(ledger, books, "UPDATE ledger.tolerance SET up_pct = 1 WHERE supplier_id = 'S1'")
    next_night(books, "night-3")
    assert books.codes("R-1") == {"1": ["PRICE"]}


def test_a_limit_that_comes_into_force_on_its_day(ledger, books):
    """Written down today for the 23rd: nothing happens until then."""
    two_orders(books)
    books.invoice("R-1", [("PO-1", 1, 10, "10.50")])
    insert = "INSERT INTO ledger.tolerance (tolerance_set, code, supplier_id, up_pct, effective_from) VALUES ('default', 'PRICE', 'S1', 10, '2026-11-23')"
    owner(ledger, books, insert)
    books.night()
    next_night(books)
    assert books.codes("R-1") == {"1": ["PRICE"]}
    owner(ledger, books, "UPDATE ops.simulated_clock SET business_date = '2026-11-23'")
    next_night(books, "night-3")
    assert books.codes("R-1") == {}


def test_a_new_unit_factor_clears_by_itself(ledger, books):
    books.supplier()
    books.order("PO-1", 1, 24, 10)
    books.receive("PO-1", 1, 24)
    books.invoice("R-1", [("PO-1", 1, 1, 240, {"uom": "XX"})])
    books.night()
    assert books.codes("R-1") == {"1": ["UOM_UNMAPPED"]}
    owner(ledger, books, "INSERT INTO purchasing.uom_factor VALUES ('XX', 'EA', '*', 24, 1)")
    next_night(books)
    assert books.codes("R-1") == {}


def test_no_limit_in_force_is_no_limit_at_all(ledger, books):
    """A row that ran out is not an unlimited one: the run stops and says what to do."""
    two_orders(books)
    books.invoice("R-1", [("PO-1", 1, 10, 100)])
    owner(ledger, books, "UPDATE ledger.tolerance SET effective_to = '2026-11-19' WHERE code = 'PRICE'")
    with pytest.raises(psycopg.Error, match=r"no row in force on 2026-11-20 for PRICE of entity 1000"):
        books.match()


# -- what no built check can judge -------------------------------------------------------------------------------


def why(books: Books, number: str = "R-1") -> str:
    """What the hold NOT_EVALUABLE says."""
    row = books.connection.execute(
        "SELECT h.facts ->> 'why' FROM ledger.hold h JOIN purchasing.invoice i USING (invoice_id) "
        "WHERE i.invoice_number = %s AND h.code = 'NOT_EVALUABLE' AND h.released_at IS NULL",
        (number,),
    ).fetchone()
    return row[0] if row else ""


TAX = {"category": "S", "rate": Decimal(20), "taxable_amount": Decimal(100), "tax_amount": Decimal(20)}


@pytest.mark.parametrize(
    ("reason", "supplier", "order", "line", "invoice"),
    [
        ("supplier is blocked", {"blocked": True}, {}, {}, {}),
        ("account to be paid", {"iban": "DE02120300000000202051"}, {}, {}, {"payee_iban": "DE02500105170137075030"}),
        ("order placed after", {}, {"order_date": date(2026, 11, 19)}, {}, {}),
        ("amount ordered without a receipt", {}, {"amount_based": True, "match_type": 2, "ordered_value": 100}, {}, {}),
        ("tax rate is not the order's", {}, {"tax_rate": Decimal(7)}, {}, {}),
        ("tax breakdown on another amount", {}, {}, {}, {"taxes": [{**TAX, "taxable_amount": Decimal(1000), "tax_amount": Decimal(200)}], "tax_total": 200, "gross_total": 300, "payable_total": 300}),
        ("no tax breakdown", {}, {}, {}, {"taxes": [], "tax_total": 0, "gross_total": 100, "payable_total": 100}),
    ],
)  # fmt: skip
def test_what_is_not_judged_goes_to_people(books, reason, supplier, order, line, invoice):
    """Everything else agrees; what cannot be compared is parked, never approved."""
    books.supplier(**supplier)
    books.order("PO-1", 1, 10, 10, **order)
    books.receive("PO-1", 1, 10, received_value=Decimal(100), value_known=True)
    books.invoice("R-1", [("PO-1", 1, 10, 10, line)], **invoice)
    books.night()
    assert reason in why(books)
    assert books.status("R-1") == ("held", False, None)


def test_the_suppliers_own_account_however_spaced(books):
    two_orders(books)
    books.supplier(iban="DE02 1203 0000 0000 2020 51", name="the same with an account")
    books.invoice("R-1", [("PO-1", 1, 10, 10)], payee_iban="DE02120300000000202051")
    books.night()
    assert why(books) == ""


def test_an_order_closed_after_its_last_invoice_asks_nobody(books):
    """Closing is everyday practice: what is booked and proposed stays so."""
    two_orders(books)
    books.invoice("R-1", [("PO-1", 1, 10, 10)])
    books.night()
    books.open_run("night-2")
    books.order("PO-1", 1, 10, 10, status="closed", version=2)
    books.night()
    assert books.codes("R-1") == {}
    assert books.status("R-1") == ("matched", True, False)
    books.open_run("night-3")
    books.invoice("R-2", [("PO-1", 1, 1, 10)])
    books.night()
    assert "PO_CLOSED" in books.codes("R-2")["1"]


# -- prices of several lines of one document ------------------------------------------------------------------------


def test_lines_of_one_document_on_one_order_line_are_priced_together(books):
    """50 at 10.60 and 50 at 10.50 are 55.00 above: over 50.00 together, neither alone; 12 and 8 make up for each other."""
    books.supplier()
    for line in (1, 2):
        books.order("PO-1", line, 1000, 100)
        books.receive("PO-1", line, 100)
    books.invoice("R-1", [("PO-1", 1, 50, "100.60"), ("PO-1", 1, 50, "100.50")])
    books.invoice("R-2", [("PO-1", 2, 50, 120), ("PO-1", 2, 50, 80)])
    books.night()
    assert books.codes("R-1") == {"1": ["PRICE"], "2": ["PRICE"]}
    assert books.codes("R-2") == {}


# -- what is posted, and what nobody can add up -----------------------------------------------------------------------


def test_posted_lines_stay_billed_whatever_became_of_the_order(books):
    """60 booked for S1, then the order goes to S2, who bills 60 as well: 120 of 100, not a second 60."""
    books.supplier()
    books.supplier("S2")
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 100)
    books.invoice("R-1", [("PO-1", 1, 60, 10)])
    books.night()
    books.open_run("night-2")
    books.order("PO-1", 1, 100, 10, supplier_id="S2", version=2)
    books.invoice("R-2", [("PO-1", 1, 60, 10)], seller_id="S2", seller_name="Supplier S2")
    books.night()
    assert books.codes("R-2") == {"1": ["QTY_ORD", "QTY_REC"]}
    assert books.codes("R-1") == {"1": ["SUPPLIER_MISMATCH"]}


def test_letters_that_look_like_leading_zeros(books):
    """OO7 and 007 are one number to the eye."""
    two_orders(books)
    books.invoice("007", [("PO-1", 1, 10, 10)], invoice_date=date(2026, 11, 16))
    books.invoice("OO7", [("PO-2", 1, 5, 10)])
    books.night()
    assert books.codes("OO7") == {"": ["DUP_LIKELY"]}


def test_behind_an_unknown_unit_nobody_knows_what_was_billed(books):
    books.supplier()
    books.order("PO-1", 1, 100, 10)
    books.receive("PO-1", 1, 100)
    books.invoice("R-1", [("PO-1", 1, 60, 10, {"uom": "XPP"})], invoice_date=date(2026, 11, 16))
    books.invoice("R-2", [("PO-1", 1, 100, 10)])
    books.night()
    assert books.codes("R-1") == {"1": ["UOM_UNMAPPED"]}
    assert "unknown unit" in why(books, "R-2")


def test_a_charge_on_a_line_was_not_ordered(books):
    two_orders(books)
    line = {"charge_total": Decimal(1), "net_amount": Decimal(101)}
    books.invoice("R-1", [("PO-1", 1, 10, 10, line)])
    books.night()
    assert "charge on a line" in why(books)


def test_above_the_ordered_value(books):
    """100 ordered and 150 received by value: what bills more than 100 is asked, although it came."""
    books.supplier()
    books.order("PO-1", 1, 10, 10, amount_based=True, ordered_value=Decimal(100))
    books.receive("PO-1", 1, 15, received_value=Decimal(150), value_known=True)
    books.invoice("R-1", [("PO-1", 1, 10, 10)], invoice_date=date(2026, 11, 16))
    books.invoice("R-2", [("PO-1", 1, 5, 10)])
    books.night()
    assert why(books) == ""
    assert why(books, "R-2") == "billed above the ordered value"
