"""The records that an extract can be read into: those of the sources' interfaces, and invoices as posted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backoffice.domain.einvoice_model import InvoiceHeader, InvoiceLine
from backoffice.domain.einvoice_terms import AMOUNT, LEDGER_PRICE, QUANTITY, RATE, UNIT
from backoffice.domain.record import Record, RecordSpec
from backoffice.domain.source_record import ORDER_LINE, RECEIPT_LINE, SUPPLIER
from backoffice.domain.typed_value import PROSE_LENGTH, Code, Day, Moment, Text

_TOTALS = (
    "line_total",
    "allowance_total",
    "charge_total",
    "net_total",
    "tax_total",
    "gross_total",
    "prepaid_total",
    "rounding_amount",
    "payable_total",
)
_ENVELOPE = ("message_id", "received_at", "entity", "filename", "media_type", "updated_at")

EXTRACT_INVOICE = RecordSpec(
    {
        "message_id": Text(),
        "received_at": Moment(),
        "entity": Text(),
        "kind": Text(),
        "type_code": Code(10),
        "invoice_number": Text(),
        "invoice_date": Day(),
        "due_date": Day(),
        "discount_date": Day(),
        "discount_percent": RATE,
        "currency": Code(),
        "seller_id": Text(),
        "seller_vat_id": Code(),
        "seller_name": Text(500),
        "payee_iban": Code(),
        "po_number": Text(),
        "receipt_number": Text(),
        "preceding_invoice_number": Text(),
        **dict.fromkeys(_TOTALS, AMOUNT),
    },
    # a row that names no discount keeps the identity that it had before discounts were read
    later=frozenset({"discount_date", "discount_percent"}),
)
EXTRACT_LINE = RecordSpec(
    {
        "line_id": Text(),
        "po_number": Text(),
        "po_line": Text(),
        "receipt_number": Text(),
        "supplier_item": Text(),
        "buyer_item": Text(),
        "description": Text(PROSE_LENGTH),
        "quantity": QUANTITY,
        "uom": UNIT,
        "unit_price": LEDGER_PRICE,
        "price_base_quantity": QUANTITY,
        "net_amount": AMOUNT,
        "allowance_total": AMOUNT,
        "charge_total": AMOUNT,
        "tax_category": Code(10),
        "tax_rate": RATE,
    }
)
EXTRACT_SPECS: Mapping[str, RecordSpec] = {
    "suppliers": SUPPLIER,
    "orders": ORDER_LINE,
    "receipts": RECEIPT_LINE,
    "invoices": EXTRACT_INVOICE,
}


def envelope_of(record: Record) -> Record:
    """Return the part of an extracted invoice that says how it arrived."""
    return Record({name: record.values.get(name) for name in _ENVELOPE}, record.defects, record.content_hash)


def header_of(record: Record) -> InvoiceHeader:
    """Return an extracted invoice's header."""
    return InvoiceHeader(**{name: value for name, value in record.values.items() if name not in _ENVELOPE})


def line_of(record: Record, position: int) -> InvoiceLine:
    """Return an extracted invoice's line, with its defects."""
    values: dict[str, Any] = record.values
    return InvoiceLine(position=position, **values, defects=record.defects)
