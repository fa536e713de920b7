"""An e-invoice as this product understands it, independent of the syntax it was written in.

Names follow EN 16931 (business terms, BT). Amounts are in ``currency`` (BT-5). A value that is not there or
could not be read is None; why is in ``defects``. Credit notes are printed with positive amounts and stay
so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from backoffice.domain.typed_value import Defect


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line (BG-25): what is billed, and the order line it points to.

    ``unit_price`` is per ``price_base_quantity`` units; ``net_amount`` is after the line's allowances and
    charges.
    """

    position: int
    line_id: str | None = None
    po_number: str | None = None
    po_line: str | None = None
    receipt_number: str | None = None
    supplier_item: str | None = None
    buyer_item: str | None = None
    description: str | None = None
    quantity: Decimal | None = None
    uom: str | None = None
    unit_price: Decimal | None = None
    price_base_quantity: Decimal | None = None
    net_amount: Decimal | None = None
    allowance_total: Decimal | None = None
    charge_total: Decimal | None = None
    tax_category: str | None = None
    tax_rate: Decimal | None = None
    defects: tuple[Defect, ...] = ()


@dataclass(frozen=True, slots=True)
class InvoiceTax:
    """One line of the VAT breakdown (BG-23); ``rate`` in percent."""

    category: str | None = None
    rate: Decimal | None = None
    taxable_amount: Decimal | None = None
    tax_amount: Decimal | None = None
    defects: tuple[Defect, ...] = ()


@dataclass(frozen=True, slots=True)
class InvoiceHeader:
    """Who bills whom for what sum, and the documents the invoice points to."""

    kind: str | None = None
    type_code: str | None = None
    invoice_number: str | None = None
    invoice_date: date | None = None
    due_date: date | None = None
    discount_date: date | None = None
    discount_percent: Decimal | None = None
    currency: str | None = None
    seller_id: str | None = None
    seller_vat_id: str | None = None
    seller_name: str | None = None
    buyer_name: str | None = None
    buyer_vat_id: str | None = None
    payee_iban: str | None = None
    po_number: str | None = None
    receipt_number: str | None = None
    preceding_invoice_number: str | None = None
    line_total: Decimal | None = None
    allowance_total: Decimal | None = None
    charge_total: Decimal | None = None
    net_total: Decimal | None = None
    tax_total: Decimal | None = None
    gross_total: Decimal | None = None
    prepaid_total: Decimal | None = None
    rounding_amount: Decimal | None = None
    payable_total: Decimal | None = None


@dataclass(frozen=True, slots=True)
class EInvoice:
    """A parsed document: header, lines, VAT breakdown, and what is wrong with the document as a whole.

    :param syntax: ``ubl-invoice`` or ``ubl-credit-note``; None for what is no e-invoice.
    :param defects: Of the header and the document. Lines and taxes carry their own; see :meth:`all_defects`.
    """

    syntax: str | None
    header: InvoiceHeader
    lines: tuple[InvoiceLine, ...] = ()
    taxes: tuple[InvoiceTax, ...] = ()
    defects: tuple[Defect, ...] = ()

    def all_defects(self) -> tuple[Defect, ...]:
        """Return the defects of the document, of its lines and of its VAT breakdown."""
        return (
            *self.defects,
            *(defect for line in self.lines for defect in line.defects),
            *(defect for tax in self.taxes for defect in tax.defects),
        )


def unreadable(reason: str, value: str | None = None, syntax: str | None = None) -> EInvoice:
    """Return a document of which nothing is known but why it could not be read."""
    return EInvoice(syntax, InvoiceHeader(), defects=(Defect("document", value, reason),))
