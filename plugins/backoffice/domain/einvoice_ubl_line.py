"""One line of a UBL invoice or credit note."""

from __future__ import annotations

from decimal import Decimal

from backoffice.domain.einvoice_model import InvoiceLine
from backoffice.domain.einvoice_reader import Group
from backoffice.domain.einvoice_terms import (
    AMOUNT,
    ONE,
    PRICE_AS_PRINTED,
    QUANTITY,
    RATE,
    ZERO,
    TermReader,
    price_per_base,
)
from backoffice.domain.typed_value import PROSE_LENGTH, Code, Text, UnreadableValueError

_PROSE = Text(PROSE_LENGTH)
_BASE_FIELD = "BT-149 price base quantity"
_PRICE = "cac:Price/cbc:PriceAmount"
_BASE = "cac:Price/cbc:BaseQuantity"


def read_line(
    group: Group, position: int, quantity: str, allowances: str, currency: str | None, po_number: str | None
) -> InvoiceLine:
    """Return one line.

    :param position: 1 for the first line of the document.
    :param quantity: Path of the billed quantity, which differs between invoice and credit note.
    :param allowances: Name of the group of the line's allowances and charges.
    :param po_number: The document's order number (BT-13), which counts where the line names no order of its
        own.
    """
    reader = TermReader(currency)
    unit = reader.unit(group, quantity, "BT-130 unit of measure", required=True)
    price, base = _price(reader, group, unit)
    allowance, charge = _allowances(reader, group.groups.get(allowances, []))
    return InvoiceLine(
        position=position,
        line_id=reader.read(group, "cbc:ID", "BT-126 line id", Text(), required=True),
        po_number=reader.read(
            group, "cac:OrderLineReference/cac:OrderReference/cbc:ID", "order of the line", Text()
        )
        or po_number,
        po_line=reader.read(group, "cac:OrderLineReference/cbc:LineID", "BT-132 order line", Text()),
        receipt_number=reader.read(
            group, "cac:ReceiptLineReference/cac:DocumentReference/cbc:ID", "receipt of the line", Text()
        ),
        supplier_item=reader.read(
            group, "cac:Item/cac:SellersItemIdentification/cbc:ID", "BT-155 seller's item id", Text()
        ),
        buyer_item=reader.read(
            group, "cac:Item/cac:BuyersItemIdentification/cbc:ID", "BT-156 buyer's item id", Text()
        ),
        description=reader.read(group, "cac:Item/cbc:Name", "BT-153 item name", _PROSE)
        or reader.read(group, "cac:Item/cbc:Description", "BT-154 item description", _PROSE),
        quantity=reader.read(group, quantity, "BT-129 quantity", QUANTITY, required=True),
        uom=unit,
        unit_price=price,
        price_base_quantity=base,
        net_amount=reader.amount(group, "cbc:LineExtensionAmount", "BT-131 line net amount", required=True),
        allowance_total=allowance,
        charge_total=charge,
        tax_category=reader.read(
            group, "cac:Item/cac:ClassifiedTaxCategory/cbc:ID", "BT-151 VAT category", Code(10)
        ),
        tax_rate=reader.read(
            group, "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent", "BT-152 VAT rate", RATE
        ),
        defects=tuple(reader.defects),
    )


def _price(reader: TermReader, group: Group, unit: str | None) -> tuple[Decimal | None, Decimal | None]:
    """Return the net price and how many units it is for; both must be in the unit of the billed quantity."""
    price = reader.amount(group, _PRICE, "BT-146 item net price", required=True, kind=PRICE_AS_PRINTED)
    base: Decimal | None = ONE
    if group.leaves.get(_BASE):
        base = reader.read(group, _BASE, _BASE_FIELD, QUANTITY, required=True)
        base_unit = reader.unit(group, _BASE, "BT-150 unit of the price base")
        if base is not None and base <= 0:
            reader.flag(_BASE_FIELD, "must be greater than 0", f"{base:f}")
            base = None
        elif base_unit and unit and base_unit != unit:
            reader.flag(
                "BT-150 unit of the price base", f"differs from the unit of the quantity, {unit}", base_unit
            )
            base = None
    return price_per_base(reader, price, base)


def _allowances(reader: TermReader, groups: list[Group]) -> tuple[Decimal | None, Decimal | None]:
    """Return the sums of the line's allowances (BG-27) and charges (BG-28); 0 without any, None if one is
    unreadable.
    """
    sums: dict[bool, Decimal | None] = {False: ZERO, True: ZERO}
    for group in groups:
        indicator = reader.read(group, "cbc:ChargeIndicator", "charge indicator", Text(), required=True)
        amount = reader.amount(
            group, "cbc:Amount", "BT-136 or BT-141 line allowance or charge", required=True
        )
        if indicator not in ("true", "false", "1", "0"):
            reader.flag("charge indicator", "neither true nor false", indicator)
            return None, None
        is_charge = indicator in ("true", "1")
        so_far = sums[is_charge]
        sums[is_charge] = None if so_far is None or amount is None else so_far + amount
    return _fitting(reader, sums[False]), _fitting(reader, sums[True])


def _fitting(reader: TermReader, total: Decimal | None) -> Decimal | None:
    try:
        return None if total is None else AMOUNT.read(f"{total:f}")
    except UnreadableValueError as error:
        reader.flag("sum of line allowances or charges", str(error), f"{total:f}")
        return None
