"""Reads a sandbox company's documents and judges them once more, slowly and plainly, from the rules' text.

Only for checking that a planting has exactly the consequences that its label names. It knows nothing of the
labels, of how documents are made, or of the product: XML bytes, order lines and receipts go in, codes come
out. Fractions throughout, one document after the other.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from lxml import etree

from backoffice.sandbox.generator import Company, Document, OrderLine

GATES = {
    "PO_MISSING",
    "PO_NOT_FOUND",
    "LINE_UNMATCHED",
    "SUPPLIER_MISMATCH",
    "CURRENCY_DIFF",
    "UOM_UNMAPPED",
    "PO_CLOSED",
    "PO_NOT_APPROVED",
}
CURRENCIES = {"EUR", "USD", "GBP", "CHF"}


@dataclass
class Line:
    number: str
    po_line: str | None
    quantity: Fraction
    uom: str
    price: Fraction
    base: Fraction
    net: Fraction
    allowances: Fraction
    codes: set[str] = field(default_factory=set)


@dataclass
class Paper:
    message_id: str
    arrived: date
    credit: bool
    number: str
    issued: date
    due: date
    currency: str
    vat_id: str
    po_number: str | None
    totals: dict[str, Fraction]
    taxes: list[tuple[Fraction, Fraction, Fraction]]
    lines: list[Line]
    codes: set[str] = field(default_factory=set)

    def all_codes(self) -> set[str]:
        return self.codes.union(*(line.codes for line in self.lines))


class NoInvoice(Exception):
    """The document cannot be taken for an invoice."""


def judge(company: Company) -> dict[tuple[str, str | None], tuple[list[str], str | None]]:
    """Codes and outcome per document (line None) and codes per line, keyed by message and line."""
    found: dict[tuple[str, str | None], tuple[list[str], str | None]] = {}
    papers: list[Paper] = []
    seen: set[str] = set()
    for document in company.documents:
        digest = hashlib.sha256(document.content).hexdigest()
        if digest in seen:
            found[document.message_id, None] = ([], "already_known")
            continue
        seen.add(digest)
        try:
            papers.append(read(document, company.anchor))
        except NoInvoice:
            found[document.message_id, None] = ([], "quarantined")
    papers.sort(key=lambda paper: (paper.issued, paper.number))
    _duplicates(company, papers)
    _match(company, papers)
    for paper in papers:
        found[paper.message_id, None] = (sorted(paper.codes), _outcome(paper, company.anchor))
        for line in paper.lines:
            found[paper.message_id, line.number] = (sorted(line.codes), None)
    return found


def read(document: Document, anchor: date) -> Paper:
    content = document.content
    if b"<!DOCTYPE" in content:
        raise NoInvoice
    try:
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise NoInvoice from error
    kind = etree.QName(root).localname
    if kind not in ("Invoice", "CreditNote"):
        raise NoInvoice

    def texts(node: Any, path: str) -> list[str]:
        steps = "/".join(f"*[local-name()='{step}']" for step in path.split("/"))
        return [found.text or "" for found in node.xpath(steps)]

    def one(node: Any, path: str) -> str:
        values = texts(node, path)
        if len(values) != 1:
            raise NoInvoice
        return values[0]

    try:
        paper = Paper(
            message_id=document.message_id,
            arrived=document.updated_at.date(),
            credit=kind == "CreditNote",
            number=one(root, "ID"),
            issued=date.fromisoformat(one(root, "IssueDate")),
            due=date.fromisoformat(
                one(root, "DueDate" if kind == "Invoice" else "PaymentMeans/PaymentDueDate")
            ),
            currency=one(root, "DocumentCurrencyCode"),
            vat_id=one(root, "AccountingSupplierParty/Party/PartyTaxScheme/CompanyID"),
            po_number=next(iter(texts(root, "OrderReference/ID")), None),
            totals={
                name: Fraction(one(root, f"LegalMonetaryTotal/{name}"))
                for name in (
                    "LineExtensionAmount",
                    "TaxExclusiveAmount",
                    "TaxInclusiveAmount",
                    "PayableAmount",
                )
            },
            taxes=[
                (
                    Fraction(one(part, "TaxableAmount")),
                    Fraction(one(part, "TaxCategory/Percent")),
                    Fraction(one(part, "TaxAmount")),
                )
                for part in root.xpath("*[local-name()='TaxTotal']/*[local-name()='TaxSubtotal']")
            ],
            lines=[
                _line(line, texts, one)
                for line in root.xpath("*[local-name()='InvoiceLine' or local-name()='CreditNoteLine']")
            ],
        )
    except ValueError as error:
        raise NoInvoice from error
    if not paper.lines or paper.currency not in CURRENCIES or paper.issued > anchor + timedelta(days=1):
        raise NoInvoice
    return paper


def _line(node: Any, texts: Any, one: Any) -> Line:
    quantity = node.xpath("*[local-name()='InvoicedQuantity' or local-name()='CreditedQuantity']")[0]
    return Line(
        number=one(node, "ID"),
        po_line=next(iter(texts(node, "OrderLineReference/LineID")), None),
        quantity=Fraction(quantity.text),
        uom=quantity.get("unitCode"),
        price=Fraction(one(node, "Price/PriceAmount")),
        base=Fraction(next(iter(texts(node, "Price/BaseQuantity")), "1")),
        net=Fraction(one(node, "LineExtensionAmount")),
        allowances=sum((Fraction(text) for text in texts(node, "AllowanceCharge/Amount")), Fraction(0)),
    )


def normal(number: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", number.upper()).lstrip("0")


def _swapped_neighbours(one: str, other: str) -> bool:
    if len(one) != len(other):
        return False
    apart = [at for at in range(len(one)) if one[at] != other[at]]
    return (
        len(apart) == 2
        and apart[1] == apart[0] + 1
        and one[apart[0]] == other[apart[1]]
        and one[apart[1]] == other[apart[0]]
    )


def _duplicates(company: Company, papers: list[Paper]) -> None:
    families = {
        supplier.vat_id: supplier.supplier_group or supplier.supplier_id for supplier in company.suppliers
    }
    earlier: defaultdict[tuple[str, bool], list[Paper]] = defaultdict(list)
    for paper in papers:
        mine = normal(paper.number)
        gross = paper.totals["PayableAmount"]
        family = earlier[families.get(paper.vat_id, paper.vat_id), paper.credit]
        for other in family:
            theirs = normal(other.number)
            same_gross = other.totals["PayableAmount"] == gross
            if mine == theirs:
                exact = same_gross or other.issued == paper.issued
                paper.codes.add("DUP_EXACT" if exact else "DUP_LIKELY")
            elif mine.translate(str.maketrans("OI", "01")) == theirs.translate(str.maketrans("OI", "01")) or (
                same_gross and _swapped_neighbours(mine, theirs)
            ):
                paper.codes.add("DUP_LIKELY")
        family.append(paper)


def _match(company: Company, papers: list[Paper]) -> None:
    orders: dict[tuple[str, str], OrderLine] = {}
    for line in company.order_lines:  # oldest first, so the latest version stays
        orders[line.key] = line
    numbers = {po_number for po_number, _ in orders}
    received: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for receipt in company.receipts:
        received[receipt.po_number, receipt.po_line] += Fraction(receipt.quantity)
    supplier_of = {supplier.vat_id: supplier.supplier_id for supplier in company.suppliers}
    billed: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for paper in papers:
        _add_up(paper)
        for line in paper.lines:
            _gate(paper, line, orders, numbers, supplier_of.get(paper.vat_id))
        in_this: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
        for line in paper.lines:
            if paper.po_number is None or line.po_line is None or line.codes & GATES:
                continue
            key = (paper.po_number, line.po_line)
            in_this[key] += line.quantity
            if paper.credit:
                if in_this[key] > billed[key]:
                    line.codes.add("CREDIT_EXCESS")
            else:
                _judge_line(line, orders[key], billed[key] + in_this[key], received[key])
        counts = not paper.all_codes() & (GATES | {"DUP_EXACT", "CREDIT_EXCESS"})
        for key, quantity in in_this.items():
            billed[key] += (-quantity if paper.credit else quantity) if counts else 0


def _gate(
    paper: Paper,
    line: Line,
    orders: dict[tuple[str, str], OrderLine],
    numbers: set[str],
    supplier_id: str | None,
) -> None:
    if paper.po_number is None:
        line.codes.add("PO_MISSING")
    elif paper.po_number not in numbers:
        line.codes.add("PO_NOT_FOUND")
    elif line.po_line is None or (paper.po_number, line.po_line) not in orders:
        line.codes.add("LINE_UNMATCHED")
    else:
        order = orders[paper.po_number, line.po_line]
        checks = {
            "SUPPLIER_MISMATCH": order.supplier_id != supplier_id,
            "CURRENCY_DIFF": order.currency != paper.currency,
            "UOM_UNMAPPED": order.uom != line.uom,
            "PO_CLOSED": order.status == "closed",
            "PO_NOT_APPROVED": not order.approved,
        }
        line.codes.update(code for code, failed in checks.items() if failed)


def _judge_line(line: Line, order: OrderLine, cumulative: Fraction, received: Fraction) -> None:
    ordered_price = Fraction(order.unit_price) / Fraction(order.price_base_quantity)
    if cumulative > Fraction(order.quantity):
        line.codes.add("QTY_ORD")
    if order.match_type == 3:
        if received == 0 and ordered_price * cumulative > 0:
            line.codes.add("NO_RECEIPT")
        if received > 0 and cumulative > received:
            line.codes.add("QTY_REC")
    dearer = line.net - ordered_price * line.quantity
    if dearer > 50 or dearer * 100 > 2 * ordered_price * line.quantity:
        line.codes.add("PRICE")


def _add_up(paper: Paper) -> None:
    for line in paper.lines:
        expected = line.quantity * line.price / line.base - line.allowances
        if abs(line.net - expected) > Fraction("0.02"):
            line.codes.add("LINE_ARITH")
    nets = sum((line.net for line in paper.lines), Fraction(0))
    tax = sum((tax for _, _, tax in paper.taxes), Fraction(0))
    if nets + tax != paper.totals["PayableAmount"]:
        paper.codes.add("TOTAL_ARITH")
    if any(abs(tax - base * rate / 100) > Fraction("0.01") for base, rate, tax in paper.taxes):
        paper.codes.add("TAX_TOTAL")


def _outcome(paper: Paper, anchor: date) -> str:
    codes = paper.all_codes()
    if not codes:
        return "approve"
    passed = (paper.arrived + timedelta(days=day) for day in range(1, (anchor - paper.arrived).days + 1))
    business_days = sum(1 for day in passed if day.weekday() < 5)
    waits = codes == {"NO_RECEIPT"} and business_days <= 3 and (paper.due - anchor).days > 5
    return "wait" if waits else "review"
