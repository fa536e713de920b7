"""Stages loads for the gate as ingest does: as the application role, through the ledger's own functions."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from tests.integration.quality_gate.rows import Row, sound

TABLES = {
    "suppliers": "stage_supplier",
    "orders": "stage_order_line",
    "receipts": "stage_receipt_line",
    "invoices": "stage_invoice",
    "invoice_lines": "stage_invoice_line",
    "invoice_taxes": "stage_invoice_tax",
}
DATASET_OF = dict.fromkeys(("invoices", "invoice_lines", "invoice_taxes"), "invoices") | {
    name: name for name in ("suppliers", "orders", "receipts")
}


class Stager:
    """Stages loads as the application role, through the ledger's own functions."""

    def __init__(self, connection: psycopg.Connection[Any], dag_id: str = "invoice_reconciliation") -> None:
        self.connection = connection
        self.dag_id = dag_id

    def open_run(self, run_id: str = "night-1") -> int:
        return int(
            self._one(
                "SELECT ops.open_run('invoice_reconciliation', %s, %s, false, '{}', '0')",
                (self.dag_id, run_id),
            )
        )

    def today(self) -> date:
        return self._one("SELECT ops.business_date('1000')", ())

    def open_load(self, run: int, dataset: str, source: str = "test", profile: str | None = None) -> int:
        return int(
            self._one(
                "SELECT load_id FROM intake.open_load(%s, %s, %s, 'test/1', %s, true)",
                (run, source, dataset, profile),
            )
        )

    def finish_load(self, load_id: int) -> None:
        self.connection.execute("SELECT intake.finish_load(%s, now(), NULL, NULL)", (load_id,))

    def rows(self, suite: str, load_id: int, rows: list[Row]) -> None:
        """Stage rows, numbered from 1; the content hash follows the content, as in ingest."""
        for number, row in enumerate(rows, start=1):
            values = {name: Jsonb(value) if name == "defects" else value for name, value in row.items()}
            if suite not in ("invoice_lines", "invoice_taxes"):
                content = "|".join(f"{name}={row[name]}" for name in sorted(row) if name != "updated_at")
                values.setdefault("content_hash", hashlib.sha256(content.encode()).digest())
            values = {"load_id": load_id, "row_no": number, **values}
            columns = ", ".join(values)
            self.connection.execute(
                f"INSERT INTO intake.{TABLES[suite]} ({columns}) VALUES ({', '.join(['%s'] * len(values))})",
                list(values.values()),
            )

    def _one(self, statement: str, values: tuple[Any, ...]) -> Any:
        row = self.connection.execute(statement, values).fetchone()
        assert row is not None
        return row[0]


def stage_suite(stager, suite, rows, run_id="night-1", source="test", profile=None):
    """Stage the rows of one suite as a finished load; lines and taxes get a sound document to belong to."""
    run, dataset = stager.open_run(run_id), DATASET_OF[suite]
    if suite == "receipts" and source == "test":
        orders = stager.open_load(run, "orders")
        stager.rows("orders", orders, [sound("orders", stager.today())])
        stager.finish_load(orders)
    load = stager.open_load(run, dataset, source, profile)
    if suite == "invoices":
        lines = [row.pop("lines", 1) for row in rows]
        stager.rows(
            "invoices", load, [{"message_id": f"m-{n}", **row} for n, row in enumerate(rows, start=1)]
        )
        line = sound("invoice_lines", stager.today())
        stager.rows(
            "invoice_lines",
            load,
            [{**line, "invoice_row_no": n} for n, count in enumerate(lines, 1) if count],
        )
    else:
        if dataset == "invoices":
            stager.rows(
                "invoices",
                load,
                [
                    {
                        **sound("invoices", stager.today()),
                        "line_count": len(rows) if suite == "invoice_lines" else 0,
                        "defects": None if suite == "invoice_lines" else [{"reason": "none"}],
                    }
                ],
            )
        stager.rows(suite, load, rows)
    stager.finish_load(load)
    return load


KEYS = {
    "suppliers": "supplier_id",
    "orders": "po_number",
    "receipts": "receipt_number",
    "invoices": "invoice_number",
    "invoice_lines": "position",
}


def numbered(suite, base, changes):
    """Return the changed rows, each with a key of its own unless its change is about the key.

    The first keeps the sound one.
    """
    key = KEYS.get(suite)
    rows = []
    for number, change in enumerate(changes):
        own = {}
        if key and key not in change and number:
            own = {key: number + 100 if key == "position" else f"{base[key]}-{number}"}
        rows.append({**base, **own, **change})
    return rows
