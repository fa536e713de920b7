"""Real e-invoices read a second time, for tests: the standard library's XML parser, no product code.

What a document should be held for follows here from its own text and from the rules of the hold catalogue, document by
document. Amounts are Decimal; limits are literal.
"""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET  # trusted test data
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path

_NAMES = {
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
}
ZERO = Decimal(0)
MACHINE_LIMIT = Decimal("100000.00")
# tax categories for which a rule is built: standard, zero, exempt; reverse charge and out of scope are not
BUILT_TAX_CATEGORIES = {"S", "Z", "E"}


def _texts(node: ET.Element, path: str) -> list[str]:
    return [(found.text or "").strip() for found in node.findall(path, _NAMES)]


def _text(node: ET.Element, path: str) -> str | None:
    return next(iter(_texts(node, path)), None)


def _sum(node: ET.Element, path: str) -> Decimal:
    return sum((Decimal(text) for text in _texts(node, path)), ZERO)


def _adjustments(node: ET.Element) -> Decimal:
    """Return charges less allowances that stand directly in a document or line."""
    total = ZERO
    for found in node.findall("cac:AllowanceCharge", _NAMES):
        amount = _sum(found, "cbc:Amount")
        total += amount if _text(found, "cbc:ChargeIndicator") == "true" else -amount
    return total


