"""The stage of one planting: who trades with whom, when, and what is ordered and received."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from backoffice.sandbox.generator.chance import Chance
from backoffice.sandbox.generator.goods import LineSpec
from backoffice.sandbox.generator.model import OrderLine, Receipt, Supplier
from backoffice.sandbox.generator.world import World

PEOPLE = ("anna.brandt", "bilal.demir", "chiara.conti", "daan.visser", "ewa.nowak", "felix.hartung")
RECEIVERS = ("dock.nord", "dock.sued", "lager.mitte")

Part = tuple[OrderLine, Decimal]
"""An order line and how much of it is received, billed or credited."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Business-day indexes of a simple story: ordered, received, document dated, document arrived."""

    ordered: int
    received: int
    issued: int
    arrived: int


def full(lines: Iterable[OrderLine]) -> list[Part]:
    """Each line with its whole ordered quantity."""
    return [(line, line.quantity) for line in lines]


class Stage:
    """Where one planting takes place. It has order lines of its own, so that it can change nothing elsewhere.

    :param scenario: Its name, which its labels carry.
    :param chance: Its own stream of choices.
    """

    def __init__(self, world: World, scenario: str, chance: Chance) -> None:
        self.world = world
        self.scenario = scenario
        self.chance = chance
        self.last = world.days.last

    def supplier(self, *, other_than: Supplier | None = None, zero_padded: bool = False) -> Supplier:
        """An active supplier; one unrelated to another, or one whose numbers begin with zeros."""
        candidates = [
            supplier
            for supplier in self.world.active
            if (not zero_padded or self.world.numbers[supplier.supplier_id].zero_padded)
            and not (other_than and _related(supplier, other_than))
        ]
        return self.chance.pick(candidates)

    def siblings(self) -> tuple[Supplier, Supplier]:
        """Two suppliers of one group."""
        first = self.chance.pick([supplier for supplier in self.world.active if supplier.supplier_group])
        others = [
            supplier
            for supplier in self.world.active
            if supplier.supplier_group == first.supplier_group and supplier is not first
        ]
        return first, self.chance.pick(others)

    def timeline(self, arrived: int | None = None) -> Timeline:
        """Ordered, received at least two days before the document arrives; at the earliest on day 6."""
        chance = self.chance
        arrival = chance.whole(6, self.last) if arrived is None else arrived
        ordered = chance.whole(0, arrival - 5)
        received = chance.whole(ordered + 1, arrival - 2)
        return Timeline(ordered, received, chance.whole(max(received, arrival - 2), arrival), arrival)

    def at(self, day: int, opens: int = 7, closes: int = 15) -> datetime:
        """A moment of that day."""
        return self.world.days.moment(day, self.chance, opens, closes)

    def order(
        self,
        supplier: Supplier,
        specifications: Sequence[LineSpec],
        day: int,
        *,
        match_type: int = 3,
        gr_based: bool = False,
        approved: bool = True,
        status: str = "open",
    ) -> list[OrderLine]:
        """Order; all lines of one order become visible at the same moment."""
        number, moment = self.world.order_number(), self.at(day, 5, 6)
        buyer, requester, clerk = self.chance.shuffled(PEOPLE)[:3]
        lines = [
            OrderLine(
                entity=self.world.entity,
                po_number=number,
                po_line=str(place * 10),
                supplier_id=supplier.supplier_id,
                currency=self.world.currency,
                item=spec.item,
                description=spec.description,
                category=spec.category,
                quantity=spec.quantity,
                uom=spec.uom,
                unit_price=spec.unit_price,
                price_base_quantity=spec.base,
                tax_rate=spec.tax_rate,
                match_type=match_type,
                gr_based=gr_based,
                order_date=self.world.days[day],
                status=status,
                approved=approved,
                buyer=buyer,
                requester=requester,
                created_by=clerk,
                version=1,
                updated_at=moment,
            )
            for place, spec in enumerate(specifications, start=1)
        ]
        for line in lines:
            self.world.add_order_line(line)
        return lines

    def revise(
        self,
        line: OrderLine,
        day: int,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        approved: bool | None = None,
    ) -> OrderLine:
        """Change quantity, price or approval of an order line on a later day."""
        changed = replace(
            line,
            quantity=line.quantity if quantity is None else quantity,
            unit_price=line.unit_price if price is None else price,
            approved=line.approved if approved is None else approved,
            version=line.version + 1,
            updated_at=self.at(day, 16, 17),
        )
        self.world.add_order_line(changed)
        return changed

    def receive(self, parts: Sequence[Part], day: int) -> list[Receipt]:
        """Receive goods, or with negative quantities send them back; one receipt number for all."""
        number, moment, receiver = self.world.receipt_number(), self.at(day), self.chance.pick(RECEIVERS)
        booked = moment + timedelta(minutes=self.chance.whole(2, 50))
        receipts = [
            Receipt(
                entity=self.world.entity,
                receipt_number=number,
                receipt_line=str(place),
                po_number=line.po_number,
                po_line=line.po_line,
                supplier_id=line.supplier_id,
                quantity=quantity,
                uom=line.uom,
                received_at=moment,
                reverses=None,
                receiver=receiver,
                updated_at=booked,
            )
            for place, (line, quantity) in enumerate(parts, start=1)
        ]
        for receipt in receipts:
            self.world.add_receipt(receipt)
        return receipts

    def reverse(self, receipts: Sequence[Receipt], day: int) -> None:
        """Cancel receipt lines that were booked by mistake."""
        number, moment = self.world.receipt_number(), self.at(day)
        for place, receipt in enumerate(receipts, start=1):
            self.world.add_receipt(
                replace(
                    receipt,
                    receipt_number=number,
                    receipt_line=str(place),
                    quantity=-receipt.quantity,
                    received_at=moment,
                    reverses=(receipt.receipt_number, receipt.receipt_line),
                    updated_at=moment + timedelta(minutes=5),
                )
            )


def _related(one: Supplier, other: Supplier) -> bool:
    return one is other or (one.supplier_group is not None and one.supplier_group == other.supplier_group)
