"""The verdict's text, unchanged, gives the same rows on Postgres and on DuckDB: the way off one machine stays open."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest
from tests.night import run_night

from backoffice import settings

pytestmark = pytest.mark.integration

# The widest type: the products of the verdict need more digits than the columns they come from.
TABLES = {
    "work_line": {
        "invoice_line_id": "BIGINT", "invoice_id": "BIGINT", "document_order": "BIGINT", "order_line_id": "BIGINT", "tolerance_id": "BIGINT",
        "receipts": "BIGINT", "unknown_receipts": "BIGINT", "match_type": "SMALLINT", "in_scope": "BOOLEAN", "evaluated": "BOOLEAN",
        "booked": "BOOLEAN", "is_credit": "BOOLEAN", "counts": "BOOLEAN", "supplier_mismatch": "BOOLEAN",
        "currency_diff": "BOOLEAN", "po_not_approved": "BOOLEAN", "po_closed": "BOOLEAN", "uom_unmapped": "BOOLEAN", "line_arith": "BOOLEAN",
        "amount_based": "BOOLEAN", "order_gate": "VARCHAR", "quantity": "DECIMAL(38,4)", "net_amount": "DECIMAL(38,4)",
        "quantity_scale": "DECIMAL(38,0)", "ordered": "DECIMAL(38,4)", "order_price": "DECIMAL(38,6)", "price_denominator": "DECIMAL(38,4)",
        "received": "DECIMAL(38,4)", "received_value": "DECIMAL(38,2)",
    },
    "work_unbookable": {"invoice_id": "BIGINT"},
    "work_credit": {
        "order_line_id": "BIGINT", "invoice_id": "BIGINT", "quantity": "DECIMAL(38,4)", "amount": "DECIMAL(38,4)", "in_excess": "BOOLEAN",
        "credited_quantity": "DECIMAL(38,4)", "credited_value": "DECIMAL(38,4)", "billed_quantity": "DECIMAL(38,4)",
        "billed_value": "DECIMAL(38,4)", "credited": "BOOLEAN",
    },
    "work_tolerance": {
        "tolerance_id": "BIGINT", "qty_ord_pct": "DECIMAL(38,4)", "qty_ord_abs": "DECIMAL(38,4)", "qty_ord_lenient": "BOOLEAN",
        "qty_rec_pct": "DECIMAL(38,4)", "qty_rec_abs": "DECIMAL(38,4)", "qty_rec_lenient": "BOOLEAN", "amt_rec_pct": "DECIMAL(38,4)",
        "amt_rec_abs": "DECIMAL(38,4)", "amt_rec_lenient": "BOOLEAN", "no_receipt_abs": "DECIMAL(38,4)", "price_pct": "DECIMAL(38,4)",
        "price_abs": "DECIMAL(38,4)", "price_lenient": "BOOLEAN", "credit_excess_abs": "DECIMAL(38,4)",
    },
}  # fmt: skip


def normal(rows):
    """Rows in one order with numbers compared by value."""
    return sorted(
        (tuple(cell.normalize() if isinstance(cell, Decimal) else cell for cell in row) for row in rows),
        key=str,
    )


def test_postgres_and_duckdb_agree_on_every_line(ledger, company):
    company(5, 300, "realistic")
    run_night("night")
    engine = duckdb.connect()
    with ledger.connect("admin") as connection:
        connection.execute("SET search_path = ledger")
        for table, columns in TABLES.items():
            spelled = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            engine.execute(f"CREATE TABLE {table} ({spelled})")
            rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
            assert rows
            engine.executemany(f"INSERT INTO {table} VALUES ({', '.join(['?'] * len(columns))})", rows)
        for name, least in (("judge_credit_notes", 5), ("judge_invoice_lines", 50)):
            verdict = settings.sql(f"invoice_reconciliation/{name}")
            on_postgres = connection.execute(verdict).fetchall()
            on_duckdb = engine.execute(verdict).fetchall()
            assert len(on_postgres) >= least
            assert normal(on_postgres) == normal(on_duckdb)
