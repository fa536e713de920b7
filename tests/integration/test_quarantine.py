"""What stands in quarantine: judged again whenever it comes, counted once, never lost, settled by what comes later."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from tests.books import Books

pytestmark = pytest.mark.integration


class Nights(Books):
    """Books whose gate is the test's own: it sets aside what a condition over the staged rows selects."""

    def load(
        self, dataset: str, bad: str = "false", check: str = "bad", *, advances: bool = True
    ) -> dict[str, int]:
        """Stage, gate and accept one load in a run of its own; return its counts."""
        self.open_run(f"night-{next(NIGHT)}")
        load_id = self.stage(dataset, gate=False, advances=advances)
        self.connection.execute(
            f"INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason, field) "
            f"SELECT load_id, %s, row_no, %s, 'quarantine', 'it is ' || %s, 'x' FROM intake.{self.TABLES[dataset]} t "
            f"WHERE load_id = %s AND ({bad})",
            (dataset, check, check, load_id),
        )
        self._one("SELECT intake.mark_gated(%s, '{}')", load_id)
        columns = ("received", "accepted", "quarantined", "known")
        row = self.connection.execute(
            f"SELECT {', '.join(columns)} FROM intake.accept_loads(%s)", (self.run_id,)
        ).fetchone()
        self.expect_ties()
        return dict(zip(columns, row, strict=True))

    def expect_ties(self) -> None:
        """The loads of every run so far tie, also when a later one brought the same content again."""
        wrong = self.connection.execute(
            "SELECT r.run_id, c ->> 'check', c ->> 'detail' FROM ops.run r, jsonb_array_elements(ops.check_run(r.run_id)) AS c "
            "WHERE c ->> 'check' LIKE 'received = %' AND NOT (c ->> 'ok')::boolean"
        ).fetchall()
        assert wrong == []

    def quarantine(self) -> list[tuple[Any, ...]]:
        """Key, state and how often, in the order in which they were set aside."""
        return self.connection.execute(
            "SELECT business_key, state, times FROM intake.quarantine ORDER BY quarantine_id"
        ).fetchall()

    def doubtful(self) -> list[str]:
        """The order lines on which nothing may be decided."""
        rows = self.connection.execute(
            "SELECT po_number || '/' || po_line FROM purchasing.order_line WHERE doubtful ORDER BY 1"
        ).fetchall()
        return [row[0] for row in rows]

    def queued(self) -> list[str]:
        """Numbers of the invoices that are looked at again."""
        rows = self.connection.execute(
            "SELECT invoice_number FROM ledger.match_queue JOIN purchasing.invoice USING (invoice_id) ORDER BY 1"
        ).fetchall()
        return [row[0] for row in rows]


NIGHT = itertools.count(1)
NOTHING = {"received": 0, "accepted": 0, "quarantined": 0, "known": 0}


@pytest.fixture
def books(ledger):
    with ledger.connect("app") as connection:
        connection.autocommit = True
        yield Nights(connection).open_run()


def test_what_is_sent_again_is_judged_again_and_counted_once(books):
    for _ in range(3):
        books.receive("PO-1", 1, 5, "GR-1")
        assert books.load("receipts", "true", advances=False) == {**NOTHING, "received": 1, "quarantined": 1}
    assert books.quarantine() == [("GR-1", "open", 3)]
    books.receive("PO-1", 1, 5, "GR-1")
    assert books.load("receipts", advances=False)["accepted"] == 1
    assert books.quarantine() == [("GR-1", "accepted", 3)]
    books.receive("PO-1", 1, 5, "GR-1")
    assert books.load("receipts")["known"] == 1


