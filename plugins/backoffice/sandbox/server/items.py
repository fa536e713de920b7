"""How the records are written as JSON: numbers as text, days as ISO dates, moments as ISO UTC with a Z."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from backoffice.sandbox.generator.model import Document, OrderLine, Receipt, Supplier
from backoffice.sandbox.server.clock import written


def number(value: Decimal) -> str:
    """The number without exponent: 1E+2 is 100."""
    return f"{value:f}"


def supplier_item(supplier: Supplier) -> dict[str, Any]:
    """A supplier as the ERP shows it."""
    return {
        "supplier_id": supplier.supplier_id,
        "name": supplier.name,
        "vat_id": supplier.vat_id,
        "iban": supplier.iban,
        "supplier_group": supplier.supplier_group,
        "country": supplier.country,
        "currency": supplier.currency,
        "payment_terms_days": supplier.payment_terms_days,
        "blocked": supplier.blocked,
        "updated_at": written(supplier.updated_at),
    }


def order_item(line: OrderLine) -> dict[str, Any]:
    """A version of an order line as the ERP shows it."""
    return {
        "entity": line.entity,
        "po_number": line.po_number,
        "po_line": line.po_line,
        "supplier_id": line.supplier_id,
        "currency": line.currency,
        "item": line.item,
        "description": line.description,
        "category": line.category,
        "quantity": number(line.quantity),
        "uom": line.uom,
        "unit_price": number(line.unit_price),
        "price_base_quantity": number(line.price_base_quantity),
        "tax_rate": number(line.tax_rate),
        "match_type": line.match_type,
        "gr_based": line.gr_based,
        "amount_based": False,
        "order_date": line.order_date.isoformat(),
        "status": line.status,
        "approved": line.approved,
        "buyer": line.buyer,
        "requester": line.requester,
        "created_by": line.created_by,
        "version": line.version,
        "updated_at": written(line.updated_at),
    }


def receipt_item(receipt: Receipt) -> dict[str, Any]:
    """A receipt line as the warehouse shows it."""
    reverses = None
    if receipt.reverses is not None:
        reverses = {"receipt_number": receipt.reverses[0], "receipt_line": receipt.reverses[1]}
    return {
        "entity": receipt.entity,
        "receipt_number": receipt.receipt_number,
        "receipt_line": receipt.receipt_line,
        "po_number": receipt.po_number,
        "po_line": receipt.po_line,
        "quantity": number(receipt.quantity),
        "uom": receipt.uom,
        "received_at": written(receipt.received_at),
        "reverses": reverses,
        "receiver": receipt.receiver,
        "updated_at": written(receipt.updated_at),
    }


def message_item(document: Document) -> dict[str, Any]:
    """A message as the mailbox lists it; its content is behind ``href``."""
    return {
        "message_id": document.message_id,
        "received_at": written(document.updated_at),
        "filename": document.filename,
        "media_type": document.media_type,
        "size": document.size,
        "sha256": document.sha256,
        "entity": document.entity,
        "href": f"/mailbox/messages/{document.message_id}/content",
        "updated_at": written(document.updated_at),
    }
