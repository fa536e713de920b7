"""Put a book into the ledger database as accepted facts.

Everything happens in the caller's transaction, as the database's superuser: how documents come to be accepted
is not what is tested here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from tests.oracle.book import Book, Invoice, OrderLine
from tests.oracle.rows import (
    NOON,
    Row,
    approval_row,
    invoice_line_row,
    invoice_row,
    invoice_status_row,
    line_state_row,
    order_line_row,
    receipt_row,
    supplier_row,
    tax_row,
    tolerance_row,
)

Connection = psycopg.Connection[tuple[Any, ...]]
LOAD_COUNTS = tuple(
    f"{part}_{what}"
    for part in ("received", "accepted", "quarantined", "known")
    for what in ("count", "amount", "unknown")
)


@dataclass
class Loaded:
    """The run to evaluate in, and the database's ids of the book's documents, lines and order lines."""

    run_id: int
    invoices: dict[int, str]
    lines: dict[int, tuple[str, int]]
    order_lines: dict[OrderLine, int]


def load_book(connection: Connection, book: Book) -> Loaded:
    """Insert all facts of the book and queue all its documents."""
    loaded = load_masters(connection, book)
    load_documents(connection, book, book.invoices, loaded)
    return loaded


def load_masters(connection: Connection, book: Book) -> Loaded:
    """Insert all but the documents, and replace limits and unit factors by the book's."""
    loaded = Loaded(open_run(connection, book, "first"), {}, {}, {})
    _load_settings(connection, book)
    load = {"load_id": _accept_empty_loads(connection, loaded.run_id)}
    _insert_many(connection, "purchasing.supplier", [supplier_row(known) | load for known in book.suppliers])
    for order_line in book.order_lines:
        loaded.order_lines[order_line] = _insert(
            connection, "purchasing.order_line", order_line_row(order_line) | load, "order_line_id"
        )
    receipts = [receipt_row(book, receipt, loaded.order_lines) | load for receipt in book.receipts]
    _insert_many(connection, "purchasing.receipt_line", receipts)
    return loaded


def load_documents(connection: Connection, book: Book, invoices: Sequence[Invoice], loaded: Loaded) -> None:
    """Insert these documents of the book and queue them for matching."""
    load = {"load_id": _accept_empty_loads(connection, loaded.run_id)}
    known = set(loaded.invoices)
    for invoice in invoices:
        _load_invoice(connection, book, invoice, loaded, load)
    connection.execute(
        "INSERT INTO ledger.match_queue (invoice_id) SELECT unnest(%s::bigint[])"
        " ON CONFLICT (invoice_id) DO NOTHING",
        [[invoice_id for invoice_id in loaded.invoices if invoice_id not in known]],
    )


def open_run(connection: Connection, book: Book, name: str) -> int:
    """Open a run on the book's business date."""
    connection.execute("DELETE FROM ops.simulated_clock")
    connection.execute("INSERT INTO ops.simulated_clock (business_date) VALUES (%s)", [book.business_date])
    run = {
        "process": "invoice_reconciliation",
        "dag_id": "invoice_reconciliation",
        "airflow_run_id": f"oracle {name}",
        "business_date": book.business_date,
        "package_version": "oracle",
    }
    return _insert(connection, "ops.run", run, "run_id")


def _insert(connection: Connection, table: str, row: Row, returning: str) -> int:
    columns = ", ".join(row)
    placeholders = ", ".join(["%s"] * len(row))
    answer = connection.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({placeholders}) RETURNING {returning}", list(row.values())
    ).fetchone()
    if answer is None:
        raise AssertionError(f"{table} took no row")
    return int(answer[0])


def _insert_many(connection: Connection, table: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    columns = ", ".join(rows[0])
    placeholders = ", ".join(["%s"] * len(rows[0]))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({placeholders})", [list(row.values()) for row in rows]
        )


def _accept_empty_loads(connection: Connection, run_id: int) -> int:
    """Let every source have delivered tonight, so that no line waits for a source; return the last load."""
    load_id = 0
    for dataset in ("suppliers", "orders", "receipts", "invoices"):
        load = {
            "run_id": run_id,
            "source": "oracle",
            "dataset": dataset,
            "parser": "oracle",
            "state": "accepted",
        }
        times = dict.fromkeys(("window_until", "read_at", "accepted_at"), NOON)
        counts = dict.fromkeys(LOAD_COUNTS, 0)
        load_id = _insert(connection, "intake.load", {**load, **times, **counts}, "load_id")
    return load_id


def _load_settings(connection: Connection, book: Book) -> None:
    for entity, currency in book.entities:
        connection.execute(
            "INSERT INTO ops.entity (entity, name, ledger_currency) VALUES (%s, %s, %s)"
            " ON CONFLICT (entity) DO UPDATE SET ledger_currency = excluded.ledger_currency",
            [entity, f"Entity {entity}", currency],
        )
    connection.execute(
        "SELECT ledger.activate_policy(regexp_replace(regexp_replace(content, '^version: .*$', 'version: ' || version + 1, 'n'),"
        " '^machine_limit: .*$', 'machine_limit: ' || %s || ' EUR', 'n'), 'book')"
        " FROM ledger.active_policy WHERE policy_id = 'approve_invoice'",
        [f"{book.machine_limit:f}"],
    )
    connection.execute("DELETE FROM ledger.tolerance")
    connection.execute("DELETE FROM purchasing.uom_factor")
    _insert_many(connection, "ledger.tolerance", [tolerance_row(row) for row in book.tolerances])
    _insert_many(connection, "purchasing.uom_factor", [vars(factor) for factor in book.factors])


def _load_invoice(connection: Connection, book: Book, invoice: Invoice, loaded: Loaded, load: Row) -> None:
    """Insert a document; one that is booked or rejected has been matched, so its lines have states too."""
    invoice_id = _insert(connection, "purchasing.invoice", invoice_row(invoice) | load, "invoice_id")
    loaded.invoices[invoice_id] = invoice.ref
    belongs = {"invoice_id": invoice_id}
    states = []
    for line in invoice.lines:
        row = invoice_line_row(book, invoice, line, loaded.order_lines) | belongs
        line_id = _insert(connection, "purchasing.invoice_line", row, "invoice_line_id")
        loaded.lines[line_id] = (invoice.ref, line.position)
        states.append(line_state_row(invoice, invoice_id, line_id, row, loaded.run_id))
    taxes = [tax_row(tax, position) | belongs for position, tax in enumerate(invoice.taxes, start=1)]
    _insert_many(connection, "purchasing.invoice_tax", taxes)
    if invoice.rejected or invoice.booked:
        _insert_many(
            connection, "ledger.invoice_status", [invoice_status_row(invoice, invoice_id, loaded.run_id)]
        )
        _insert_many(connection, "ledger.line_state", states)
    if invoice.approved:
        _insert_many(connection, "ledger.hold", [approval_row(invoice, invoice_id, loaded.run_id)])
