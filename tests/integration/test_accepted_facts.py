"""Facts as they are accepted: suppliers that change, receipts in other units, two runs at once, clocks that are ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from tests.books import Books

pytestmark = pytest.mark.integration


@pytest.fixture
def books(ledger):
    with ledger.connect("app") as connection:
        connection.autocommit = True
        yield Books(connection).open_run()


def night(books: Books) -> None:
    with books.connection.transaction():
        books.night()


def read(books: Books, statement: str, *values: object) -> list[tuple]:
    return books.connection.execute(statement, values).fetchall()


def queued(books: Books) -> list[str]:
    rows = read(
        books,
        "SELECT invoice_number FROM ledger.match_queue JOIN purchasing.invoice USING (invoice_id) ORDER BY 1",
    )
    return [row[0] for row in rows]


def matched_invoice(books: Books, number: str = "R-1", supplier: str = "S1", po: str = "PO-1") -> None:
    books.supplier(supplier)
    books.order(po, 1, 90, 10, supplier_id=supplier)
    books.receive(po, 1, 90)
    books.invoice(number, [(po, 1, 90, 10)], seller_id=supplier)
    night(books)
    assert books.status(number) == ("matched", True, False)


# -- suppliers -------------------------------------------------------------------------------------------------------


def test_matched_invoice_of_a_changed_supplier_is_looked_at_again(books):
    matched_invoice(books)
    books.open_run("night-2")
    books.supplier(blocked=True)
    books.accept()
    assert queued(books) == ["R-1"]
    books.match()
    assert books.codes("R-1") == {"": ["NOT_EVALUABLE"]}


def test_rejected_invoice_of_a_changed_supplier_is_left_alone(books, ledger):
    matched_invoice(books)
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE ledger.invoice_status SET state = 'rejected', rejected_at = now()")
    books.open_run("night-2")
    books.supplier(name="Another name")
    books.accept()
    assert queued(books) == []


def test_group_of_a_booked_invoice_follows_the_master(books):
    """S1 and S2 are found to be one: the same number and amount from both is one invoice sent twice."""
    matched_invoice(books, "R-1", "S1", "PO-1")
    books.supplier("S2")
    books.accept()
    books.open_run("night-2")
    books.supplier("S1", supplier_group="G")
    books.supplier("S2", supplier_group="G")
    books.accept()
    assert read(books, "SELECT invoice_number, supplier_group FROM purchasing.invoice") == [("R-1", "G")]
    assert queued(books) == ["R-1"]
    books.order("PO-2", 1, 90, 10, supplier_id="S2")
    books.receive("PO-2", 1, 90)
    books.invoice("R-1", [("PO-2", 1, 90, 10)], seller_id="S2")
    books.match()
    codes = read(books, "SELECT code FROM ledger.hold WHERE released_at IS NULL")
    assert codes == [("DUP_EXACT",)]


def test_whether_a_supplier_is_blocked_may_be_unknown(books):
    books.supplier(blocked=None)
    books.accept()
    assert read(books, "SELECT blocked FROM purchasing.supplier") == [(None,)]


# -- receipts in other units -----------------------------------------------------------------------------------------


def receipts(books: Books) -> list[tuple]:
    return read(
        books,
        "SELECT receipt_number, quantity, order_line_id IS NOT NULL, sent_quantity, sent_uom FROM purchasing.receipt_line ORDER BY 1",
    )


def quarantined(books: Books) -> list[tuple]:
    return read(
        books,
        "SELECT business_key, state, findings -> 0 ->> 'check_id', findings -> 0 ->> 'value' FROM intake.quarantine ORDER BY quarantine_id",
    )


def test_receipt_counts_in_the_unit_of_its_order(books):
    books.order("PO-1", 1, 100, 10, uom="KGM")
    books.receive("PO-1", 1, 100, "GR-1", uom="GRM")
    books.receive("PO-1", 1, -30, "GR-2", uom="GRM")
    books.receive("PO-1", 1, 2, "GR-3", uom="TNE")
    books.accept()
    assert receipts(books) == [
        ("GR-1", Decimal("0.1000"), True, Decimal(100), "GRM"),
        ("GR-2", Decimal("-0.0300"), True, Decimal(-30), "GRM"),
        ("GR-3", Decimal(2000), True, Decimal(2), "TNE"),
    ]
    assert queued(books) == []


def test_invoice_for_kilograms_is_not_covered_by_as_many_grams(books):
    books.supplier()
    books.order("PO-1", 1, 100, 10, uom="KGM")
    books.receive("PO-1", 1, 100, uom="GRM")
    books.invoice("R-1", [("PO-1", 1, 100, 10, {"uom": "KGM"})])
    night(books)
    assert books.codes("R-1") == {"1": ["QTY_REC"]}
    [(booked,)] = read(
        books,
        "SELECT sum(debit) FROM ledger.journal_line JOIN ledger.journal_entry USING (entry_id) WHERE event = 'goods_receipt'",
    )
    assert booked == Decimal("1.00")


def test_factor_of_the_item_comes_before_the_general_one(books, ledger):
    with ledger.connect("admin") as connection:
        connection.execute("INSERT INTO purchasing.uom_factor VALUES ('DZN', 'EA', 'item-1', 13, 1)")
    books.order("PO-1", 1, 100, 10)
    books.order("PO-1", 2, 100, 10)
    books.receive("PO-1", 1, 2, "GR-1", uom="DZN")
    books.receive("PO-1", 2, 2, "GR-2", uom="DZN")
    books.accept()
    assert [row[:2] for row in receipts(books)] == [("GR-1", Decimal(26)), ("GR-2", Decimal(24))]


@pytest.mark.parametrize(
    ("uom", "quantity"), [("LTR", 1), (None, 1), ("GRM", "0.05"), ("TNE", "99999999999")]
)
def test_receipt_without_an_exact_quantity_is_set_aside(books, uom, quantity):
    books.order("PO-1", 1, 100, 10, uom="KGM")
    books.receive("PO-1", 1, quantity, "GR-1", uom=uom)
    books.accept()
    assert receipts(books) == []
    assert quarantined(books) == [("GR-1", "open", "unit_not_countable", uom)]


def test_amount_based_order_line_has_no_unit(books):
    by_value = {"amount_based": True, "uom": None, "ordered_value": Decimal(100)}
    books.order("PO-1", 1, 1, 1, **by_value)
    books.receive("PO-1", 1, 1, "GR-1", uom=None, value_known=True, received_value=Decimal(50))
    books.accept()
    assert receipts(books) == [("GR-1", Decimal(1), True, Decimal(1), None)]


def test_receipt_before_its_order_is_counted_when_the_order_comes(books):
    books.supplier()
    books.receive("PO-1", 1, 100, "GR-1", uom="GRM")
    books.receive("PO-1", 1, 5, "GR-2", uom="KGM")
    books.invoice("R-1", [("PO-1", 1, 5, 10, {"uom": "KGM"})])
    night(books)
    assert [row[1:3] for row in receipts(books)] == [(Decimal(100), False), (Decimal(5), False)]
    books.open_run("night-2")
    books.order("PO-1", 1, 100, 10, uom="KGM")
    books.accept()
    assert [row[1:3] for row in receipts(books)] == [(Decimal("0.1000"), True), (Decimal(5), True)]
    assert queued(books) == ["R-1"]
    night(books)
    assert books.codes("R-1") == {}
    [(booked,)] = read(
        books,
        "SELECT sum(debit) FROM ledger.journal_line JOIN ledger.journal_entry USING (entry_id) WHERE event = 'goods_receipt'",
    )
    assert booked == Decimal("51.00")


def test_receipt_before_its_order_waits_for_a_factor(books, ledger):
    books.receive("PO-1", 1, 3, "GR-1", uom="BX")
    books.accept()
    for night in ("night-2", "night-3"):
        books.open_run(night)
        books.order("PO-1", 1, 100, 10)
        books.accept()
        assert [row[1:3] for row in receipts(books)] == [(Decimal(3), False)]
        assert quarantined(books) == [("GR-1", "open", "unit_not_countable", "BX")]
    with ledger.connect("admin") as connection:
        connection.execute("INSERT INTO purchasing.uom_factor VALUES ('BX', 'EA', '*', 24, 1)")
    books.open_run("night-4")
    books.stage("receipts")
    books.accept()
    assert receipts(books) == [("GR-1", Decimal(72), True, Decimal(3), "BX")]
    assert quarantined(books) == [("GR-1", "accepted", "unit_not_countable", "BX")]


# -- two runs at once ------------------------------------------------------------------------------------------------


def test_receipt_that_another_run_accepted_meanwhile_is_set_aside(books):
    books.receive("PO-1", 1, 5, "GR-1")
    books.stage("receipts")
    gated = books.run_id
    books.open_run("other")
    books.receive("PO-1", 1, 6, "GR-1")
    books.accept()
    books.run_id = gated
    books.accept()
    assert [row[:2] for row in receipts(books)] == [("GR-1", Decimal(6))]
    assert quarantined(books) == [("GR-1", "open", "receipt_changed", "GR-1")]


def test_receipt_line_twice_in_a_load_counts_for_nobody(books):
    books.receive("PO-1", 1, 5, "GR-1")
    books.receive("PO-1", 1, 6, "GR-1")
    books.accept()
    assert receipts(books) == []
    assert [row[2] for row in quarantined(books)] == ["receipt_changed", "receipt_changed"]


def test_order_line_that_another_run_accepted_in_another_spelling_is_set_aside(books):
    books.order("PO-1", "00010", 5, 10)
    books.stage("orders")
    gated = books.run_id
    books.open_run("other")
    books.order("PO-1", "10", 5, 10)
    books.accept()
    books.run_id = gated
    books.accept()
    assert read(books, "SELECT po_line FROM purchasing.order_line") == [("10",)]
    assert [row[2] for row in quarantined(books)] == ["po_line_spelled_twice"]


# -- clocks ----------------------------------------------------------------------------------------------------------


def finish(books: Books, until: str) -> None:
    load_id = books._one(
        "SELECT load_id FROM intake.open_load(%s, 'books', 'orders', 'books 1', NULL, true)", books.run_id
    )
    books._one(f"SELECT intake.finish_load(%s, {until}, 0, NULL)", load_id)
    books._one("SELECT intake.mark_gated(%s, '{}')", load_id)
    books._one("SELECT count(*) FROM intake.accept_loads(%s)", books.run_id)


def test_source_whose_clock_is_ahead_is_refused(books):
    with pytest.raises(psycopg.Error, match="its clock is wrong") as refused:
        finish(books, "now() + interval '6 minutes'")
    assert refused.value.sqlstate == "BO503"
    assert read(books, "SELECT * FROM intake.watermark") == []
    finish(books, "now() + interval '4 minutes'")
    assert read(books, "SELECT count(*) FROM intake.watermark") == [(1,)]


def test_simulated_day_is_a_day_that_can_be(books, ledger):
    ahead = datetime.now(UTC).date() + timedelta(days=30)
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE ops.simulated_clock SET business_date = %s", (ahead,))
    finish(books, "now() + interval '30 days'")
    with pytest.raises(psycopg.Error, match="its clock is wrong"):
        books.open_run("night-2")
        finish(books, "now() + interval '33 days'")


def test_watermark_of_a_wrong_clock_is_none(books, ledger):
    finish(books, "now()")
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE intake.watermark SET high_water = '2099-01-01'")
    books.open_run("night-2")
    [(since,)] = read(
        books,
        "SELECT window_from FROM intake.open_load(%s, 'books', 'orders', 'books 1', NULL, true)",
        books.run_id,
    )
    assert timedelta(minutes=15) <= datetime.now(UTC) - since < timedelta(minutes=17)
    finish(books, "now()")
    [(mark,)] = read(books, "SELECT high_water FROM intake.watermark")
    assert datetime.now(UTC) - mark < timedelta(minutes=1)


def test_version_dated_ahead_does_not_outlast_the_next_one(books):
    ahead = datetime(2099, 1, 1, tzinfo=UTC)
    books.order("PO-1", 1, 10, 10, updated_at=ahead)
    books.supplier(updated_at=ahead)
    books.accept()
    books.open_run("night-2")
    books.order("PO-1", 1, 20, 10, version=2, updated_at=datetime.now(UTC) + timedelta(minutes=6))
    books.supplier(name="Another", updated_at=datetime.now(UTC) + timedelta(minutes=6))
    books.accept()
    assert read(books, "SELECT quantity FROM purchasing.order_line") == [(Decimal(20),)]
    assert read(books, "SELECT name FROM purchasing.supplier") == [("Another",)]


# -- what is fresh ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("advances", "complete", "stale"), [(True, False, []), (False, True, []), (False, False, ["orders"])]
)
def test_part_of_a_source_is_not_the_source(books, advances, complete, stale):
    books.sources = ({"source": "books", "dataset": "orders"},)
    books.open_run("night-2")
    load_id = books._one(
        "SELECT load_id FROM intake.open_load(%s, 'books', 'orders', 'books 1', NULL, %s, %s)",
        *(books.run_id, advances, complete),
    )
    books._one("SELECT intake.finish_load(%s, now(), 0, NULL)", load_id)
    books._one("SELECT intake.mark_gated(%s, '{}')", load_id)
    assert books._one("SELECT ops.stale_datasets(%s)", books.run_id) == ["orders"]
    books._one("SELECT count(*) FROM intake.accept_loads(%s)", books.run_id)
    assert books._one("SELECT ops.stale_datasets(%s)", books.run_id) == stale
