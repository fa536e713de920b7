"""The header of a UBL invoice or credit note: who bills whom for what sum, and the documents it points to."""

from __future__ import annotations

import re
from datetime import date

from backoffice.domain.einvoice_model import InvoiceHeader
from backoffice.domain.einvoice_reader import Group
from backoffice.domain.einvoice_terms import TermReader
from backoffice.domain.einvoice_ubl_discount import read_discount
from backoffice.domain.einvoice_ubl_plan import BUYER, CURRENCY, PO_NUMBER, SELLER, TOTALS
from backoffice.domain.einvoice_ubl_tax import read_tax_total
from backoffice.domain.typed_value import Code, Day, Text, UnreadableValueError

# Types of document that ask for payment of goods and services (UNTDID 1001 as used by EN 16931). What is
# not among
# them (a pro forma invoice, a prepayment request) is another business case and needs a person.
INVOICE_TYPES = frozenset(
    {
        "80",
        "82",
        "84",
        "326",
        "380",
        "382",
        "383",
        "384",
        "388",
        "389",
        "393",
        "394",
        "395",
        "527",
        "575",
        "623",
        "633",
        "780",
        "817",
        "870",
        "875",
        "876",
        "877",
        "935",
    }
)
CREDIT_NOTE_TYPES = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"})


def document_currency(document: Group) -> str | None:
    """Return the document's currency if it is one readable code, without noting why it is not."""
    leaves = document.leaves.get(CURRENCY, [])
    try:
        code = Text().read(leaves[0].text) if len(leaves) == 1 else None
    except UnreadableValueError:
        return None
    return code if code and re.fullmatch("[A-Z]{3}", code) else None


def read_header(reader: TermReader, document: Group, is_credit_note: bool) -> InvoiceHeader:
    """Return the header; what is missing or cannot be read is noted in ``reader``."""
    type_code, kind = _kind(reader, document, is_credit_note)
    seller_name = _name(reader, document, SELLER, "BT-27 seller name")
    seller_id = _seller_id(reader, document)
    if seller_name is None and seller_id is None:
        reader.flag("BT-27 seller name", "missing, and so is BT-29 seller id")
    if reader.currency is None:
        reader.flag("BT-5 currency", "missing or not three letters", _printed_currency(document))
    invoice_date = reader.read(document, "cbc:IssueDate", "BT-2 invoice date", Day(), required=True)
    discount_date, discount_percent = read_discount(reader, document, invoice_date)
    return InvoiceHeader(
        kind=kind,
        type_code=type_code,
        invoice_number=reader.read(document, "cbc:ID", "BT-1 invoice number", Text(), required=True),
        invoice_date=invoice_date,
        due_date=_due_date(reader, document),
        discount_date=discount_date,
        discount_percent=discount_percent,
        currency=reader.currency,
        seller_id=seller_id,
        seller_vat_id=_vat_id(reader, document, SELLER, "BT-31 seller VAT id"),
        seller_name=seller_name,
        buyer_name=_name(reader, document, BUYER, "BT-44 buyer name"),
        buyer_vat_id=_vat_id(reader, document, BUYER, "BT-48 buyer VAT id"),
        payee_iban=reader.joined(
            document, "cac:PaymentMeans/cac:PayeeFinancialAccount/cbc:ID", "BT-84 account", Code()
        ),
        po_number=reader.read(document, PO_NUMBER, "BT-13 order number", Text()),
        receipt_number=reader.joined(
            document, "cac:ReceiptDocumentReference/cbc:ID", "BT-15 receiving advice", Text()
        ),
        preceding_invoice_number=reader.joined(
            document,
            "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID",
            "BT-25 preceding invoice",
            Text(),
        ),
        line_total=reader.amount(
            document, f"{TOTALS}/cbc:LineExtensionAmount", "BT-106 sum of lines", required=True
        ),
        allowance_total=reader.amount_or_zero(
            document, f"{TOTALS}/cbc:AllowanceTotalAmount", "BT-107 allowances"
        ),
        charge_total=reader.amount_or_zero(document, f"{TOTALS}/cbc:ChargeTotalAmount", "BT-108 charges"),
        net_total=reader.amount(
            document, f"{TOTALS}/cbc:TaxExclusiveAmount", "BT-109 net total", required=True
        ),
        tax_total=read_tax_total(reader, document),
        gross_total=reader.amount(
            document, f"{TOTALS}/cbc:TaxInclusiveAmount", "BT-112 gross total", required=True
        ),
        prepaid_total=reader.amount_or_zero(document, f"{TOTALS}/cbc:PrepaidAmount", "BT-113 prepaid"),
        rounding_amount=reader.amount_or_zero(
            document, f"{TOTALS}/cbc:PayableRoundingAmount", "BT-114 rounding"
        ),
        payable_total=reader.amount(document, f"{TOTALS}/cbc:PayableAmount", "BT-115 payable", required=True),
    )


