"""The verdict on a whole book, line by line and document by document.

The rules of matching written a second time, from the field's own words for them, as a second opinion on the
product's SQL. Rows, not sets; fractions, not decimals; no attention to speed. The words are these. A limit
passes up to and including its value; empty is not checked, 0 allows nothing; nothing is rounded before it is
compared. A percentage is one of the reference, and infinite on a reference of 0. Only upward variances hold.
Quantities and values are cumulative: what is billed already (posted and in process, net of credits, without
what is rejected) and this document. ``pi`` is the net amount of all lines of a document on the order line by
their quantity. Credit notes are judged with the sign turned, against what is billed and not yet credited. Of
each field of a limit the most specific scope wins: order line, supplier and item, supplier, category, entity.

Where those words leave room, or a check is not built, this was decided:

1. Price: ``sum(net) - sum(quantity) * Po`` of one document on one order line is compared, in percent of
   ``sum(quantity) * Po`` and absolute, and the code with that value stands on each of its lines there.
2. The order of business: booked documents in the order they were booked, then by date, number, number as
   written, content. "Already billed" is what invoices up to and including this document bill in that order,
   less all that is credited on the order line, wherever the credit note stands.
3. A credit note is credited when it is booked or nothing that blocks posting stands on it, and it is not in
   excess. Credit notes of an order line are judged one after the other: each may credit what bookable invoices
   billed there, whenever, less what was credited before it. One in excess, or parked for another reason,
   credits nothing and leaves the room to those after it.
4. A credit note in excess on one order line is parked as a whole: unless it is booked, what it credits on other
   order lines does not reduce what is billed there, though it still uses up what later notes may credit there.
5. Bookable is what is booked; else what has no code that blocks posting on itself or any line, and is within
   the machine's limit in absolute gross amount or approved by a person. Whether an invoice lacks its receipt
   (which blocks posting on order lines bound to their receipt) is asked as if nothing had been credited: that
   would depend on the credit notes, and they on the invoice.
6. CREDIT_EXCESS has one limit for the quantity and the value; on amount-based order lines only the value counts.
7. A line with a gate (SUPPLIER_MISMATCH, CURRENCY_DIFF, PO_NOT_APPROVED, PO_CLOSED, UOM_UNMAPPED) is not judged
   further, and a line in process with one is not billed on that order line. What is posted is, gate or not,
   unless its unit or currency keeps it from being added up. PO_CLOSED does not stand on what is booked.
8. An exact repetition in process is not billed; a booked one is.
9. QTY_REC and AMT_REC take something received, net of returns; with nothing left NO_RECEIPT stands instead. On
   amount-based order lines "nothing" is a net value of 0 or less with no receipt of unknown value; with one,
   whatever is billed above the known value exceeds AMT_REC, unless it is not checked at all.
10. Of two documents that repeat each other the later one in the order of business carries the code. Document
    type is invoice or credit note. Numbers without a letter or digit other than leading zeros, and documents
    whose source has no supplier's own numbers, are never compared.
11. DUP_LIKELY is no score: the same number alone; one that reads the same with O as 0, I and L as 1, leading
    zeros dropped; or one with two neighbours swapped and the same gross amount or date.
12. TOTAL_ARITH rounds each side to cents. It and TAX_TOTAL have limits for the entity or in general only.
13. Limits are those in force on the business day, also for what was booked earlier: a changed limit clears or
    raises holds by itself.
14. NOT_EVALUABLE blocks posting where a check is not built or its facts are not known: a currency other than
    the ledger's (where CURRENCY_DIFF does not say so); allowance or charge on the document, prepayment,
    rounding; a tax category other than S, Z, E; a type code other than 380 and 381; a negative total; a line of
    quantity 0 or less or of a negative amount; a supplier that is blocked or not known to be free; a payee's
    bank account other than the supplier's on record; an amount-based two-way order line; an order dated after
    the document; an order line in doubt; a line's tax rate other than its order line's; taxable amounts that do
    not add up to the lines less allowances plus charges; line tax categories, an amount, and no tax breakdown; a
    charge on a line; a document in process after one in a unit without a factor on the same order line; an
    invoice in process by which an amount-based order line is billed above its ordered value.
15. Codes without a shipped limit (QTY_VALUE, PRICE_TOTAL, EARLY, FX_RATE, TOTAL_VAR and the like) are not
    checked, and lower limits are not built.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.amounts import Amount, Documents, Findings, documents_on
from tests.oracle.book import Book, Invoice, OrderLine
from tests.oracle.credits import credited_on, credits_in_excess
from tests.oracle.documents import document_codes
from tests.oracle.duplicates import duplicate_codes
from tests.oracle.lines import ReadLine, read_line
from tests.oracle.prices import judge_price
from tests.oracle.quantities import judge_quantities
from tests.oracle.running_totals import above_the_ordered_value, behind_an_unknown_unit

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
    codes = codes_of_documents(book, invoices, reads)
    counting = [read for read in reads if read.counts(codes[read.invoice.ref])]
    documents = {order_line: documents_on(order_line, counting) for order_line in book.order_lines}
    findings = judge_order_lines(book, documents, find_bookable(book, invoices, codes, reads, documents))
    lines = {}
    for read in reads:
        found = Findings(set(read.codes))
        if read.order_line is not None and read.is_judged(codes[read.invoice.ref]):
            found.take(findings[read.order_line][read.invoice.ref])
        lines[read.key] = line_verdict(read, found, codes[read.invoice.ref])
    return Verdicts(lines, {ref: frozenset(found) for ref, found in codes.items()})


def codes_of_documents(
    book: Book, invoices: Sequence[Invoice], reads: Sequence[ReadLine]
) -> dict[str, set[str]]:
    """Return the codes of each document as a whole."""
    codes = {}
    for invoice in invoices:
        of_invoice = [read for read in reads if read.invoice.ref == invoice.ref]
        codes[invoice.ref] = document_codes(book, invoice, of_invoice)
    for ref, code in duplicate_codes(book).items():
        codes[ref].add(code)
    for order_line in book.order_lines:
        unjudged = behind_an_unknown_unit(order_line, reads) | above_the_ordered_value(
            order_line, reads, codes
        )
        for ref in unjudged:
            codes[ref].add("NOT_EVALUABLE")
    return codes


def judge_order_lines(
    book: Book, documents: dict[OrderLine, Documents], bookable: Collection[str]
) -> dict[OrderLine, dict[str, Findings]]:
    """Return by order line what stands on each document there."""
    excess = {
        order_line: credits_in_excess(book, order_line, on_line, bookable)
        for order_line, on_line in documents.items()
    }
    parked = {ref for in_excess in excess.values() for ref in in_excess}
    findings: dict[OrderLine, dict[str, Findings]] = {}
    for order_line, on_line in documents.items():
        credited = credited_on(on_line, bookable, excess[order_line], parked)
        quantities = judge_quantities(book, order_line, on_line, credited)
        findings[order_line] = {}
        for invoice, amount in on_line:
            found = judge_price(book, order_line, invoice, amount)
            found.take(quantities.get(invoice.ref, Findings()))
            if invoice.ref in excess[order_line]:
                found.add("CREDIT_EXCESS", excess[order_line][invoice.ref])
            findings[order_line][invoice.ref] = found
    return findings


def line_verdict(read: ReadLine, found: Findings, document: set[str]) -> LineVerdict:
    """Close the book on one line."""
    return LineVerdict(
        frozenset(found.codes),
        line_state(found.codes, document),
        dict(found.measured),
        frozenset(code for code in found.codes if blocks_posting(code, read.order_line)),
    )


def blocks_posting(code: str, order_line: OrderLine | None) -> bool:
    """Say whether a hold blocks posting; the others block payment."""
    if code == "NO_RECEIPT":
        return order_line is not None and order_line.gr_based
    return code in BLOCKS_POSTING


def find_bookable(
    book: Book,
    invoices: Sequence[Invoice],
    codes: dict[str, set[str]],
    reads: Sequence[ReadLine],
    documents: dict[OrderLine, Documents],
) -> set[str]:
    """Return the documents that are booked, or that nothing keeps from it but a credit note's own excess."""
    parked = {invoice.ref for invoice in invoices if needs_approval(book, invoice)}
    parked |= {ref for ref, found in codes.items() if found & BLOCKS_POSTING}
    for read in reads:
        if any(blocks_posting(code, read.order_line) for code in read.codes):
            parked.add(read.invoice.ref)
    for order_line, on_line in documents.items():
        for ref, found in judge_quantities(book, order_line, on_line, Amount()).items():
            if any(blocks_posting(code, order_line) for code in found.codes):
                parked.add(ref)
    return {invoice.ref for invoice in invoices if invoice.booked or invoice.ref not in parked}


def needs_approval(book: Book, invoice: Invoice) -> bool:
    """Say whether the amount is above what the machine may decide, and no person approved it."""
    return abs(invoice.totals.gross) > book.machine_limit and not invoice.approved


def line_state(codes: set[str], document: set[str]) -> str:
    """Return matched, waiting_receipt (nothing but the receipt is missing) or held."""
    if document or codes - {"NO_RECEIPT"}:
        return "held"
    return "waiting_receipt" if codes else "matched"
