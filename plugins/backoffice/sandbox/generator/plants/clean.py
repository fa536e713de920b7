"""Documents without a fault: the everyday of purchasing in the shapes that matching must get right."""

from __future__ import annotations

from decimal import Decimal

from backoffice.sandbox.generator.goods import NONE, REDUCED, measured, share, specs
from backoffice.sandbox.generator.plants.plant import Plant, altered
from backoffice.sandbox.generator.scene import Scene
from backoffice.sandbox.generator.stage import full

_SIZES = (1, 1, 2, 2, 3, 3, 4, 5, 6, 8)


def _three_way(scene: Scene) -> None:
    story = scene.bought(specs(scene.chance, scene.chance.pick(_SIZES)))
    scene.send(scene.bill(story), story.when.arrived, "approve")


def _two_way(scene: Scene) -> None:
    services = specs(scene.chance, scene.chance.pick(_SIZES[:6]), services=True)
    story = scene.bought(services, match_type=2)
    scene.send(scene.bill(story), story.when.arrived, "approve")


def _receipt_based(scene: Scene) -> None:
    story = scene.bought(specs(scene.chance, scene.chance.pick(_SIZES)), gr_based=True)
    scene.send(scene.bill(story), story.when.arrived, "approve")


def _seller_by_vat_number(scene: Scene) -> None:
    story = scene.bought(specs(scene.chance, 2))
    draft = scene.bill(story)
    draft.names_seller = False
    scene.send(draft, story.when.arrived, "approve")


def _several_tax_rates(scene: Scene) -> None:
    rates = (measured("12.5", "80"), measured("40", "3.25", rate=REDUCED), measured("8", "45.10", rate=NONE))
    story = scene.bought(rates)
    scene.send(scene.bill(story), story.when.arrived, "approve")


def _two_deliveries(scene: Scene) -> None:
    lines_wanted = specs(scene.chance, scene.chance.whole(1, 4), divisible=True)
    story = scene.bought(lines_wanted, received=False)
    before = [(line, share(line.quantity, 55)) for line in story.lines]
    scene.receive(before, story.when.received)
    scene.receive([(line, line.quantity - came) for line, came in before], story.when.received)
    scene.send(scene.bill(story), story.when.arrived, "approve")


def _partial_invoices(scene: Scene) -> None:
    """Three deliveries, each with its own invoice; together exactly what was ordered."""
    supplier, start = scene.supplier(), scene.chance.whole(2, 6)
    lines = scene.order(supplier, specs(scene.chance, scene.chance.whole(1, 3), divisible=True), start - 2)
    left = {line.key: line.quantity for line in lines}
    for turn, percent in enumerate((40, 35, 100)):
        parts = [
            (line, left[line.key] if percent == 100 else share(line.quantity, percent)) for line in lines
        ]
        day = start + 4 * turn
        scene.receive(parts, day)
        for line, quantity in parts:
            left[line.key] -= quantity
        scene.send(scene.invoice(supplier, parts, day + 1), day + 1 + scene.chance.whole(0, 2), "approve")


def _invoices_out_of_order(scene: Scene) -> None:
    """The later invoice arrives before the earlier one."""
    story = scene.bought(specs(scene.chance, 2, divisible=True), when=scene.timeline(12))
    parts = [(line, share(line.quantity, 60)) for line in story.lines]
    rest = [(line, line.quantity - part) for line, part in parts]
    earlier = scene.invoice(story.supplier, parts, story.when.arrived + 1)
    later = scene.invoice(story.supplier, rest, story.when.arrived + 2)
    scene.send(later, story.when.arrived + 2, "approve")
    scene.send(earlier, story.when.arrived + 4, "approve")


def _receipt_based_twice(scene: Scene) -> None:
    """Each invoice names the one receipt that it bills."""
    supplier, start = scene.supplier(), scene.chance.whole(2, 10)
    lines = scene.order(supplier, specs(scene.chance, 2, divisible=True), start - 1, gr_based=True)
    first = [(line, share(line.quantity, 45)) for line in lines]
    second = [(line, line.quantity - part) for line, part in first]
    for day, parts in ((start, first), (start + 4, second)):
        receipt = scene.receive(parts, day)[0].receipt_number
        draft = scene.invoice(supplier, parts, day + 1, receipt_number=receipt)
        scene.send(draft, day + 2, "approve")


def _same_line_twice(scene: Scene) -> None:
    """One invoice bills the same order line in two of its lines, together what was ordered."""
    story = scene.bought(specs(scene.chance, 1, divisible=True))
    line = story.lines[0]
    part = share(line.quantity, 70)
    draft = scene.bill(story, [(line, part), (line, line.quantity - part)])
    scene.send(draft, story.when.arrived, "approve")


