"""Where the business terms of EN 16931 stand in UBL 2.1 (syntax binding of CEN/TS 16931-3-2), as data."""

from __future__ import annotations

from backoffice.domain.einvoice_reader import Plan

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
INVOICE_ROOT = f"{{{_UBL}Invoice-2}}Invoice"
CREDIT_NOTE_ROOT = f"{{{_UBL}CreditNote-2}}CreditNote"
_PREFIXES = {"cac": f"{_UBL}CommonAggregateComponents-2", "cbc": f"{_UBL}CommonBasicComponents-2"}

CURRENCY = "cbc:DocumentCurrencyCode"
PO_NUMBER = "cac:OrderReference/cbc:ID"
SELLER = "cac:AccountingSupplierParty/cac:Party"
BUYER = "cac:AccountingCustomerParty/cac:Party"
TOTALS = "cac:LegalMonetaryTotal"
TAX_TOTAL = "cac:TaxTotal"
TAX_SUBTOTAL = "cac:TaxTotal/cac:TaxSubtotal"
PAYMENT_TERMS = "cac:PaymentTerms"

_HEADER = (
    "cbc:ID",
    "cbc:IssueDate",
    "cbc:DueDate",
    CURRENCY,
    PO_NUMBER,
    "cac:ReceiptDocumentReference/cbc:ID",
    "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID",
    "cac:PaymentMeans/cbc:PaymentDueDate",
    "cac:PaymentMeans/cac:PayeeFinancialAccount/cbc:ID",
    f"{SELLER}/cac:PartyIdentification/cbc:ID",
    f"{SELLER}/cac:PartyName/cbc:Name",
    f"{SELLER}/cac:PartyLegalEntity/cbc:RegistrationName",
    f"{BUYER}/cac:PartyName/cbc:Name",
    f"{BUYER}/cac:PartyLegalEntity/cbc:RegistrationName",
    *(
        f"{TOTALS}/cbc:{name}"
        for name in (
            "LineExtensionAmount",
            "TaxExclusiveAmount",
            "TaxInclusiveAmount",
            "AllowanceTotalAmount",
            "ChargeTotalAmount",
            "PrepaidAmount",
            "PayableRoundingAmount",
            "PayableAmount",
        )
    ),
)
_PARTY_TAX = ("cbc:CompanyID", "cac:TaxScheme/cbc:ID")
_LINE = (
    "cbc:ID",
    "cbc:LineExtensionAmount",
    "cac:OrderLineReference/cbc:LineID",
    "cac:OrderLineReference/cac:OrderReference/cbc:ID",
    "cac:ReceiptLineReference/cac:DocumentReference/cbc:ID",
    "cac:Item/cbc:Name",
    "cac:Item/cbc:Description",
    "cac:Item/cac:BuyersItemIdentification/cbc:ID",
    "cac:Item/cac:SellersItemIdentification/cbc:ID",
    "cac:Item/cac:ClassifiedTaxCategory/cbc:ID",
    "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent",
    "cac:Price/cbc:PriceAmount",
    "cac:Price/cbc:BaseQuantity",
)


def _plan(root: str, type_code: str, line: str, quantity: str) -> Plan:
    return Plan(
        root,
        _PREFIXES,
        leaves=(*_HEADER, type_code),
        groups={
            f"{SELLER}/cac:PartyTaxScheme": _PARTY_TAX,
            f"{BUYER}/cac:PartyTaxScheme": _PARTY_TAX,
            PAYMENT_TERMS: ("cbc:Note", "cbc:SettlementDiscountPercent", "cac:SettlementPeriod/cbc:EndDate"),
            TAX_TOTAL: ("cbc:TaxAmount",),
            TAX_SUBTOTAL: (
                "cbc:TaxableAmount",
                "cbc:TaxAmount",
                "cac:TaxCategory/cbc:ID",
                "cac:TaxCategory/cbc:Percent",
            ),
            line: (*_LINE, quantity),
            f"{line}/cac:AllowanceCharge": ("cbc:ChargeIndicator", "cbc:Amount"),
        },
    )


PLANS = {
    INVOICE_ROOT: _plan(INVOICE_ROOT, "cbc:InvoiceTypeCode", "cac:InvoiceLine", "cbc:InvoicedQuantity"),
    CREDIT_NOTE_ROOT: _plan(
        CREDIT_NOTE_ROOT, "cbc:CreditNoteTypeCode", "cac:CreditNoteLine", "cbc:CreditedQuantity"
    ),
}
