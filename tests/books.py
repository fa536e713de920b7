"""A small company's facts, put in the way the product gets them: staged as the application role, then accepted.

Values are what an accountant would write: ``book.order("PO-1", 1, 100, 10)``, ``book.receive("PO-1", 1, 90)``.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar

import psycopg
from psycopg.types.json import Jsonb

ARRIVED = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
CENT = Decimal("0.01")


def cents(value: Decimal) -> Decimal:
    """Round to the minor unit, half up."""
    return value.quantize(CENT, ROUND_HALF_UP)


def digest(*parts: object) -> bytes:
    """Return a hash that stands for a record's content."""
    return hashlib.sha256("|".join(map(str, parts)).encode()).digest()


@dataclass
class Books:
    """Stages facts for one run and drives the ledger's functions as the application role."""

    connection: psycopg.Connection[Any]
    run_id: int = 0
    sources: Sequence[Mapping[str, str]] = ()
    pending: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def open_run(self, name: str = "night-1", *, dry_run: bool = False) -> Books:
        """Begin a run; what was staged before and not accepted stays pending."""
        row = self.connection.execute(
            "SELECT ops.open_run('invoice_reconciliation', 'invoice_reconciliation', %s, %s, %s, '0')",
            (name, dry_run, Jsonb({"sources": list(self.sources)})),
        ).fetchone()
        self.run_id = row[0]
        return self

    def supplier(self, supplier_id: str = "S1", **values: Any) -> None:
        """A supplier."""
        record = {
            "supplier_id": supplier_id,
            "name": f"Supplier {supplier_id}",
            "vat_id": None,
            "blocked": False,
            "currency": "EUR",
            **values,
        }
        self._add("suppliers", record, Decimal(0))

    def order(self, po: str, line: int, quantity: Any, price: Any, **values: Any) -> None:
        """An order line of supplier S1, in EUR and pieces, three-way unless said otherwise."""
        record = {
            "entity": "1000", "po_number": po, "po_line": str(line), "supplier_id": "S1", "currency": "EUR", "item": f"item-{line}",
            "quantity": Decimal(str(quantity)), "uom": "EA", "unit_price": Decimal(str(price)), "price_base_quantity": Decimal(1),
            "amount_based": False, "tax_rate": Decimal(20), "match_type": 3, "gr_based": False, "order_date": date(2026, 11, 2),
            "status": "open", "approved": True, "buyer": "erp-buyer", "created_by": "erp-creator", "version": 1, **values,
        }  # fmt: skip
        self._add("orders", record, record["quantity"] * record["unit_price"])

    def receive(self, po: str, line: int, quantity: Any, number: str | None = None, **values: Any) -> str:
        """A goods receipt; a negative quantity is a return or a reversal."""
        number = number or f"GR-{next(self._numbers)}"
        record = {
            "entity": "1000", "receipt_number": number, "receipt_line": "1", "po_number": po, "po_line": str(line),
            "quantity": Decimal(str(quantity)), "value_known": False, "uom": "EA", "received_at": ARRIVED, **values,
        }  # fmt: skip
        self._add("receipts", record, record["quantity"])
        return number

    def invoice(self, number: str, lines: Sequence[tuple[Any, ...]], **values: Any) -> str:
        """An invoice over ``(po, line, quantity, price)`` lines with 20 % tax; returns its hash in hex.

        A fifth element of a line overrides its columns.
        """
        rows = []
        for position, (po, po_line, quantity, price, *more) in enumerate(lines, 1):
            quantity, price = Decimal(str(quantity)), Decimal(str(price))
            rows.append({
                "position": position, "line_id": str(position), "po_number": po, "po_line": None if po_line is None else str(po_line),
                "quantity": quantity, "uom": "EA", "unit_price": price, "price_base_quantity": Decimal(1),
                "net_amount": cents(quantity * price), "tax_category": "S", "tax_rate": Decimal(20), **(more[0] if more else {}),
            })  # fmt: skip
        net = sum((row["net_amount"] for row in rows), Decimal(0))
        tax = cents(net * Decimal("0.20"))
        record = {
            "received_at": ARRIVED, "entity": "1000", "syntax": "test", "kind": "invoice", "type_code": None, "invoice_number": number,
            "invoice_date": date(2026, 11, 18), "due_date": date(2026, 12, 18), "currency": "EUR", "seller_id": "S1", "seller_name": "Supplier S1",
            "po_number": None, "line_total": net, "net_total": net, "tax_total": tax, "gross_total": net + tax, "payable_total": net + tax,
            "line_count": len(rows), **values,
        }  # fmt: skip
        taxes = record.pop(
            "taxes", [{"category": "S", "rate": Decimal(20), "taxable_amount": net, "tax_amount": tax}]
        )
        content = digest(sorted(record.items(), key=str), rows, taxes)
        self._add("invoices", record, record["gross_total"], content, lines=rows, taxes=taxes)
        return content.hex()

    def credit_note(self, number: str, lines: Sequence[tuple[Any, ...]], **values: Any) -> str:
        """A credit note; amounts are positive as on the paper."""
        return self.invoice(number, lines, kind="credit_note", **values)

    def _add(
        self, dataset: str, record: dict[str, Any], amount: Decimal, content: bytes | None = None, **more: Any
    ) -> None:
        values = {
            "content_hash": content or digest(dataset, sorted(record.items(), key=str)),
            "control_amount": amount,
            **record,
        }
        self.pending.setdefault(dataset, []).append({"row": values, **more})

    TABLES: ClassVar[dict[str, str]] = {
        "suppliers": "stage_supplier",
        "orders": "stage_order_line",
        "receipts": "stage_receipt_line",
        "invoices": "stage_invoice",
    }

    def stage(self, dataset: str, *, gate: bool = True, advances: bool = True) -> int:
        """Stage what is pending of a dataset as one load; by default let it pass an empty gate."""
        rows = self.pending.pop(dataset, [])
        load_id = self._one(
            "SELECT load_id FROM intake.open_load(%s, 'books', %s, 'books 1', NULL, %s)",
            self.run_id,
            dataset,
            advances,
        )
        children = itertools.count(1)
        for row_no, entry in enumerate(rows, 1):
            self._insert(self.TABLES[dataset], {"load_id": load_id, "row_no": row_no, **entry["row"]})
            for table, key in (("stage_invoice_line", "lines"), ("stage_invoice_tax", "taxes")):
                for child in entry.get(key, ()):
                    self._insert(
                        table,
                        {"load_id": load_id, "row_no": next(children), "invoice_row_no": row_no, **child},
                    )
        self._one("SELECT intake.finish_load(%s, now(), %s, NULL)", load_id, len(rows))
        if gate:
            self._one("SELECT intake.mark_gated(%s, '{}')", load_id)
        return load_id

    def _insert(self, table: str, values: Mapping[str, Any]) -> None:
        columns = ", ".join(values)
        self.connection.execute(
            f"INSERT INTO intake.{table} ({columns}) VALUES ({', '.join(['%s'] * len(values))})",
            list(values.values()),
        )

    def _one(self, statement: str, *values: Any) -> Any:
        row = self.connection.execute(statement, values).fetchone()
        return row[0] if row else None

    def accept(self) -> None:
        """Stage all that is pending and accept it."""
        for dataset in list(self.TABLES):
            if self.pending.get(dataset):
                self.stage(dataset)
        self.connection.execute("SELECT intake.accept_loads(%s)", (self.run_id,)).fetchall()

    def match(self) -> None:
        """Accept what is pending and match what is queued."""
        self.accept()
        self._one("SELECT ledger.match_invoices(%s)", self.run_id)
        self._one("SELECT ledger.allocate_receipts(%s)", self.run_id)

    def decide(self) -> None:
        """Decide by the active policy, in the way the operator does."""
        from backoffice.operators.decide import decide_open_invoices

        decide_open_invoices(self.connection, self.run_id)

    def night(self) -> None:
        """Match, decide, post and open cases."""
        self.match()
        self.decide()
        self._one("SELECT ledger.post_entries(%s)", self.run_id)
        self._one("SELECT review.open_cases(%s)", self.run_id)

    # -- what came of it -----------------------------------------------------------------------------------------

    def codes(self, number: str) -> dict[str, list[str]]:
        """Open hold codes of an invoice by line id; '' for the document."""
        rows = self.connection.execute(
            "SELECT coalesce(l.line_id, ''), array_agg(h.code ORDER BY h.code) FROM ledger.hold h JOIN purchasing.invoice i USING (invoice_id) "
            "LEFT JOIN purchasing.invoice_line l ON l.invoice_line_id = h.invoice_line_id "
            "WHERE i.invoice_number = %s AND h.released_at IS NULL GROUP BY 1",
            (number,),
        ).fetchall()
        return dict(rows)

    def entries(self, number: str | None = None) -> list[tuple[str, str, Decimal]]:
        """Event, account name and signed amount of the journal, of one invoice or of all."""
        return self.connection.execute(
            "SELECT e.event, a.name, sum(l.debit - l.credit) FROM ledger.journal_entry e JOIN ledger.journal_line l USING (entry_id) "
            "JOIN ledger.account a USING (account) LEFT JOIN purchasing.invoice i USING (invoice_id) "
            "WHERE %(number)s::text IS NULL OR i.invoice_number = %(number)s GROUP BY e.event, a.name ORDER BY e.event, a.name",
            {"number": number},
        ).fetchall()

    def status(self, number: str) -> tuple[Any, ...]:
        """State, whether booked, and payment block of an invoice."""
        return self.connection.execute(
            "SELECT st.state, st.booking_no IS NOT NULL, st.payment_block FROM ledger.invoice_status st JOIN purchasing.invoice i USING (invoice_id) WHERE i.invoice_number = %s",
            (number,),
        ).fetchone()