def test_master_data_in_quarantine_is_judged_again_without_being_sent(books):
    """The company was not set up, the receipt was dated ahead: the source does not send it a second time."""
    books.receive("PO-1", 1, 5, "GR-1")
    books.receive("PO-1", 1, 7, "GR-2")
    assert books.load("receipts", "receipt_number = 'GR-1'")["quarantined"] == 1
    assert books.load("receipts", "true") == {**NOTHING, "received": 1, "quarantined": 1}
    books.receive("PO-1", 1, 9, "GR-3")
    assert books.load("receipts") == {**NOTHING, "received": 2, "accepted": 2}
    assert books.quarantine() == [("GR-1", "accepted", 2)]
    assert books.load("receipts") == NOTHING
    found = books.connection.execute(
        "SELECT receipt_number, sent_quantity, sent_uom, received_at FROM purchasing.receipt_line ORDER BY 1"
    ).fetchall()
    assert [row[0] for row in found] == ["GR-1", "GR-2", "GR-3"]
    assert (found[0][1], found[0][2]) == (Decimal(5), "EA")
    assert found[0][3] == found[1][3]
    [totals] = books.connection.execute(
        "SELECT sum(judged_again), sum(source_count) FROM intake.load"
    ).fetchall()
    assert totals == (2, 3)


def test_a_part_read_again_and_what_cannot_be_read_stay_out_of_it(books):
    books.receive("PO-1", 1, 5, "GR-1")
    books.receive(
        "PO-1", 1, 6, "GR-2", defects=Jsonb([{"field": "uom", "value": "?", "reason": "unreadable"}])
    )
    books.load("receipts", "true")
    assert books.load("receipts", advances=False) == NOTHING
    assert books.load("receipts") == {**NOTHING, "received": 1, "accepted": 1}
    assert books.quarantine() == [("GR-1", "accepted", 1), ("GR-2", "open", 1)]


def test_discarded_content_stays_known(books, ledger):
    books.receive("PO-1", 1, 5, "GR-1")
    books.load("receipts", "true")
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE intake.quarantine SET state = 'discarded'")
    assert books.load("receipts") == NOTHING
    books.receive("PO-1", 1, 5, "GR-1")
    assert books.load("receipts") == {**NOTHING, "received": 1, "known": 1}


def test_document_set_aside_by_the_same_checks_keeps_its_case(books):
    for _ in range(2):
        books.invoice("R-1", [("PO-1", 1, 1, 10)])
        books.load("invoices", "true")
        books._one("SELECT review.open_cases(%s)", books.run_id)
    assert books.quarantine() == [("R-1", "open", 2)]
    assert cases(books) == ["open"]
    books.invoice("R-1", [("PO-1", 1, 1, 10)])
    books.load("invoices", "true", "other")
    books._one("SELECT review.open_cases(%s)", books.run_id)
    assert books.quarantine() == [("R-1", "superseded", 2), ("R-1", "open", 1)]
    assert cases(books) == ["superseded", "open"]
    books.invoice("R-1", [("PO-1", 1, 1, 10)])
    assert books.load("invoices")["accepted"] == 1
    assert cases(books) == ["superseded", "superseded"]
    assert books.connection.execute("SELECT DISTINCT settled_by FROM review.case_item").fetchall() == [
        ("facts",)
    ]


def cases(books: Nights) -> list[str]:
    return [
        row[0]
        for row in books.connection.execute("SELECT state FROM review.case ORDER BY case_id").fetchall()
    ]


def test_corrected_envelope_counts(books):
    """The same bytes in another envelope: the one that names the company, in the same night or a later one."""
    content = books.invoice("R-1", [("PO-1", 1, 1, 10)])
    books.pending["invoices"][0]["row"]["entity"] = None
    assert books.load("invoices", "entity IS NULL")["quarantined"] == 1
    for entity, name in ((None, "late.xml"), ("1000", "right.xml")):
        books.invoice("R-1", [("PO-1", 1, 1, 10)])
        row = books.pending["invoices"][-1]["row"]
        assert row["content_hash"].hex() == content
        row |= {"entity": entity, "filename": name}
    assert books.load("invoices", "entity IS NULL") == {
        **NOTHING,
        "received": 2,
        "accepted": 1,
        "known": 1,
    }
    assert books.quarantine() == [("R-1", "accepted", 1)]
    assert books.connection.execute(
        "SELECT entity, count(*) FROM purchasing.invoice JOIN purchasing.invoice_line USING (invoice_id) GROUP BY 1"
    ).fetchall() == [("1000", 1)]


