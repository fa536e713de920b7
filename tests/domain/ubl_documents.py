"""UBL documents for tests: one plain invoice, and changes to it as text."""

from __future__ import annotations

NAMESPACE = "urn:oasis:names:specification:ubl:schema:xsd:"

LINE = """
  <cac:InvoiceLine>
    <cbc:ID>1</cbc:ID>
    <cbc:InvoicedQuantity unitCode="C62">10</cbc:InvoicedQuantity>
    <cbc:LineExtensionAmount currencyID="EUR">100.00</cbc:LineExtensionAmount>
    <cac:OrderLineReference><cbc:LineID>00010</cbc:LineID></cac:OrderLineReference>
    <cac:Item>
      <cbc:Description>long words</cbc:Description>
      <cbc:Name>Bolt</cbc:Name>
      <cac:BuyersItemIdentification><cbc:ID>B-1</cbc:ID></cac:BuyersItemIdentification>
      <cac:SellersItemIdentification><cbc:ID>S-1</cbc:ID></cac:SellersItemIdentification>
      <cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent></cac:ClassifiedTaxCategory>
    </cac:Item>
    <cac:Price><cbc:PriceAmount currencyID="EUR">10.00</cbc:PriceAmount></cac:Price>
  </cac:InvoiceLine>"""

TAX_TOTAL = """
  <cac:TaxTotal>
    <cbc:TaxAmount currencyID="EUR">19.00</cbc:TaxAmount>
    <cac:TaxSubtotal>
      <cbc:TaxableAmount currencyID="EUR">100.00</cbc:TaxableAmount>
      <cbc:TaxAmount currencyID="EUR">19.00</cbc:TaxAmount>
      <cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent></cac:TaxCategory>
    </cac:TaxSubtotal>
  </cac:TaxTotal>"""

TOTALS = """
  <cac:LegalMonetaryTotal>
    <cbc:LineExtensionAmount currencyID="EUR">100.00</cbc:LineExtensionAmount>
    <cbc:TaxExclusiveAmount currencyID="EUR">100.00</cbc:TaxExclusiveAmount>
    <cbc:TaxInclusiveAmount currencyID="EUR">119.00</cbc:TaxInclusiveAmount>
    <cbc:PayableAmount currencyID="EUR">119.00</cbc:PayableAmount>
  </cac:LegalMonetaryTotal>"""

SELLER = """
  <cac:AccountingSupplierParty><cac:Party>
    <cac:PartyIdentification><cbc:ID>S1</cbc:ID></cac:PartyIdentification>
    <cac:PartyName><cbc:Name>Bolts</cbc:Name></cac:PartyName>
    <cac:PartyTaxScheme><cbc:CompanyID>DE
    111</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
    <cac:PartyTaxScheme><cbc:CompanyID>12/34</cbc:CompanyID><cac:TaxScheme><cbc:ID>FC</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
    <cac:PartyLegalEntity><cbc:RegistrationName>Bolts GmbH</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:Party></cac:AccountingSupplierParty>"""

INVOICE = f"""<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="{NAMESPACE}Invoice-2"
  xmlns:cac="{NAMESPACE}CommonAggregateComponents-2"
  xmlns:cbc="{NAMESPACE}CommonBasicComponents-2">
  <cbc:ID>R-1</cbc:ID>
  <cbc:IssueDate>2026-11-01</cbc:IssueDate>
  <cbc:DueDate>2026-12-01</cbc:DueDate>
  <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
  <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
  <cac:OrderReference><cbc:ID>4500000001</cbc:ID></cac:OrderReference>{SELLER}
  <cac:AccountingCustomerParty><cac:Party>
    <cac:PartyTaxScheme><cbc:CompanyID>DE222</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
    <cac:PartyLegalEntity><cbc:RegistrationName>Buyer AG</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:Party></cac:AccountingCustomerParty>{TAX_TOTAL}{TOTALS}{LINE}
</Invoice>
"""


def invoice(*changes: tuple[str, str]) -> bytes:
    """The plain invoice with each old text replaced by its new one; the old text must be there."""
    text = INVOICE
    for old, new in changes:
        assert old in text, f"the plain invoice holds no {old!r}"
        text = text.replace(old, new)
    return text.encode()


def credit_note(*changes: tuple[str, str]) -> bytes:
    """The plain invoice written as a credit note."""
    return invoice(
        (f'xmlns="{NAMESPACE}Invoice-2"', f'xmlns="{NAMESPACE}CreditNote-2"'),
        ("<Invoice", "<CreditNote"),
        ("</Invoice>", "</CreditNote>"),
        (
            "<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>",
            "<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>",
        ),
        ("InvoiceLine>", "CreditNoteLine>"),
        ("InvoicedQuantity", "CreditedQuantity"),
        ("\n  <cbc:DueDate>2026-12-01</cbc:DueDate>", ""),
        *changes,
    )