@dataclass(frozen=True)
class Document:
    """One e-invoice as its file says."""

    path: Path

    @cached_property
    def root(self) -> ET.Element:
        return ET.fromstring(self.path.read_bytes())  # noqa: S314 - trusted test data

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @cached_property
    def lines(self) -> list[ET.Element]:
        """The lines of the document; sub-lines only itemise the line that they stand in."""
        return self.root.findall("cac:InvoiceLine", _NAMES) + self.root.findall("cac:CreditNoteLine", _NAMES)

    def total(self, name: str) -> Decimal:
        return _sum(self.root, f"cac:LegalMonetaryTotal/cbc:{name}")

    @property
    def gross(self) -> Decimal:
        return self.total("TaxInclusiveAmount")

    @property
    def number(self) -> str:
        return _text(self.root, "cbc:ID") or ""

    @property
    def type_code(self) -> str | None:
        return _text(self.root, "cbc:InvoiceTypeCode") or _text(self.root, "cbc:CreditNoteTypeCode")

    @property
    def issued(self) -> date:
        return date.fromisoformat(_text(self.root, "cbc:IssueDate") or "")

    @property
    def order_number(self) -> str | None:
        return _text(self.root, "cac:OrderReference/cbc:ID")

    @cached_property
    def seller(self) -> str:
        """Who sent it: the VAT number, else an identifier, else the name. None of them is a known supplier."""
        party = self.root.find("cac:AccountingSupplierParty/cac:Party", _NAMES)
        assert party is not None
        for scheme in party.findall("cac:PartyTaxScheme", _NAMES):
            if _text(scheme, "cac:TaxScheme/cbc:ID") == "VAT":
                return (_text(scheme, "cbc:CompanyID") or "").replace(" ", "")
        found = _texts(party, "cac:PartyIdentification/cbc:ID") + _texts(
            party, "cac:PartyLegalEntity/cbc:CompanyID"
        )
        return next(iter(found), _text(party, "cac:PartyLegalEntity/cbc:RegistrationName") or "")

    @cached_property
    def number_key(self) -> str:
        """The number in upper case, letters and digits only, without leading zeros."""
        return re.sub("[^A-Z0-9]", "", self.number.upper()).lstrip("0")

    @property
    def confusable_key(self) -> str:
        return self.number_key.translate(str.maketrans("OIL", "011"))

    @property
    def business_order(self) -> tuple[date, str, str, str]:
        return (self.issued, self.number_key, self.number, self.sha256)

    # -- what must hold it ---------------------------------------------------------------------------------------

    def line_codes(self) -> list[tuple[str, set[str]]]:
        """Return line id and codes of each line, in the document's order. None of the orders exists."""
        order = "PO_MISSING" if self.order_number is None else "PO_NOT_FOUND"
        return [(_text(line, "cbc:ID") or "", {order, *self._arithmetic(line)}) for line in self.lines]

    @staticmethod
    def _arithmetic(line: ET.Element) -> set[str]:
        quantity = _sum(line, "cbc:InvoicedQuantity") + _sum(line, "cbc:CreditedQuantity")
        base = _sum(line, "cac:Price/cbc:BaseQuantity") or Decimal(1)
        net = _sum(line, "cbc:LineExtensionAmount")
        expected = quantity * _sum(line, "cac:Price/cbc:PriceAmount") / base + _adjustments(line)
        return {"LINE_ARITH"} if abs(net - expected) > Decimal("0.02") else set()

    def document_codes(self) -> set[str]:
        """Return the codes that the document alone decides."""
        codes = set()
        if self.broken_totals():
            codes.add("TOTAL_ARITH")
        if any(abs(tax - base * rate / 100) > Decimal("0.01") for _, rate, base, tax in self.taxes):
            codes.add("TAX_TOTAL")
        if self.beyond_the_built_checks():
            codes.add("NOT_EVALUABLE")
        if abs(self.gross) > MACHINE_LIMIT:
            codes.add("APPROVAL")
        return codes

    @cached_property
    def taxes(self) -> list[tuple[str, Decimal, Decimal, Decimal]]:
        """Category, rate, taxable amount and tax of each VAT breakdown."""
        return [
            (
                _text(row, "cac:TaxCategory/cbc:ID") or "",
                _sum(row, "cac:TaxCategory/cbc:Percent"),
                _sum(row, "cbc:TaxableAmount"),
                _sum(row, "cbc:TaxAmount"),
            )
            for row in self.root.findall("cac:TaxTotal/cac:TaxSubtotal", _NAMES)
        ]

    @property
    def tax(self) -> Decimal:
        """The tax in the currency of the document; a second total may state it in the tax currency (BT-111)."""
        currency = _text(self.root, "cbc:DocumentCurrencyCode")
        stated = self.root.findall("cac:TaxTotal/cbc:TaxAmount", _NAMES)
        return sum((Decimal(tax.text or "") for tax in stated if tax.get("currencyID") == currency), ZERO)

    def broken_totals(self) -> list[str]:
        """Return the EN 16931 rules on totals that the document breaks."""
        net, gross, tax = self.total("TaxExclusiveAmount"), self.gross, self.tax
        lines = self.total("LineExtensionAmount")
        rules = {
            "BR-CO-10": (lines, sum((_sum(line, "cbc:LineExtensionAmount") for line in self.lines), ZERO)),
            "BR-CO-13": (net, lines - self.total("AllowanceTotalAmount") + self.total("ChargeTotalAmount")),
            "BR-CO-14": (tax, sum((row[3] for row in self.taxes), ZERO)),
            "BR-CO-15": (gross, net + tax),
            "BR-CO-16": (
                self.total("PayableAmount"),
                gross - self.total("PrepaidAmount") + self.total("PayableRoundingAmount"),
            ),
        }
        return [rule for rule, (printed, computed) in rules.items() if printed != computed]

    def beyond_the_built_checks(self) -> list[str]:
        """Return what only a check could judge that does not exist yet: such a document goes to a person."""
        quantities = [_sum(line, "cbc:InvoicedQuantity") for line in self.lines]
        nets = [_sum(line, "cbc:LineExtensionAmount") for line in self.lines]
        found = {
            "allowance": self.total("AllowanceTotalAmount") != 0,
            "charge": self.total("ChargeTotalAmount") != 0,
            "prepayment": self.total("PrepaidAmount") != 0,
            "rounding": self.total("PayableRoundingAmount") != 0,
            "tax category": any(category not in BUILT_TAX_CATEGORIES for category, *_ in self.taxes),
            "document type": self.type_code not in {"380", "381"},
            "negative total": self.gross < 0,
            "negative line": any(value <= 0 for value in quantities) or any(value < 0 for value in nets),
        }
        return [name for name, stands in found.items() if stands]


def duplicate_code(document: Document, others: Iterable[Document]) -> set[str]:
    """Return the code of a document that repeats one earlier in business order, of the same sender."""
    found = set()
    for other in others:
        if other.seller != document.seller or other.business_order >= document.business_order:
            continue
        same_facts = other.gross == document.gross or other.issued == document.issued
        if other.number_key == document.number_key:
            found.add("DUP_EXACT" if same_facts else "DUP_LIKELY")
        elif other.confusable_key == document.confusable_key or (
            same_facts and _swapped(document.number_key, other.number_key)
        ):
            found.add("DUP_LIKELY")
    return {min(found)} if found else set()


def _swapped(one: str, other: str) -> bool:
    """Tell whether two numbers differ by one swap of neighbours."""
    return any(one[:i] + one[i + 1] + one[i] + one[i + 2 :] == other for i in range(len(one) - 1))


def read_folder(folder: Path) -> list[Document]:
    """Return the documents of a folder in order of their names."""
    return [Document(path) for path in sorted(folder.glob("*.xml"))]