def test_read_again_takes_the_latest_envelope(books):
    for name in ("first.xml", "second.xml"):
        books.invoice("R-1", [("PO-1", 1, 1, 10)])
        books.pending["invoices"][0]["row"] |= {"filename": name}
        books.load("invoices", "true")
    [(kept,)] = books.connection.execute(
        "SELECT row_content ->> 'filename' FROM intake.quarantine"
    ).fetchall()
    assert kept == "second.xml"


# -- order changes ---------------------------------------------------------------------------------------------------


def at(day: int) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC)


def test_refused_order_change_makes_the_line_doubtful(books):
    books.supplier()
    books.order("PO-1", 1, 10, 10, updated_at=at(1))
    books.order("PO-1", 2, 10, 10, updated_at=at(1))
    books.receive("PO-1", 1, 10)
    books.invoice("R-1", [("PO-1", 1, 10, 10)])
    books.invoice("R-2", [("PO-1", 2, 10, 10)])
    books.match()
    assert (books.doubtful(), books.queued()) == ([], [])
    books.order("PO-1", 1, 1, 10, version=2, status="closed", updated_at=at(2))
    books.load("orders", "version = 2")
    assert (books.doubtful(), books.queued()) == (["PO-1/1"], ["R-1"])
    books.match()
    # nothing new: still doubtful, and not looked at night after night
    books.load("orders", "version = 2")
    assert (books.doubtful(), books.queued()) == (["PO-1/1"], [])
    # a later version passes
    books.order("PO-1", 1, 2, 10, version=3, updated_at=at(3))
    books.load("orders")
    assert (books.doubtful(), books.queued()) == ([], ["R-1"])
    assert books.quarantine() == [("PO-1", "superseded", 2)]


def test_order_goes_back_to_what_was_accepted(books):
    books.order("PO-1", 1, 10, 10)
    books.load("orders")
    books.order("PO-1", 1, 1, 10, version=2)
    books.load("orders", "version = 2")
    assert books.doubtful() == ["PO-1/1"]
    books.order("PO-1", 1, 10, 10)
    books.load("orders")
    assert books.doubtful() == []


def test_older_version_in_quarantine_doubts_nothing(books):
    books.order("PO-1", 1, 10, 10, version=2, updated_at=at(2))
    books.load("orders")
    books.order("PO-1", 1, 9, 10, version=1, updated_at=at(1))
    books.load("orders", "version = 1")
    assert books.doubtful() == []


def test_refused_change_dated_ahead_ends_with_the_next_one(books):
    books.order("PO-1", 1, 10, 10, updated_at=at(1))
    books.load("orders")
    books.order("PO-1", 1, 9, 10, version=2, updated_at=datetime(2099, 1, 1, tzinfo=UTC))
    books.load("orders", "version = 2")
    assert books.doubtful() == ["PO-1/1"]
    books.order("PO-1", 1, 8, 10, version=3, updated_at=at(3))
    books.load("orders")
    assert books.doubtful() == []


def test_change_of_an_unreadable_line_doubts_each_line_it_may_mean(books):
    books.order("PO-1", 1, 10, 10)
    books.order("PO-1", 2, 10, 10)
    books.order("PO-2", 1, 10, 10)
    books.load("orders")
    books.order("PO-1", 1, 1, 10, version=2)
    books.pending["orders"][0]["row"]["po_line"] = None
    books.load("orders", "po_line IS NULL")
    assert books.doubtful() == ["PO-1/1", "PO-1/2"]


def test_discarded_order_change_is_doubted_no_longer(books, ledger):
    books.order("PO-1", 1, 10, 10)
    books.load("orders")
    books.order("PO-1", 1, 1, 10, version=2)
    books.load("orders", "version = 2")
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE intake.quarantine SET state = 'discarded'")
    books.load("receipts")
    assert books.doubtful() == []


def test_report_lists_what_is_open(books, ledger):
    books.receive("PO-1", 1, 5, "GR-1")
    books.load("receipts", "true")
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE intake.quarantine SET quarantined_at = now() - interval '3 days'")
    books.load("receipts", "true")
    assert books._one("SELECT ops.build_report(%s) -> 'quarantine_open'", books.run_id) == [
        {"dataset": "receipts", "reason": "it is bad", "count": 1, "oldest_days": 3}
    ]
