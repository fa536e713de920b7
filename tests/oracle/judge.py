"""The verdict on a whole book, line by line and document by document.

Written from the product's published rules alone, as a second opinion on its SQL. Rows, not sets; fractions,
not decimals; no attention to speed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.book import Book, Invoice, OrderLine
from tests.oracle.documents import document_codes
from tests.oracle.duplicates import duplicate_codes
from tests.oracle.lines import KEEPS_FROM_COUNTING, ReadLine, has_price_fault, price_variance, read_line
from tests.oracle.quantities import Documents, Findings, credits_in_excess, documents_on, judge_quantities

BLOCKS_POSTING = frozenset(
    {
        "PO_MISSING", "PO_NOT_FOUND", "PO_NOT_APPROVED", "PO_CLOSED", "SUPPLIER_MISMATCH", "CURRENCY_DIFF",
        "LINE_ARITH", "TOTAL_ARITH", "DUP_EXACT", "CREDIT_EXCESS", "NOT_EVALUABLE",
    }
)  # fmt: skip

LineKey = tuple[str, int]


@dataclass(frozen=True)
class LineVerdict:
    """The codes on one line, its state, and how far over the cumulative and price checks found it."""

    codes: frozenset[str]
    state: str
    measured: dict[str, Fraction]
    blocking: frozenset[str]


@dataclass(frozen=True)
class Verdicts:
    """What a book amounts to; rejected documents are left out."""

    lines: dict[LineKey, LineVerdict]
    documents: dict[str, frozenset[str]]


def judge(book: Book) -> Verdicts:
    """Judge every document that is not rejected."""
    invoices = [invoice for invoice in book.invoices if not invoice.rejected]
    reads = [read_line(book, invoice, line) for invoice in invoices for line in invoice.lines]
    documents = {invoice.ref: codes_of_document(book, invoice, reads) for invoice in invoices}
    for ref, code in duplicate_codes(book).items():
        documents[ref].add(code)
    findings = {read.key: Findings(set(read.codes)) for read in reads}
    counting = [read for read in reads if counts(read, documents)]
    for read in counting:
        if has_price_fault(book, read):
            findings[read.key].add("PRICE", price_variance(read))
    may_bill = invoices_that_may_bill(book, invoices, documents, reads, counting)
    for order_line in book.order_lines:
        note_cumulative_checks(book, order_line, counting, may_bill, findings)
    lines = {read.key: line_verdict(read, findings[read.key], documents[read.invoice.ref]) for read in reads}
    return Verdicts(lines, {ref: frozenset(found) for ref, found in documents.items()})


def codes_of_document(book: Book, invoice: Invoice, reads: list[ReadLine]) -> set[str]:
    """Return the codes of a document by itself."""
    on_lines = [code for read in reads if read.invoice.ref == invoice.ref for code in read.codes]
    return document_codes(book, invoice, on_lines)


def note_cumulative_checks(
    book: Book,
    order_line: OrderLine,
    counting: list[ReadLine],
    may_bill: set[str],
    findings: dict[LineKey, Findings],
) -> None:
    """Add to each counting line of one order line what its document amounts to there."""
    on_line = documents_on(order_line, counting)
    excess = credits_in_excess(book, order_line, on_line, may_bill)
    by_document = judge_quantities(book, order_line, on_line, excess)
    for read in counting:
        if read.order_line != order_line:
            continue
        if read.invoice.ref in excess:
            findings[read.key].add("CREDIT_EXCESS", excess[read.invoice.ref])
        if read.invoice.ref in by_document:
            findings[read.key].take(by_document[read.invoice.ref])


def line_verdict(read: ReadLine, found: Findings, document: set[str]) -> LineVerdict:
    """Close the book on one line."""
    return LineVerdict(
        frozenset(found.codes),
        line_state(found.codes, document),
        dict(found.measured),
        frozenset(code for code in found.codes if blocks_posting(code, read.order_line)),
    )


def counts(read: ReadLine, documents: dict[str, set[str]]) -> bool:
    """Say whether a line takes part in the quantity and price checks.

    An exact duplicate does not, unless it is booked: then a person found it to be none, and it is billed.
    """
    if read.order_line is None or read.codes & KEEPS_FROM_COUNTING:
        return False
    return read.invoice.booking_no is not None or "DUP_EXACT" not in documents[read.invoice.ref]


def blocks_posting(code: str, order_line: OrderLine | None) -> bool:
    """Say whether a hold blocks posting; the others block payment."""
    if code == "NO_RECEIPT":
        return order_line is not None and order_line.gr_based
    return code in BLOCKS_POSTING


def invoices_that_may_bill(
    book: Book,
    invoices: list[Invoice],
    documents: dict[str, set[str]],
    reads: list[ReadLine],
    counting: list[ReadLine],
) -> set[str]:
    """Return the invoices that a credit note can be set against: booked, or with nothing that blocks posting.

    Whether an invoice lacks its receipt depends on the credit notes before it; whether those are in excess
    depends on the invoice. The knot is cut on the safe side: here the receipt is asked for as if nothing had
    been credited.
    """
    blocked = {
        read.invoice.ref
        for read in reads
        if any(blocks_posting(code, read.order_line) for code in read.codes)
    }
    blocked |= {ref for ref, found in documents.items() if found & BLOCKS_POSTING}
    for order_line in book.order_lines:
        billed_only: Documents = [
            (invoice, amount)
            for invoice, amount in documents_on(order_line, counting)
            if invoice.kind == "invoice"
        ]
        for ref, findings in judge_quantities(book, order_line, billed_only, ()).items():
            if any(blocks_posting(code, order_line) for code in findings.codes):
                blocked.add(ref)
    return {
        invoice.ref
        for invoice in invoices
        if invoice.kind == "invoice" and (invoice.booking_no is not None or invoice.ref not in blocked)
    }


def line_state(codes: set[str], document: set[str]) -> str:
    """Return matched, waiting_receipt (nothing but the receipt is missing) or held."""
    if document or codes - {"NO_RECEIPT"}:
        return "held"
    return "waiting_receipt" if codes else "matched"
