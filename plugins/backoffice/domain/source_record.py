"""The records that orders, receipts and suppliers arrive as, and each row's share of the control total.

Field names are those of the sources' API and of the staging columns. Quantities are in the unit of the
line, prices per ``price_base_quantity`` in the order's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from typing import Any

from backoffice.domain.record import Record, RecordSpec
from backoffice.domain.typed_value import PROSE_LENGTH, Code, Day, Flag, Moment, Number, Text, Whole

_AMOUNT = Number(18, 2)
_QUANTITY = Number(15, 4)
_PRICE = Number(15, 6)
_RATE = Number(7, 4)
_PROSE = Text(PROSE_LENGTH)
_SMALL = Whole(-(2**15), 2**15 - 1)
_EXACT = Context(prec=60, traps=[Inexact])
_SHARE = Decimal("1E-10")

SUPPLIER = RecordSpec(
    {
        "supplier_id": Text(),
        "name": Text(500),
        "vat_id": Code(),
        "iban": Code(),
        "supplier_group": Text(),
        "country": Code(),
        "currency": Code(),
        "payment_terms_days": Whole(),
        "blocked": Flag(),
        "changed_by": Text(),
        "updated_at": Moment(),
    },
    later=frozenset({"changed_by"}),
)

ORDER_LINE = RecordSpec(
    {
        "entity": Text(),
        "po_number": Text(),
        "po_line": Text(),
        "supplier_id": Text(),
        "currency": Code(),
        "item": Text(),
        "description": _PROSE,
        "category": Text(),
        "quantity": _QUANTITY,
        "uom": Code(),
        "unit_price": _PRICE,
        "price_base_quantity": _QUANTITY,
        "amount_based": Flag(),
        "ordered_value": _AMOUNT,
        "tax_rate": _RATE,
        "match_type": _SMALL,
        "gr_based": Flag(),
        "order_date": Day(),
        "status": Text(),
        "approved": Flag(),
        "buyer": Text(),
        "requester": Text(),
        "created_by": Text(),
        "cost_centre": Text(),
        "version": Whole(),
        "updated_at": Moment(),
    },
    defaults={"price_base_quantity": Decimal(1), "amount_based": False},
    later=frozenset({"cost_centre"}),
)

RECEIPT_LINE = RecordSpec(
    {
        "entity": Text(),
        "receipt_number": Text(),
        "receipt_line": Text(),
        "po_number": Text(),
        "po_line": Text(),
        "quantity": _QUANTITY,
        "received_value": _AMOUNT,
        "value_known": Flag(),
        "uom": Code(),
        "received_at": Moment(),
        "reverses_number": Text(),
        "reverses_line": Text(),
        "receiver": Text(),
        "updated_at": Moment(),
    }
)


def receipt_item(item: object) -> object:
    """Return a receipt as its fields: the reversed receipt's key is an object of its own at the source.

    A receipt that states no value is a receipt of unknown value, never one of zero.
    """
    if not isinstance(item, Mapping):
        return item
    fields: dict[str, Any] = {name: value for name, value in item.items() if name != "reverses"}
    reverses = item.get("reverses")
    if isinstance(reverses, Mapping):
        fields["reverses_number"] = reverses.get("receipt_number")
        fields["reverses_line"] = reverses.get("receipt_line")
    elif reverses is not None:
        fields["reverses_number"] = [reverses]  # no key at all: refused as no text, and the row with it
    if fields.get("value_known") is None:
        fields["value_known"] = fields.get("received_value") is not None
    return fields


def ordered_value(record: Record) -> Decimal | None:
    """Return the order line's value in its currency: quantity x price / base, or the value of an
    amount-based line.

    None if it cannot be known. A quotient without end is rounded to ten decimals, half to even: it is a
    control total and is never booked.
    """
    values = record.values
    if values["amount_based"]:
        return _decimal(values["ordered_value"])
    quantity, price, base = values["quantity"], values["unit_price"], values["price_base_quantity"]
    if quantity is None or price is None or not base:
        return None
    product = _EXACT.multiply(quantity, price)
    try:
        return _EXACT.divide(product, base)
    except Inexact:
        return Context(prec=60).divide(product, base).quantize(_SHARE, ROUND_HALF_EVEN, Context(prec=60))


def received_quantity(record: Record) -> Decimal | None:
    """Return the receipt line's quantity; None if it could not be read."""
    return _decimal(record.values["quantity"])


def nothing_to_total(record: Record) -> Decimal:
    """Return 0: suppliers have no amount."""
    return Decimal(0)


def _decimal(value: object) -> Decimal | None:
    return value if isinstance(value, Decimal) else None
