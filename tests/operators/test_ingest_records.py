"""Orders, receipts and suppliers into staging: everything or nothing, every row accounted for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Ledger
from tests.hooks.source_server import Answer, Asked, SourceServer, page

from backoffice.exceptions import ConfigurationError, ControlTotalsError, SourceUnavailableError
from backoffice.operators.ingest import IngestRecordsOperator

PROJECT = Path(__file__).resolve().parents[2]
Rows = Callable[..., list[dict[str, Any]]]
Contexts = Callable[..., dict[str, Any]]


def order(number: int, **changes: object) -> dict[str, object]:
    return {
        "entity": "1000",
        "po_number": f"45{number:08}",
        "po_line": "00010",
        "supplier_id": "S1",
        "currency": "EUR",
        "quantity": "3",
        "uom": "C62",
        "unit_price": "1.10",
        "price_base_quantity": "1",
        "match_type": 3,
        "gr_based": False,
        "approved": True,
        "status": "open",
        "version": 1,
        "updated_at": "2026-11-20T08:00:00Z",
        **changes,
    }


def orders_in_pages(items: list[Any], size: int, **changes: Any) -> Callable[[Asked], Answer]:
    """A list of orders in pages of ``size``."""

    def answer(asked: Asked) -> Answer:
        start = int(asked.query.get("cursor", "0"))
        rest = f"/erp/orders?cursor={start + size}" if start + size < len(items) else None
        return page(items[start : start + size], rest, **changes)

    return answer


def operator(dataset: Any = "orders", **changes: Any) -> IngestRecordsOperator:
    arguments = {
        "endpoint": "/erp/orders",
        "source": "erp",
        "http_conn_id": "test_source",
        "process": "p",
        **changes,
    }
    return IngestRecordsOperator(task_id="ingest", dataset=dataset, **arguments)


def test_orders_are_staged_page_by_page(server: SourceServer, books: Ledger, context: Contexts, rows: Rows):
    items = [
        order(1),
        order(2, quantity="2,5"),
        order(3, unknown="kept in the raw page"),
        "no order",
        order(5),
    ]
    control = {"count": 5, "amount": "16.50"}
    server.answers["/erp/orders"] = orders_in_pages(items, 2, control=control)
    result = operator(page_size=2).execute(context())
    assert result == {
        "run_id": result["run_id"],
        "load_id": result["load_id"],
        "source": "erp",
        "dataset": "orders",
        "rows": 5,
        "with_defects": 2,
        "pages": 3,
    }
    staged = rows(
        "SELECT * FROM intake.stage_order_line WHERE load_id = %s ORDER BY row_no", result["load_id"]
    )
    assert [row["row_no"] for row in staged] == [1, 2, 3, 4, 5]
    assert [row["control_amount"] for row in staged] == [
        Decimal("3.30"),
        None,
        Decimal("3.30"),
        None,
        Decimal("3.30"),
    ]
    assert staged[0]["po_number"] == "4500000001"
    assert staged[1]["quantity"] is None
    assert staged[1]["defects"][0]["value"] == "2,5"
    assert staged[3]["defects"][0]["reason"].startswith("not an object")
    [load] = rows("SELECT * FROM intake.load WHERE load_id = %s", result["load_id"])
    assert (load["state"], load["source_count"], load["received_count"], load["received_unknown"]) == (
        "read",
        5,
        5,
        2,
    )
    assert (load["received_amount"], load["advances_watermark"]) == (Decimal("9.90"), True)
    assert load["window_until"] == datetime(2026, 11, 22, 5, tzinfo=UTC)
    documents = rows(
        "SELECT d.* FROM intake.stage_order_line JOIN intake.document d USING (document_id) ORDER BY row_no"
    )
    assert json.loads(bytes(documents[2]["content"]))["items"][0]["unknown"] == "kept in the raw page"
    assert bytes(documents[0]["content"]) == bytes(documents[1]["content"]) != bytes(documents[2]["content"])


def test_what_no_database_can_hold_is_a_defect_of_its_row(
    server: SourceServer, books: Ledger, context: Contexts, rows: Rows
):
    hostile = [
        order(1, description="a\x00b"),
        order(2, description="\ud800"),
        order(3, po_number="x" * 100_000),
        order(4, quantity="9" * 5000),
        order(5, updated_at="0001-01-01T00:00:00+14:00"),
        order(6, item={"deep": [[[["\x00"]]]]}),
        order(7, version=10**30),
        order(8, match_type="3; DROP TABLE intake.load"),
        order(9, description="\t'\\N\\.\r\n$$"),
        None,
        [],
    ]
    server.answers["/erp/orders"] = lambda _: Answer(
        json.dumps({"items": hostile, "next": None, "as_of": "2026-11-22T05:00:00Z"}).encode()
    )
    result = operator().execute(context())
    assert (result["rows"], result["with_defects"]) == (11, 10)
    staged = rows("SELECT row_no, defects, description FROM intake.stage_order_line ORDER BY row_no")
    named = [row["defects"][0]["field"] if row["defects"] else None for row in staged]
    assert named == [
        "description",
        "description",
        "po_number",
        "quantity",
        "updated_at",
        "item",
        "version",
        "match_type",
        None,
        "record",
        "record",
    ]
    assert staged[8]["description"] == "'\\N\\.\r\n$$"


def test_row_that_names_a_field_twice_is_a_defect_of_that_row(
    server: SourceServer, books: Ledger, context: Contexts, rows: Rows
):
    """Which of two quantities was meant nobody can say; the rows beside it are as good as ever."""
    sound = json.dumps(order(1))
    twice = json.dumps(order(2)).replace('"quantity": "3"', '"quantity": "3", "quantity": "300"')
    body = f'{{"items": [{sound}, {twice}], "next": null, "as_of": "2026-11-22T05:00:00Z"}}'
    server.answers["/erp/orders"] = lambda _: Answer(body.encode())
    assert operator().execute(context())["with_defects"] == 1
    first, second = rows("SELECT quantity, po_number, defects FROM intake.stage_order_line ORDER BY row_no")
    assert (first["quantity"], first["defects"]) == (Decimal(3), None)
    assert (second["quantity"], second["po_number"]) == (None, None)
    assert [defect["reason"] for defect in second["defects"]] == ["names a field more than once: quantity"]


def test_source_whose_clock_is_ahead_keeps_nothing(
    server: SourceServer, books: Ledger, context: Contexts, rows: Rows
):
    """Its moment would become the watermark, and nothing would ever be asked for again."""
    server.answers["/erp/orders"] = lambda _: page([order(1)], as_of="2099-01-01T00:00:00Z")
    with pytest.raises(SourceUnavailableError, match="its clock is wrong"):
        operator().execute(context())
    assert rows("SELECT * FROM intake.load") == rows("SELECT * FROM intake.stage_order_line") == []


@pytest.mark.parametrize(
    "control", [{"count": 2, "amount": None}, {"count": 0}, {"count": 1, "amount": "3.31"}]
)
def test_totals_that_do_not_tie_keep_nothing(
    server: SourceServer, books: Ledger, context: Contexts, rows: Rows, control: dict[str, object]
):
    server.answers["/erp/orders"] = lambda _: page([order(1)], control=control)
    with pytest.raises(ControlTotalsError, match="does not tie"):
        operator().execute(context())
    assert rows("SELECT * FROM intake.load") == []
    assert rows("SELECT * FROM intake.stage_order_line") == []


def test_source_that_breaks_off_keeps_nothing(
    server: SourceServer, books: Ledger, context: Contexts, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    server.answers["/erp/orders"] = lambda asked: (
        page([order(1)], "/erp/more") if asked.path == "/erp/orders" else page([])
    )
    server.answers["/erp/more"] = lambda _: Answer(b"", 503)
    with pytest.raises(SourceUnavailableError):
        operator().execute(context())
    assert rows("SELECT * FROM intake.load") == []
    assert rows("SELECT * FROM intake.document") == []
    assert len(rows("SELECT * FROM ops.run")) == 1


def test_a_second_attempt_supersedes_the_first(
    server: SourceServer, books: Ledger, context: Contexts, rows: Rows
):
    server.answers["/erp/orders"] = lambda _: page([order(1)])
    first = operator().execute(context())
    second = operator().execute(context())
    assert first["run_id"] == second["run_id"]
    states = rows("SELECT load_id, state FROM intake.load ORDER BY load_id")
    assert [row["state"] for row in states] == ["superseded", "read"]


def test_window_goes_on_where_the_last_accepted_load_ended(
    server: SourceServer, books: Ledger, context: Contexts
):
    server.answers["/erp/orders"] = lambda _: page([order(1)])
    operator().execute(context())
    assert "updated_since" not in server.asked[0].query
    with books.connect("admin") as connection:
        connection.execute("INSERT INTO intake.watermark VALUES ('erp', 'orders', '2026-11-22T05:00:00Z', 1)")
    operator().execute(context("manual__2"))
    since = datetime.fromisoformat(server.asked[1].query["updated_since"])
    assert since < datetime(2026, 11, 22, 5, tzinfo=UTC)
    assert "updated_until" not in server.asked[1].query


def test_period_and_selection_are_read_again_without_moving_the_watermark(
    server: SourceServer, books: Ledger, context: Contexts, rows: Rows
):
    with books.connect("admin") as connection:
        connection.execute("INSERT INTO intake.watermark VALUES ('erp', 'orders', '2026-11-22T05:00:00Z', 1)")
    server.answers["/erp/orders"] = lambda _: page([order(1)])
    operator().execute(
        context(period_from="2026-10-01", period_until="2026-10-31", supplier="S1", entity="1000")
    )
    assert server.asked[0].query == {
        "updated_since": "2026-10-01T00:00:00.000000Z",
        "updated_until": "2026-11-01T00:00:00.000000Z",
        "page_size": "1000",
        "supplier_id": "S1",
        "entity": "1000",
    }
    [load] = rows("SELECT advances_watermark, window_from FROM intake.load")
    assert load == {"advances_watermark": False, "window_from": None}


@pytest.mark.parametrize(
    "params",
    [
        {"period_from": "31.10.2026"},
        {"period_from": "2026-10-31T08:00:00"},
        {"period_from": "2026-11-01", "period_until": "2026-10-31"},
        {"period_until": "9999-12-31"},
        {"period_from": 7},
    ],
)
def test_unreadable_period_is_refused(
    server: SourceServer, books: Ledger, context: Contexts, params: dict[str, object]
):
    with pytest.raises(ConfigurationError, match="period"):
        operator().execute(context(**params))
    assert server.asked == []


def test_receipts(server: SourceServer, books: Ledger, context: Contexts, rows: Rows):
    receipt = {
        "entity": "1000",
        "receipt_number": "R1",
        "receipt_line": "1",
        "po_number": "45",
        "po_line": "10",
        "quantity": "5.5",
        "uom": "C62",
        "received_at": "2026-11-20T10:00:00Z",
        "reverses": None,
        "updated_at": "2026-11-20T10:00:00Z",
    }
    back = {
        **receipt,
        "receipt_number": "R2",
        "quantity": "-0.5",
        "reverses": {"receipt_number": "R1", "receipt_line": "1"},
    }
    server.answers["/warehouse/receipts"] = lambda _: page(
        [receipt, back], control={"count": 2, "amount": "5.0"}
    )
    operator("receipts", endpoint="/warehouse/receipts", source="warehouse").execute(context())
    staged = rows("SELECT * FROM intake.stage_receipt_line ORDER BY row_no")
    assert [row["control_amount"] for row in staged] == [Decimal("5.5"), Decimal("-0.5")]
    assert [(row["reverses_number"], row["reverses_line"]) for row in staged] == [(None, None), ("R1", "1")]
    assert [row["value_known"] for row in staged] == [False, False]


def test_suppliers(server: SourceServer, books: Ledger, context: Contexts, rows: Rows):
    supplier = {
        "supplier_id": "S1",
        "name": "Bolts",
        "vat_id": "DE 1",
        "blocked": False,
        "payment_terms_days": 30,
    }
    server.answers["/erp/suppliers"] = lambda _: page([supplier], control={"count": 1, "amount": None})
    operator("suppliers", endpoint="/erp/suppliers").execute(context())
    [staged] = rows("SELECT * FROM intake.stage_supplier")
    assert (staged["vat_id"], staged["blocked"], staged["payment_terms_days"], staged["control_amount"]) == (
        "DE1",
        False,
        30,
        0,
    )


def test_empty_list_is_a_load_of_nothing(server: SourceServer, books: Ledger, context: Contexts, rows: Rows):
    server.answers["/erp/orders"] = lambda _: page([], control={"count": 0, "amount": "0"})
    assert operator().execute(context())["rows"] == 0
    [load] = rows("SELECT state, received_count, received_amount FROM intake.load")
    assert load == {"state": "read", "received_count": 0, "received_amount": 0}


@pytest.mark.parametrize(("name", "value"), [("dataset", "invoices"), ("page_size", 0), ("page_size", 10**6)])
def test_wrong_arguments_are_refused_at_parse_time(name: str, value: Any):
    with pytest.raises(ValueError, match=name):
        operator(**{name: value})


MEMORY_SCRIPT = """
import json, resource, sys
from types import SimpleNamespace
import airflow.sdk
from backoffice.operators.ingest import IngestRecordsOperator
from tests.hooks.source_server import page, serving
from tests.operators.test_ingest_records import order
import os
count, size = int(sys.argv[1]), 1000
with serving() as server:
    os.environ["AIRFLOW_CONN_TEST_SOURCE"] = server.connection()
    def answer(asked):
        start = int(asked.query.get("cursor", "0"))
        server.asked.clear()
        more = f"/erp/orders?cursor={start + size}" if start + size < count else None
        return page([order(number) for number in range(start, start + size)], more, control={"count": count})
    server.answers["/erp/orders"] = answer
    task = IngestRecordsOperator(
        task_id="i",
        dataset="orders",
        endpoint="/erp/orders",
        source="erp",
        http_conn_id="test_source",
        process="p",
    )
    context = {"dag_run": SimpleNamespace(dag_id="d", run_id=f"r{count}"), "params": {}}
    assert task.execute(context)["rows"] == count
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_kib(count: int) -> int:
    import os

    environment = {**os.environ, "PYTHONPATH": f"{PROJECT / 'plugins'}:{PROJECT}"}
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_SCRIPT, str(count)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return int(done.stdout.split()[-1])


def test_memory_does_not_grow_with_the_list(books: Ledger):
    """Forty times the rows may cost a little more memory (buffers), not forty times more."""
    assert peak_kib(40_000) < peak_kib(1_000) + 20 * 1024
