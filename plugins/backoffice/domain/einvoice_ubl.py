"""UBL 2.1 invoices and credit notes in the core of EN 16931, mapped to the product's own invoice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from backoffice.domain.einvoice_model import EInvoice, InvoiceLine
from backoffice.domain.einvoice_reader import Group, UnreadableDocumentError, read_document
from backoffice.domain.einvoice_terms import TermReader
from backoffice.domain.einvoice_ubl_header import document_currency, read_header
from backoffice.domain.einvoice_ubl_line import read_line
from backoffice.domain.einvoice_ubl_plan import CREDIT_NOTE_ROOT, CURRENCY, PLANS, PO_NUMBER
from backoffice.domain.einvoice_ubl_tax import read_taxes
from backoffice.domain.typed_value import Defect

MAX_LINES = 250_000
MAX_LINE_DEFECTS = 1_000  # of all lines together, listed one by one
_NOT_LISTED = (
    Defect(
        "line", None, f"has defects; beyond {MAX_LINE_DEFECTS} in one document they are not listed one by one"
    ),
)


def parse_ubl(content: bytes) -> EInvoice:
    """Return the invoice in ``content``.

    :raises UnreadableDocumentError: The bytes are no UBL 2.1 invoice or credit note at all.
    """
    lines = _Lines()
    root, document = read_document(
        content,
        PLANS,
        {"cac:InvoiceLine": lines.add_invoice_line, "cac:CreditNoteLine": lines.add_credit_note_line},
    )
    currency = document_currency(document)
    reader = TermReader(currency)
    is_credit_note = root == CREDIT_NOTE_ROOT
    header = read_header(reader, document, is_credit_note)
    if not lines.lines:
        reader.flag("BG-25 invoice line", "missing: an invoice has at least one line")
    if lines.before_currency:
        reader.flag("BT-5 currency", "stands behind the first line; elements are not in the order of UBL")
    return EInvoice(
        syntax="ubl-credit-note" if is_credit_note else "ubl-invoice",
        header=header,
        lines=tuple(lines.lines),
        taxes=read_taxes(document, currency),
        defects=tuple(reader.defects),
    )


@dataclass(slots=True)
class _Lines:
    """Collects the lines as the reader hands them over, so that no line's XML is kept."""

    lines: list[InvoiceLine] = field(default_factory=list)
    before_currency: bool = False
    _defects: int = 0

    def add_invoice_line(self, group: Group, document: Group) -> None:
        self._add(group, document, "cbc:InvoicedQuantity", "cac:InvoiceLine/cac:AllowanceCharge")

    def add_credit_note_line(self, group: Group, document: Group) -> None:
        self._add(group, document, "cbc:CreditedQuantity", "cac:CreditNoteLine/cac:AllowanceCharge")

    def _add(self, group: Group, document: Group, quantity: str, allowances: str) -> None:
        if len(self.lines) >= MAX_LINES:
            raise UnreadableDocumentError(f"more than {MAX_LINES} lines")
        currency = document_currency(document)
        self.before_currency |= currency is None and CURRENCY not in document.leaves
        order = document.leaves.get(PO_NUMBER, [])
        po_number = (order[0].text.strip() or None) if len(order) == 1 else None
        line = read_line(group, len(self.lines) + 1, quantity, allowances, currency, po_number)
        self._defects += len(line.defects)
        if line.defects and self._defects > MAX_LINE_DEFECTS:
            line = replace(line, defects=_NOT_LISTED)
        self.lines.append(line)
