"""Stages loads for the gate as ingest does: as the application role, through the ledger's own functions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
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


DAG = "invoice_reconciliation"
SUITES = {
    "suppliers": ["suppliers"],
    "orders": ["orders"],
    "receipts": ["receipts"],
    "invoices": ["invoices", "invoice_lines", "invoice_taxes"],
}


class Stager:
    """Stages loads of runs; every call stands at once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.today: date = self._one("SELECT ops.business_date('1000')", ())

    def open_run(self, run_id: str = "night-1") -> int:
        """Return the ledger's run of a night."""
        statement = "SELECT ops.open_run(%s, %s, %s, false, '{}', '0')"
        return int(self._one(statement, (DAG, DAG, run_id)))

    def open_load(self, run: int, dataset: str, source: str = "test", profile: str | None = None) -> int:
        """Begin a load."""
        statement = "SELECT load_id FROM intake.open_load(%s, %s, %s, 'test/1', %s, true)"
        return int(self._one(statement, (run, source, dataset, profile)))

    def finish_load(self, load_id: int) -> None:
        """End a load whose source gives no control totals."""
        self.connection.execute("SELECT intake.finish_load(%s, now(), NULL, NULL)", (load_id,))

    def accept(self, run_id: str = "night-1") -> None:
        """Accept what was gated."""
        self.connection.execute("SELECT intake.accept_loads(%s)", (self.open_run(run_id),))

    def rows(self, suite: str, load_id: int, rows: list[Row]) -> None:
        """Stage rows, numbered from 1; the content hash follows the content, as in ingest."""
        for number, row in enumerate(rows, start=1):
            values = {
                name: Jsonb(value) if name == "defects" and value else value for name, value in row.items()
            }
            if suite not in ("invoice_lines", "invoice_taxes"):
                content = "|".join(f"{name}={row[name]}" for name in sorted(row) if name != "updated_at")
                values["content_hash"] = hashlib.sha256(content.encode()).digest()
            values |= {"load_id": load_id, "row_no": number}
            places = ", ".join(["%s"] * len(values))
            statement = f"INSERT INTO intake.{TABLES[suite]} ({', '.join(values)}) VALUES ({places})"
            self.connection.execute(statement, list(values.values()))

    def stage(
        self,
        suite: str,
        rows: list[Row],
        run_id: str = "night-1",
        source: str = "test",
        profile: str | None = None,
    ) -> int:
        """Stage the rows of one suite as a finished load, with what they need beside them; return the load.

        Receipts of the source ``test`` get their order, documents their lines, lines and tax rows a document.
        """
        run, dataset = self.open_run(run_id), DATASET_OF[suite]
        if suite == "receipts" and source == "test":
            orders = self.open_load(run, "orders")
            self.rows("orders", orders, [sound("orders", self.today)])
            self.finish_load(orders)
        load = self.open_load(run, dataset, source, profile)
        if suite == "invoices":
            self._documents(load, rows)
        else:
            if dataset == "invoices":
                lines = len(rows) if suite == "invoice_lines" else None
                self.rows("invoices", load, [{**sound("invoices", self.today), "line_count": lines}])
            self.rows(suite, load, rows)
        self.finish_load(load)
        return load

    def _documents(self, load: int, rows: list[Row]) -> None:
        lines = [row.pop("lines", 1) for row in rows]
        self.rows("invoices", load, [{**row, "message_id": f"m-{n}"} for n, row in enumerate(rows, start=1)])
        line = sound("invoice_lines", self.today)
        owners = [number for number, count in enumerate(lines, start=1) if count]
        self.rows("invoice_lines", load, [{**line, "invoice_row_no": number} for number in owners])

    def _one(self, statement: str, values: tuple[Any, ...]) -> Any:
        row = self.connection.execute(statement, values).fetchone()
        assert row is not None
        return row[0]


KEYS = {
    "suppliers": "supplier_id",
    "orders": "po_number",
    "receipts": "receipt_number",
    "invoices": "invoice_number",
    "invoice_lines": "position",
}


def numbered(suite: str, base: Row, changes: list[Row]) -> list[Row]:
    """Return the changed rows, each with a key of its own unless its change is about the key.

    The first keeps the sound one.
    """
    key = KEYS.get(suite)
    rows = []
    for number, change in enumerate(changes):
        own: Row = {}
        if key and key not in change and number:
            own = {key: number + 100 if key == "position" else f"{base[key]}-{number}"}
        rows.append({**base, **own, **change})
    return rows


@dataclass(frozen=True)
class Finding:
    """A finding as it stands in the ledger."""

    dataset: str
    row: int
    check: str
    severity: str
    reason: str
    field: str | None
    value: str | None


def findings(ledger: Any) -> list[Finding]:
    """Return all findings, read as the auditor."""
    columns = "dataset, row_no, check_id, severity, reason, field, value"
    with ledger.connect("auditor") as connection:
        return [
            Finding(*row)
            for row in connection.execute(f"SELECT {columns} FROM intake.finding ORDER BY 1, 2, 3")
        ]


def load_state(ledger: Any, load_id: int) -> tuple[str, dict[str, Any] | None]:
    """Return state and gate result of a load."""
    with ledger.connect("auditor") as connection:
        row = connection.execute(
            "SELECT state, gate FROM intake.load WHERE load_id = %s", (load_id,)
        ).fetchone()
    return row[0], row[1]
