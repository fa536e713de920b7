"""Writes a draft as a UBL 2.1 invoice or credit note in the terms of EN 16931.

Only what the product may rely on is here: no attachment, no extension. Each document says in a note that it
is synthetic.
"""

from __future__ import annotations

from decimal import Decimal
from html import escape

from backoffice.sandbox.generator.draft import Draft, DraftLine, Subtotal, Totals
from backoffice.sandbox.generator.model import Supplier

CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
ROOT = "urn:oasis:names:specification:ubl:schema:xsd:{}-2"
SPECIFICATION = "urn:cen.eu:en16931:2017"
PROFILE = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
SYNTHETIC = "Synthetic data of the Backoffice sandbox company: not a real document."
BUYER = ("Sandbox Company GmbH", "DE999999999", "Musterstadt", "DE")

_EXEMPTION = "Exempt from value added tax"
STYLES = 4


def render(draft: Draft, style: int = 0) -> bytes:
    """The document's bytes (UTF-8).

    :param style: How it is written: even without, odd with a namespace prefix on the root; from 2 on with
        a byte order mark and Windows line ends. The content is the same.
    """
    name = "CreditNote" if draft.kind == "credit_note" else "Invoice"
    prefix, colon = ("ubl", "ubl:") if style % 2 else ("", "")
    declared = f"xmlns:{prefix}" if prefix else "xmlns"
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<{colon}{name} {declared}="{ROOT.format(name)}" xmlns:cac="{CAC}" xmlns:cbc="{CBC}">',
        *_header(draft, name),
        *_references(draft),
        *_seller(draft.supplier, draft.supplier_id if draft.names_seller else None),
        *_buyer(),
        *_payment(draft, name),
        *_discount(draft),
        *_tax(draft.subtotals(), draft.currency),
        *_monetary(draft.totals(), draft.currency),
    ]
    for line in draft.lines:
        parts += _line(line, name, draft.currency)
    parts.append(f"</{colon}{name}>")
    if style < STYLES // 2:
        return ("\n".join(parts) + "\n").encode()
    return b"\xef\xbb\xbf" + ("\r\n".join(parts) + "\r\n").encode()


def _text(tag: str, value: str) -> str:
    return f"<cbc:{tag}>{escape(value, quote=False)}</cbc:{tag}>"


def _amount(tag: str, value: Decimal, currency: str) -> str:
    return f'<cbc:{tag} currencyID="{currency}">{value:.2f}</cbc:{tag}>'


def plain(value: Decimal) -> str:
    """The number without exponent and without needless zeros: 2E+2 gives 200, 1.500 gives 1.5."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _header(draft: Draft, name: str) -> list[str]:
    parts = [_text("CustomizationID", SPECIFICATION), _text("ProfileID", PROFILE)]
    if draft.number:
        parts.append(_text("ID", draft.number))
    parts.append(_text("IssueDate", draft.issued.isoformat()))
    if name == "Invoice":
        parts += [_text("DueDate", draft.due.isoformat()), _text("InvoiceTypeCode", "380")]
    else:
        parts.append(_text("CreditNoteTypeCode", "381"))
    parts.append(_text("Note", SYNTHETIC if draft.note is None else f"{SYNTHETIC} {draft.note}"))
    parts += [_text("DocumentCurrencyCode", draft.currency), _text("BuyerReference", "AP")]
    return parts


def _references(draft: Draft) -> list[str]:
    parts = []
    if draft.po_number is not None:
        parts.append(f"<cac:OrderReference>{_text('ID', draft.po_number)}</cac:OrderReference>")
    if draft.preceding is not None:
        number, issued = draft.preceding
        parts.append(
            "<cac:BillingReference><cac:InvoiceDocumentReference>"
            f"{_text('ID', number)}{_text('IssueDate', issued.isoformat())}"
            "</cac:InvoiceDocumentReference></cac:BillingReference>"
        )
    if draft.receipt_number is not None:
        receipt = _text("ID", draft.receipt_number)
        parts.append(f"<cac:ReceiptDocumentReference>{receipt}</cac:ReceiptDocumentReference>")
    return parts


def _seller(supplier: Supplier, seller_id: str | None) -> list[str]:
    identification = (
        f"<cac:PartyIdentification>{_text('ID', seller_id)}</cac:PartyIdentification>" if seller_id else ""
    )
    return [
        "<cac:AccountingSupplierParty><cac:Party>",
        f'<cbc:EndpointID schemeID="EM">billing@{supplier.supplier_id.lower()}.example</cbc:EndpointID>',
        identification,
        *_address(supplier.city, supplier.country),
        *_registration(supplier.name, supplier.vat_id),
        "</cac:Party></cac:AccountingSupplierParty>",
    ]


def _buyer() -> list[str]:
    name, vat_id, city, country = BUYER
    return [
        "<cac:AccountingCustomerParty><cac:Party>",
        '<cbc:EndpointID schemeID="EM">invoices@sandbox-company.example</cbc:EndpointID>',
        *_address(city, country),
        *_registration(name, vat_id),
        "</cac:Party></cac:AccountingCustomerParty>",
    ]


def _address(city: str, country: str) -> list[str]:
    return [
        f"<cac:PostalAddress>{_text('CityName', city)}",
        f"<cac:Country>{_text('IdentificationCode', country)}</cac:Country></cac:PostalAddress>",
    ]


def _registration(name: str, vat_id: str) -> list[str]:
    return [
        f"<cac:PartyTaxScheme>{_text('CompanyID', vat_id)}",
        f"<cac:TaxScheme>{_text('ID', 'VAT')}</cac:TaxScheme></cac:PartyTaxScheme>",
        f"<cac:PartyLegalEntity>{_text('RegistrationName', name)}</cac:PartyLegalEntity>",
    ]


def _payment(draft: Draft, name: str) -> list[str]:
    due = _text("PaymentDueDate", draft.due.isoformat()) if name == "CreditNote" else ""
    return [
        f"<cac:PaymentMeans>{_text('PaymentMeansCode', '58')}{due}",
        f"<cac:PayeeFinancialAccount>{_text('ID', draft.supplier.iban)}</cac:PayeeFinancialAccount>",
        "</cac:PaymentMeans>",
    ]


def _discount(draft: Draft) -> list[str]:
    """How suppliers say it: those in Germany in the note as XRechnung prescribes, others in UBL's terms."""
    given = draft.discount()
    if given is None:
        return []
    until, days, percent = given
    if draft.supplier.country == "DE":
        terms = _text("Note", f"#SKONTO#TAGE={days}#PROZENT={percent:.2f}#\n")
    else:
        terms = (
            f"{_text('SettlementDiscountPercent', plain(percent))}"
            f"<cac:SettlementPeriod>{_text('EndDate', until.isoformat())}</cac:SettlementPeriod>"
        )
    return [f"<cac:PaymentTerms>{terms}</cac:PaymentTerms>"]


