"""VAT total and VAT breakdown of a UBL invoice or credit note, in the document's currency."""

from __future__ import annotations

from decimal import Decimal

from backoffice.domain.einvoice_model import InvoiceTax
from backoffice.domain.einvoice_reader import Group
from backoffice.domain.einvoice_terms import RATE, ZERO, TermReader
from backoffice.domain.einvoice_ubl_plan import TAX_SUBTOTAL, TAX_TOTAL
from backoffice.domain.typed_value import Code


def read_tax_total(reader: TermReader, document: Group) -> Decimal | None:
    """Return the VAT total (BT-110), 0 if none is printed; never the one in the accounting currency
    (BT-111).
    """
    totals = document.groups.get(TAX_TOTAL, [])
    chosen = _in_currency(totals, reader.currency)
    if totals and not chosen:
        reader.flag("BT-110 VAT total", f"none of {len(totals)} is printed in the document's currency")
    leaves = [leaf for total in chosen for leaf in total.leaves.get("cbc:TaxAmount", [])]
    return reader.amount_or_zero(Group({"cbc:TaxAmount": leaves}), "cbc:TaxAmount", "BT-110 VAT total")


def _in_currency(totals: list[Group], currency: str | None) -> list[Group]:
    """Return the totals printed in ``currency``; if there are several, those with a breakdown."""

    def printed_in(total: Group) -> bool:
        units = {
            leaf.attributes.get("currencyID", "").strip() for leaf in total.leaves.get("cbc:TaxAmount", [])
        }
        return currency is None or not units or bool(units & {currency, ""})

    chosen = [total for total in totals if printed_in(total)]
    detailed = [total for total in chosen if total.groups.get(TAX_SUBTOTAL)]
    return detailed if len(chosen) > 1 and detailed else chosen


def read_taxes(document: Group, currency: str | None) -> tuple[InvoiceTax, ...]:
    """Return the VAT breakdown (BG-23) in the document's currency."""
    totals = _in_currency(document.groups.get(TAX_TOTAL, []), currency)
    return tuple(
        _read_tax(group, currency) for total in totals for group in total.groups.get(TAX_SUBTOTAL, [])
    )


def _read_tax(group: Group, currency: str | None) -> InvoiceTax:
    """Return one line of the breakdown; only what is outside the scope of VAT (category O) has no rate: 0."""
    reader = TermReader(currency)
    category = reader.read(group, "cac:TaxCategory/cbc:ID", "BT-118 VAT category", Code(10), required=True)
    rate = reader.read(
        group, "cac:TaxCategory/cbc:Percent", "BT-119 VAT rate", RATE, required=category != "O"
    )
    return InvoiceTax(
        category=category,
        rate=ZERO if rate is None and category == "O" and not reader.defects else rate,
        taxable_amount=reader.amount(group, "cbc:TaxableAmount", "BT-116 taxable amount", required=True),
        tax_amount=reader.amount(group, "cbc:TaxAmount", "BT-117 VAT amount", required=True),
        defects=tuple(reader.defects),
    )
