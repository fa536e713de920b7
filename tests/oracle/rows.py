"""How each fact of a book looks as a row of the ledger database: column names and values."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from tests.oracle.book import Book, Invoice, InvoiceLine, OrderLine, Receipt, Supplier, Tax, Tolerance
from tests.oracle.lines import find_order_line, order_number

Row = dict[str, Any]
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def _hash(fact: object) -> bytes:
    return sha256(repr(fact).encode()).digest()


def supplier_row(supplier: Supplier) -> Row:
    """purchasing.supplier."""
    return {
        "supplier_id": supplier.supplier_id,
        "name": f"Supplier {supplier.supplier_id}",
        "supplier_group": supplier.group,
        "blocked": supplier.blocked,
        "iban": supplier.iban,
        "content_hash": _hash(supplier),
    }


def tolerance_row(tolerance: Tolerance) -> Row:
    """ledger.tolerance, in the set that is in force as shipped."""
    line_key = None if tolerance.po_line is None else tolerance.po_line.lstrip("0")
    values = {name: value for name, value in vars(tolerance).items() if name != "po_line"}
    return values | {"tolerance_set": "default", "po_line_key": line_key}


def tax_row(tax: Tax, position: int) -> Row:
    """purchasing.invoice_tax."""
    return {
        "position": position,
        "category": tax.category,
        "rate": tax.rate,
        "taxable_amount": tax.taxable,
        "tax_amount": tax.tax,
    }


def order_line_row(order_line: OrderLine) -> Row:
    """purchasing.order_line."""
    doubt = {"doubtful": True} if order_line.doubtful else {}
    return doubt | {
        "entity": order_line.entity,
        "po_number": order_line.po_number,
        "po_line": order_line.po_line,
        "supplier_id": order_line.supplier_id,
        "currency": order_line.currency,
        "item": order_line.item,
        "category": order_line.category,
        "quantity": None if order_line.amount_based else order_line.quantity,
        "uom": None if order_line.amount_based else order_line.uom,
        "unit_price": None if order_line.amount_based else order_line.unit_price,
        "price_base_quantity": order_line.price_base,
        "amount_based": order_line.amount_based,
        "ordered_value": order_line.ordered_value,
        "match_type": order_line.match_type,
        "gr_based": order_line.gr_based,
        "closed": order_line.closed,
        "approved": order_line.approved,
        "tax_rate": order_line.tax_rate,
        "order_date": order_line.order_date,
        "version": 1,
        "content_hash": _hash(order_line),
    }


def receipt_row(book: Book, receipt: Receipt, order_line_ids: dict[OrderLine, int]) -> Row:
    """purchasing.receipt_line, bound to its order line where that is known."""
    order_line = next((known for known in book.order_lines if receipt in book.receipts_of(known)), None)
    by_value = order_line is not None and order_line.amount_based
    return {
        "entity": receipt.entity,
        "receipt_number": receipt.number,
        "receipt_line": receipt.line,
        "po_number": receipt.po_number,
        "po_line_key": receipt.po_line.lstrip("0"),
        "order_line_id": None if order_line is None else order_line_ids[order_line],
        "quantity": receipt.quantity,
        "received_value": receipt.value,
        "value_known": receipt.value is not None or not by_value,
        "received_at": NOON,
        "reverses_number": None if receipt.reverses is None else receipt.reverses[0],
        "reverses_line": None if receipt.reverses is None else receipt.reverses[1],
        "content_hash": _hash(receipt),
    }


def invoice_row(invoice: Invoice) -> Row:
    """purchasing.invoice."""
    totals = invoice.totals
    return {
        "entity": invoice.entity,
        "content_hash": invoice.content_hash,
        "syntax": "ubl",
        "kind": invoice.kind,
        "type_code": invoice.type_code,
        "invoice_number": invoice.number,
        "invoice_date": invoice.issued,
        "currency": invoice.currency,
        "supplier_id": invoice.supplier_id,
        "supplier_group": invoice.group,
        "payee_iban": invoice.payee_iban,
        "po_number": invoice.po_number,
        "line_total": totals.line_total,
        "allowance_total": totals.allowance,
        "charge_total": totals.charge,
        "net_total": totals.net,
        "tax_total": totals.tax,
        "gross_total": totals.gross,
        "prepaid_total": totals.prepaid,
        "rounding_amount": totals.rounding,
        "payable_total": totals.payable,
        "duplicates_evaluable": invoice.duplicates_evaluable,
        "received_at": NOON,
    }


def invoice_line_row(
    book: Book, invoice: Invoice, line: InvoiceLine, order_line_ids: dict[OrderLine, int]
) -> Row:
    """purchasing.invoice_line, bound to its order line where that is known."""
    order_line = find_order_line(book, invoice, line)
    return {
        "position": line.position,
        "line_id": str(line.position),
        "po_number": order_number(invoice, line),
        "po_line_key": None if line.po_line is None else line.po_line.lstrip("0"),
        "order_line_id": None if order_line is None else order_line_ids[order_line],
        "quantity": line.quantity,
        "uom": line.uom,
        "unit_price": line.unit_price,
        "price_base_quantity": line.price_base,
        "net_amount": line.net,
        "allowance_total": line.allowance,
        "charge_total": line.charge,
        "tax_category": line.tax_category,
        "tax_rate": line.tax_rate,
    }


def line_state_row(invoice: Invoice, invoice_id: int, line_id: int, line: Row, run_id: int) -> Row:
    """ledger.line_state of a line of a booked or rejected document; ``line`` is its row of the line."""
    return {
        "invoice_line_id": line_id,
        "invoice_id": invoice_id,
        "order_line_id": line["order_line_id"],
        "state": "held" if invoice.rejected else "matched",
        "run_id": run_id,
    }


def invoice_status_row(invoice: Invoice, invoice_id: int, run_id: int) -> Row:
    """ledger.invoice_status of a booked or rejected document."""
    return {
        "invoice_id": invoice_id,
        "state": "rejected" if invoice.rejected else "matched",
        "evaluated_run": run_id,
        "booking_no": invoice.booking_no,
        "payment_block": None if invoice.booking_no is None else False,
        "rejected_at": NOON if invoice.rejected else None,
    }


def approval_row(invoice: Invoice, invoice_id: int, run_id: int) -> Row:
    """ledger.hold: a person let the amount pass that was above the machine's limit."""
    return {
        "invoice_id": invoice_id,
        "code": "APPROVAL",
        "effect": "B",
        "measured": invoice.totals.gross,
        "facts": "{}",
        "evidence_hash": _hash(invoice),
        "rule_sha256": "oracle",
        "opened_run": run_id,
        "released_at": NOON,
        "release_kind": "person",
    }
