"""Read an electronic invoice from the bytes that arrived, whatever they are."""

from __future__ import annotations

from backoffice.domain.einvoice_model import EInvoice, unreadable
from backoffice.domain.einvoice_reader import UnreadableDocumentError
from backoffice.domain.einvoice_ubl import parse_ubl

PARSER = (
    "einvoice-ubl/2"  # part of every load's record; counts up when the same bytes would be read differently
)
MAX_BYTES = 100 * 1024 * 1024


def parse_einvoice(content: bytes, max_bytes: int = MAX_BYTES) -> EInvoice:
    """Return the invoice in ``content``. Never raises for a bad document: what is wrong is in its defects.

    Reads UBL 2.1 invoices and credit notes in the core of EN 16931. Other syntaxes and PDF files are
    documents that cannot be read, with the reason. Nothing is fetched, no entity is expanded, memory
    follows the lines kept.

    :param max_bytes: Larger documents are not read.
    """
    if not content or content.isspace():
        return unreadable("empty: there is nothing in it")
    if len(content) > max_bytes:
        return unreadable(f"too large: {len(content)} bytes, the limit is {max_bytes}")
    if content[:1024].lstrip()[:5] == b"%PDF-":
        return unreadable(
            "a PDF: invoice data is read from UBL only; ask the supplier for the structured invoice",
            syntax="pdf",
        )
    try:
        return parse_ubl(content)
    except UnreadableDocumentError as error:
        return unreadable(str(error))