def _tax(subtotals: list[Subtotal], currency: str) -> list[str]:
    total = sum((subtotal.tax for subtotal in subtotals), Decimal("0.00"))
    parts = [f"<cac:TaxTotal>{_amount('TaxAmount', total, currency)}"]
    for subtotal in subtotals:
        reason = _text("TaxExemptionReason", _EXEMPTION) if subtotal.category == "E" else ""
        parts.append(
            f"<cac:TaxSubtotal>{_amount('TaxableAmount', subtotal.taxable, currency)}"
            f"{_amount('TaxAmount', subtotal.tax, currency)}"
            f"{_category('TaxCategory', subtotal.category, subtotal.rate, reason)}</cac:TaxSubtotal>"
        )
    return [*parts, "</cac:TaxTotal>"]


def _category(tag: str, category: str, rate: Decimal, reason: str = "") -> str:
    return (
        f"<cac:{tag}>{_text('ID', category)}{_text('Percent', plain(rate))}{reason}"
        f"<cac:TaxScheme>{_text('ID', 'VAT')}</cac:TaxScheme></cac:{tag}>"
    )


def _monetary(totals: Totals, currency: str) -> list[str]:
    return [
        "<cac:LegalMonetaryTotal>",
        _amount("LineExtensionAmount", totals.lines, currency),
        _amount("TaxExclusiveAmount", totals.tax_exclusive, currency),
        _amount("TaxInclusiveAmount", totals.tax_inclusive, currency),
        _amount("PayableAmount", totals.payable, currency),
        "</cac:LegalMonetaryTotal>",
    ]


def _line(line: DraftLine, name: str, currency: str) -> list[str]:
    element, quantity = (
        ("CreditNoteLine", "CreditedQuantity")
        if name == "CreditNote"
        else ("InvoiceLine", "InvoicedQuantity")
    )
    parts = [
        f"<cac:{element}>{_text('ID', line.number)}",
        f'<cbc:{quantity} unitCode="{line.uom}">{plain(line.quantity)}</cbc:{quantity}>',
        _amount("LineExtensionAmount", line.net, currency),
    ]
    if line.po_line is not None:
        parts.append(f"<cac:OrderLineReference>{_text('LineID', line.po_line)}</cac:OrderLineReference>")
    if line.allowance:
        parts.append(
            "<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator>"
            f"{_text('AllowanceChargeReason', 'Discount')}"
            f"{_amount('Amount', line.allowance, currency)}</cac:AllowanceCharge>"
        )
    parts += [
        f"<cac:Item>{_text('Name', line.description)}",
        f"<cac:SellersItemIdentification>{_text('ID', line.item)}</cac:SellersItemIdentification>",
        f"{_category('ClassifiedTaxCategory', line.tax_category, line.tax_rate)}</cac:Item>",
        f'<cac:Price><cbc:PriceAmount currencyID="{currency}">{plain(line.price)}</cbc:PriceAmount>',
    ]
    if line.base != 1:
        parts.append(f'<cbc:BaseQuantity unitCode="{line.uom}">{plain(line.base)}</cbc:BaseQuantity>')
    return [*parts, f"</cac:Price></cac:{element}>"]