def _kind(reader: TermReader, document: Group, is_credit_note: bool) -> tuple[str | None, str | None]:
    """Return type code (BT-3) and kind; a credit note is one by its root element or by its type code."""
    path = "cbc:CreditNoteTypeCode" if is_credit_note else "cbc:InvoiceTypeCode"
    code: str | None = reader.read(document, path, "BT-3 type code", Code(10), required=True)
    if is_credit_note or code in CREDIT_NOTE_TYPES:
        known, kind = code in CREDIT_NOTE_TYPES, "credit_note"
    else:
        known, kind = code in INVOICE_TYPES, "invoice"
    if code is not None and not known:
        reader.flag(
            "BT-3 type code", f"not a type of {kind.replace('_', ' ')} that is booked by itself", code
        )
    return code, kind if known else None


def _printed_currency(document: Group) -> str | None:
    return "; ".join(leaf.text for leaf in document.leaves.get(CURRENCY, [])) or None


def _name(reader: TermReader, document: Group, party: str, term: str) -> str | None:
    """Return the registered name, else the trading name."""
    registered: str | None = reader.read(
        document, f"{party}/cac:PartyLegalEntity/cbc:RegistrationName", term, Text(500)
    )
    if registered is not None:
        return registered
    trading: str | None = reader.read(
        document, f"{party}/cac:PartyName/cbc:Name", f"{term} (trading name)", Text(500)
    )
    return trading


def _seller_id(reader: TermReader, document: Group) -> str | None:
    """Return the seller's identifier (BT-29): the one that the buyer gave (without scheme) before those of
    registers.

    The bank's creditor identifier (BT-90) stands in the same place under the scheme ``SEPA`` and is none.
    """
    path = f"{SELLER}/cac:PartyIdentification/cbc:ID"
    leaves = [
        leaf
        for leaf in document.leaves.get(path, [])
        if leaf.attributes.get("schemeID", "").strip() != "SEPA"
    ]
    chosen = sorted(leaves, key=lambda leaf: "schemeID" in leaf.attributes)[:1]  # stable: first as printed
    identifier: str | None = reader.read(Group({path: chosen}), path, "BT-29 seller id", Text())
    return identifier


def _vat_id(reader: TermReader, document: Group, party: str, term: str) -> str | None:
    path = "cbc:CompanyID"
    leaves = [
        leaf
        for group in document.groups.get(f"{party}/cac:PartyTaxScheme", [])
        if any(
            scheme.text.strip().upper() == "VAT" for scheme in group.leaves.get("cac:TaxScheme/cbc:ID", [])
        )
        for leaf in group.leaves.get(path, [])
    ]
    identifier: str | None = reader.read(Group({path: leaves}), path, term, Code())
    return identifier


def _due_date(reader: TermReader, document: Group) -> date | None:
    """Return the due date (BT-9); a credit note prints it with its means of payment, the earliest counts."""
    due: date | None = reader.read(document, "cbc:DueDate", "BT-9 due date", Day())
    path = "cac:PaymentMeans/cbc:PaymentDueDate"
    days = [
        reader.read(Group({path: [leaf]}), path, "BT-9 due date", Day())
        for leaf in document.leaves.get(path, [])
    ]
    return due or min((day for day in days if day is not None), default=None)
