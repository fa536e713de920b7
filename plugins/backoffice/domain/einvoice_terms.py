"""Read business terms out of a group of kept texts; what is missing or cannot be read becomes a defect."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from backoffice.domain.einvoice_reader import Group, Leaf
from backoffice.domain.typed_value import Code, Defect, Kind, Number, Text, UnreadableValueError, printed

AMOUNT = Number(18, 4)
QUANTITY = Number(15, 4)
RATE = Number(7, 4)
# as printed; brought to the ledger's six decimals by scaling price and base quantity alike
PRICE_AS_PRINTED = Number(38, 19)
LEDGER_PRICE = Number(15, 6)
UNIT = Code(20)
ZERO = Decimal(0)
ONE = Decimal(1)


class TermReader:
    """Reads the terms of one part of a document and collects that part's defects.

    :param currency: The document's currency (BT-5); an amount printed in another one is refused. None: not
        known.
    """

    def __init__(self, currency: str | None = None) -> None:
        self.currency = currency
        self.defects: list[Defect] = []

    def flag(self, field: str, reason: str, value: object = None) -> None:
        """Note a defect."""
        self.defects.append(Defect(field, printed(value), reason))

    def read(self, group: Group, path: str, field: str, kind: Kind, *, required: bool = False) -> Any:
        """Return the one value at ``path``; None and a defect if it is printed twice, unreadable, or
        missing though required.
        """
        leaf = self.leaf(group, path, field)
        return self._typed(leaf.text if leaf else None, field, kind, required)

    def unit(self, group: Group, path: str, field: str, *, required: bool = False) -> str | None:
        """Return the unit of the quantity at ``path``, if the quantity is there."""
        leaves = group.leaves.get(path)
        if not leaves:
            return None
        code: str | None = self._typed(leaves[0].attributes.get("unitCode"), field, UNIT, required)
        return code

    def amount(
        self, group: Group, path: str, field: str, *, required: bool = False, kind: Kind = AMOUNT
    ) -> Decimal | None:
        """Return the amount at ``path``, which must be printed in the document's currency."""
        leaf = self.leaf(group, path, field)
        number: Decimal | None = self._typed(leaf.text if leaf else None, field, kind, required)
        if leaf is None or number is None or self.currency is None:
            return number
        unit = leaf.attributes.get("currencyID", "").strip()
        if unit and unit != self.currency:
            self.flag(
                field, f"printed in {printed(unit)}, the document's currency is {self.currency}", leaf.text
            )
            return None
        return number

    def amount_or_zero(self, group: Group, path: str, field: str) -> Decimal | None:
        """Return the amount at ``path``, 0 if it is not printed at all, None if it cannot be read."""
        return self.amount(group, path, field) if group.leaves.get(path) else ZERO

    def leaf(self, group: Group, path: str, field: str) -> Leaf | None:
        """Return the only text at ``path``."""
        leaves = group.leaves.get(path, [])
        if len(leaves) > 1:
            self.flag(field, f"printed {len(leaves)} times", leaves[0].text)
            return None
        return leaves[0] if leaves else None

    def joined(self, group: Group, path: str, field: str, kind: Kind) -> str | None:
        """Return all different values at ``path`` joined by ``; ``, so that none is lost and several match
        nothing by chance.
        """
        values: dict[str, None] = {}
        for leaf in group.leaves.get(path, []):
            value = self._typed(leaf.text, field, kind, required=False)
            if value is not None:
                values[value] = None
        text: str | None = self._typed("; ".join(values), field, Text(), required=False)
        return text

    def _typed(self, raw: str | None, field: str, kind: Kind, required: bool) -> Any:
        try:
            value = kind.read(raw)
        except UnreadableValueError as error:
            self.flag(field, str(error), raw)
            return None
        if value is None and required and not any(defect.field == field for defect in self.defects):
            self.flag(field, "missing")
        return value


def price_per_base(
    reader: TermReader, price: Decimal | None, base: Decimal | None
) -> tuple[Decimal | None, Decimal | None]:
    """Return price and base quantity with at most six and four decimals, at exactly the same price per unit.

    A printed price of 0.061232374 per 1 kWh becomes 61.232374 per 1000 kWh.
    """
    if price is None or base is None:
        return price, base
    exponent = price.as_tuple().exponent
    shift = max(0, -int(exponent) - LEDGER_PRICE.scale) if isinstance(exponent, int) else 0
    try:
        return LEDGER_PRICE.read(f"{price.scaleb(shift):f}"), QUANTITY.read(f"{base.scaleb(shift):f}")
    except UnreadableValueError as error:
        reader.flag("BT-146 item net price", str(error), f"{price:f} per {base:f}")
        return None, None
