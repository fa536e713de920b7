"""What tasks can bring in by lying about the sources, and what they cannot."""

from __future__ import annotations

import psycopg
import pytest
from tests.books import Books
from tests.integration.attacks.target import Target, expect_nothing_gained

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("when", ["closed", "gated", "accepted"])
def test_rows_staged_behind_a_closed_load_never_become_facts(target: Target, victim: str, when: str) -> None:
    with target.copies.connect(victim, "app") as app:
        books = Books(app).open_run("forged")
        books.order("PO-7", 1, 1, 1)
        load_id = books.stage("orders", gate=when != "closed")
        if when == "accepted":
            app.execute("SELECT intake.accept_loads(%s)", (books.run_id,))
        app.execute(
            "INSERT INTO intake.stage_order_line (load_id, row_no, content_hash, control_amount, entity, po_number, po_line, supplier_id, currency, quantity, uom, unit_price, match_type, approved, status, gr_based) "
            "VALUES (%s, 99, 'x', 1, '1000', 'PO-FORGED', '1', 'S1', 'EUR', 1, 'EA', 1, 2, true, 'open', false)",
            (load_id,),
        )
        app.commit()
        if when == "closed":
            app.execute("SELECT intake.mark_gated(%s, '{}')", (load_id,))
        if when != "accepted":
            with pytest.raises(psycopg.errors.CheckViolation):
                app.execute("SELECT intake.accept_loads(%s)", (books.run_id,))
            app.rollback()
        assert app.execute(
            "SELECT count(*) FROM purchasing.order_line WHERE po_number = 'PO-FORGED'"
        ).fetchone() == (0,)


def test_a_forged_copy_of_a_receipt_replaces_nothing(target: Target, victim: str) -> None:
    """The same receipt number with another quantity is set aside, even past the gate."""
    with target.copies.connect(victim, "app") as app:
        number = app.execute(
            "SELECT receipt_number FROM purchasing.receipt_line r JOIN purchasing.order_line o USING (order_line_id) WHERE o.po_line = '3'"
        ).fetchone()[0]
        books = Books(app).open_run("forged")
        books.receive("PO-1", 3, 1000, number)
        books.stage("receipts")
        app.execute("SELECT intake.accept_loads(%s)", (books.run_id,))
        set_aside = app.execute(
            "SELECT findings -> 0 ->> 'check_id', state FROM intake.quarantine WHERE business_key = %s",
            (number,),
        ).fetchall()
        assert set_aside == [("receipt_changed", "open")]
    expect_nothing_gained(target, victim, beside="quarantine")


def test_what_a_stolen_task_log_in_can_do_is_lie_about_the_sources(target: Target, victim: str) -> None:
    """Not stopped, and said so in docs/explanation/threats.md: who holds the tasks' log-in transcribes the sources.

    A forged version of an order, at the price billed, clears the price hold, and the machine pays. What stays: the version
    before it, the load that brought it with its run and time, and every limit that does not depend on the sources.
    """
    with target.copies.connect(victim, "app") as app:
        books = Books(app).open_run("forged")
        books.order("PO-1", 2, 100, 12, version=2)
        books.night()
        assert books.status("R-PRICE") == ("matched", True, False)
        versions = app.execute(
            "SELECT version_no, load_id FROM purchasing.master_version WHERE business_key = '1000/PO-1/2' ORDER BY 1"
        ).fetchall()
        assert len(versions) == 2
        assert app.execute(
            "SELECT count(*) FROM audit.record WHERE subject = %s AND convert_from(body, 'UTF8') LIKE '%%load accepted%%'",
            (f"run:{books.run_id}",),
        ).fetchone() == (1,)
        books.order("PO-1", 8, 1000, 1000, version=2)
        books.receive("PO-1", 8, 5000, "GR-FORGED")
        books.night()
        assert books.status("R-BIG") == ("held", False, None), (
            "no lie about a source lifts the machine's limit"
        )