def _returned_before_billing(scene: Scene) -> None:
    story = scene.bought(specs(scene.chance, 2, divisible=True))
    back = [(line, share(line.quantity, 10)) for line in story.lines]
    scene.receive([(line, -quantity) for line, quantity in back], story.when.received)
    draft = scene.bill(story, [(line, line.quantity - quantity) for line, quantity in back])
    scene.send(draft, story.when.arrived, "approve")


def _returned_and_replaced(scene: Scene) -> None:
    story = scene.bought(specs(scene.chance, 1, divisible=True))
    line = story.lines[0]
    back = share(line.quantity, 20)
    scene.receive([(line, -back)], story.when.received)
    scene.receive([(line, back)], story.when.received)
    scene.send(scene.bill(story), story.when.arrived, "approve")


def _price_lower(scene: Scene) -> None:
    """Cheaper than ordered holds nothing up."""
    story = scene.bought([measured(scene.chance.pick(("10", "20", "50")), "12.80"), *scene.padding()])
    draft = scene.bill(story)
    line = draft.lines[0]
    was = line.price
    line.charge(line.quantity * Decimal("11.95"))
    line.plant(altered("PRICE_LOWER", "unit_price", was, line.price, line.price - was))
    scene.send(draft, story.when.arrived, "approve")


def _line_discount(scene: Scene) -> None:
    """A higher printed price less a discount on the line gives the ordered price."""
    story = scene.bought([measured(str(scene.chance.whole(5, 60)), "18.40"), *scene.padding(1)])
    draft = scene.bill(story)
    line = draft.lines[0]
    line.price += 1
    line.allowance = line.quantity * Decimal("1.00")
    scene.send(draft, story.when.arrived, "approve")


def _free_of_charge(scene: Scene) -> None:
    story = scene.bought([measured("5", "0"), *specs(scene.chance, 1)])
    scene.send(scene.bill(story), story.when.arrived, "approve")


def _same_amount_every_time(scene: Scene) -> None:
    """Two orders of the same service give two invoices of the same amount: no duplicate."""
    supplier, start = scene.supplier(), scene.chance.whole(1, 12)
    service = specs(scene.chance, 1, services=True)
    for day in (start, start + 3):
        lines = scene.order(supplier, service, day, match_type=2)
        scene.send(scene.invoice(supplier, full(lines), day + 3), day + 4, "approve")


def _number_of_another_supplier(scene: Scene) -> None:
    """Two unrelated suppliers happen to use the same number: no duplicate."""
    story = scene.bought([measured("20", "31.50")], when=scene.timeline(scene.chance.whole(6, 12)))
    draft = scene.bill(story)
    scene.send(draft, story.when.arrived, "approve")
    other = scene.bought(
        [measured("7", "212.40")],
        supplier=scene.supplier(other_than=story.supplier),
        when=scene.timeline(scene.chance.whole(16, scene.last)),
    )
    twin = scene.bill(other)
    twin.number = draft.number
    scene.send(twin, other.when.arrived, "approve")


PLANTS = (
    Plant("three_way", _three_way, approve=1, weight=60),
    Plant("two_way", _two_way, approve=1, weight=16),
    Plant("receipt_based", _receipt_based, approve=1, weight=16),
    Plant("two_deliveries", _two_deliveries, approve=1, weight=8),
    Plant("partial_invoices", _partial_invoices, approve=3, first=True, weight=5),
    Plant("invoices_out_of_order", _invoices_out_of_order, approve=2, weight=2),
    Plant("receipt_based_twice", _receipt_based_twice, approve=2, first=True, weight=2),
    Plant("seller_by_vat_number", _seller_by_vat_number, approve=1, first=True, weight=3),
    Plant("several_tax_rates", _several_tax_rates, approve=1, first=True, weight=3),
    Plant("same_line_twice", _same_line_twice, approve=1),
    Plant("returned_before_billing", _returned_before_billing, approve=1, first=True, weight=3),
    Plant("returned_and_replaced", _returned_and_replaced, approve=1, weight=2),
    Plant("price_lower", _price_lower, approve=1, first=True, weight=4),
    Plant("line_discount", _line_discount, approve=1, weight=2),
    Plant("free_of_charge", _free_of_charge, approve=1),
    Plant("same_amount_every_time", _same_amount_every_time, approve=2),
    Plant("number_of_another_supplier", _number_of_another_supplier, approve=2),
)
