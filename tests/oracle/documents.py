"""Checks of a document by itself: do its totals tie, does its tax follow, can it be judged at all."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor

from tests.oracle.book import Book, Invoice
from tests.oracle.limits import is_above, limit_for
from tests.oracle.lines import ReadLine


def document_codes(book: Book, invoice: Invoice, reads: Sequence[ReadLine]) -> set[str]:
    """Return TOTAL_ARITH, TAX_TOTAL and NOT_EVALUABLE where they apply; ``reads`` are its lines.

    Where CURRENCY_DIFF on a line speaks of the currency, the currency is no reason to say that nothing built
    can judge it.
    """
    codes = set()
    total_limit = limit_for(book, "TOTAL_ARITH", invoice.entity, None)
    if any(is_above(abs(difference), total_limit) for difference in total_differences(invoice).values()):
        codes.add("TOTAL_ARITH")
    tax_limit = limit_for(book, "TAX_TOTAL", invoice.entity, None)
    for row in invoice.taxes:
        if is_above(abs(Fraction(row.tax) - Fraction(row.taxable) * Fraction(row.rate) / 100), tax_limit):
            codes.add("TAX_TOTAL")
    reasons = reasons_not_evaluable(book, invoice) | reasons_in_orders(reads) | reasons_in_tax(invoice, reads)
    if any("CURRENCY_DIFF" in read.codes for read in reads):
        reasons.discard("foreign currency")
    if reasons:
        codes.add("NOT_EVALUABLE")
    return codes


def to_cents(amount: Fraction) -> Fraction:
    """Round to two decimals, a half towards plus infinity: -0.005 becomes 0.00, 0.005 becomes 0.01."""
    return Fraction(floor(amount * 100 + Fraction(1, 2)), 100)


def total_differences(invoice: Invoice) -> dict[str, Fraction]:
    """Return by EN 16931 rule how far the printed total is from the one computed, both rounded to cents."""
    totals = invoice.totals
    net_lines = sum((Fraction(line.net) for line in invoice.lines), Fraction(0))
    tax_rows = sum((Fraction(row.tax) for row in invoice.taxes), Fraction(0))
    computed_and_printed = {
        "BR-CO-10": (net_lines, totals.line_total),
        "BR-CO-13": (
            Fraction(totals.line_total) - Fraction(totals.allowance) + Fraction(totals.charge),
            totals.net,
        ),
        "BR-CO-14": (tax_rows, totals.tax),
        "BR-CO-15": (Fraction(totals.net) + Fraction(totals.tax), totals.gross),
        "BR-CO-16": (
            Fraction(totals.gross) - Fraction(totals.prepaid) + Fraction(totals.rounding),
            totals.payable,
        ),
    }
    return {
        rule: to_cents(Fraction(printed)) - to_cents(computed)
        for rule, (computed, printed) in computed_and_printed.items()
    }


def reasons_not_evaluable(book: Book, invoice: Invoice) -> set[str]:
    """Return why no built check can judge this document; empty when they can."""
    totals = invoice.totals
    supplier = book.supplier(invoice.supplier_id)
    reasons = {
        "foreign currency": invoice.currency != book.ledger_currency(invoice.entity),
        "allowance": totals.allowance != 0,
        "charge": totals.charge != 0,
        "prepaid": totals.prepaid != 0,
        "rounding": totals.rounding != 0,
        "tax category": any(row.category not in ("S", "Z", "E") for row in invoice.taxes),
        "document type": invoice.type_code not in (None, "380", "381"),
        "negative gross": totals.gross < 0,
        "quantity not above zero": any(line.quantity <= 0 for line in invoice.lines),
        "negative line": any(line.net < 0 for line in invoice.lines),
        "supplier blocked, or not known to be free": supplier is not None and supplier.blocked is not False,
        "bank account": supplier is not None and differ(account(invoice.payee_iban), account(supplier.iban)),
    }
    return {reason for reason, applies in reasons.items() if applies}


def reasons_in_orders(reads: Sequence[ReadLine]) -> set[str]:
    """Return why the orders of its lines keep a document from being judged."""
    reasons = set()
    for read in reads:
        order_line = read.order_line
        if read.line.charge > 0:
            reasons.add("charge on a line")
        if order_line is None:
            continue
        if order_line.amount_based and order_line.match_type == 2:
            reasons.add("ordered value")
        if order_line.order_date is not None and order_line.order_date > read.invoice.issued:
            reasons.add("ordered after the invoice")
        if order_line.doubtful:
            reasons.add("order in doubt")
    return reasons


def reasons_in_tax(invoice: Invoice, reads: Sequence[ReadLine]) -> set[str]:
    """Return why no built check can judge the tax: another rate than ordered, or bases that leave some out."""
    reasons = set()
    for read in reads:
        if read.order_line is not None and differ(read.line.tax_rate, read.order_line.tax_rate):
            reasons.add("tax rate")
    net = sum((read.net for read in reads), Fraction(0))
    net += Fraction(invoice.totals.charge) - Fraction(invoice.totals.allowance)
    if invoice.taxes:
        if sum((Fraction(row.taxable) for row in invoice.taxes), Fraction(0)) != net:
            reasons.add("taxable amounts")
    elif net != 0 and any(line.tax_category is not None for line in invoice.lines):
        reasons.add("no tax breakdown")
    return reasons


def account(iban: str | None) -> str | None:
    """The bank account number without spaces, in upper case."""
    return None if iban is None else "".join(iban.split()).upper()


def differ(one: object, other: object) -> bool:
    """Say whether both are stated, and differ."""
    return one is not None and other is not None and one != other
