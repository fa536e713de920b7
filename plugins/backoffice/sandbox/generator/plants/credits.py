"""Credit notes against billed lines: within what was billed, on it, and beyond (CREDIT_EXCESS)."""

from __future__ import annotations

from decimal import Decimal

from backoffice.sandbox.generator.draft import Draft
from backoffice.sandbox.generator.goods import measured, share, specs
from backoffice.sandbox.generator.limits import CREDIT, QUANTITY
from backoffice.sandbox.generator.plants.plant import Plant, altered, around, beside
from backoffice.sandbox.generator.scene import Scene, Story


def _billed(scene: Scene, percent: int = 100) -> tuple[Story, Draft]:
    """An order of a hundred kilograms and more, received, and so many percent of it billed."""
    when = scene.timeline(scene.chance.whole(6, 12))
    quantity, price = scene.chance.whole(10, 60) * 10, scene.chance.whole(200, 4000)
    story = scene.bought([measured(f"{quantity}.00", str(Decimal(price) / 100))], when=when)
    line = story.lines[0]
    draft = scene.bill(story, [(line, share(line.quantity, percent))])
    scene.send(draft, when.arrived, "approve")
    return story, draft


def _part(scene: Scene) -> None:
    when = scene.timeline(scene.chance.whole(6, 15))
    story = scene.bought(specs(scene.chance, 2, divisible=True), when=when)
    invoice = scene.bill(story)
    scene.send(invoice, when.arrived, "approve")
    line = story.lines[0]
    credit = scene.credit(invoice, [(line, share(line.quantity, 20))], when.arrived + 2)
    scene.send(credit, when.arrived + 3, "approve")


def _beside_billed(scene: Scene, beyond: Decimal) -> None:
    """Everything that was billed is credited, or a hundredth less, or more."""
    story, invoice = _billed(scene)
    line = story.lines[0]
    credit = scene.credit(invoice, [(line, line.quantity)], story.when.arrived + 2)
    credited = credit.lines[0]
    credited.count(line.quantity + beyond)
    fault = beside(
        "CREDIT_EXCESS",
        "quantity",
        line.quantity,
        credited.quantity,
        limit=CREDIT,
        unit="quantity",
        beyond=beyond,
    )
    credited.plant(fault, *(("CREDIT_EXCESS",) if beyond > 0 else ()))
    scene.send(credit, story.when.arrived + 3, "review" if beyond > 0 else "approve")


def _credited_twice(scene: Scene) -> None:
    """Sixty percent is credited, then sixty percent again."""
    story, invoice = _billed(scene)
    line = story.lines[0]
    part = share(line.quantity, 60)
    day = story.when.arrived
    first = scene.credit(invoice, [(line, part)], day + 2)
    scene.send(first, day + 3, "approve")
    second = scene.credit(invoice, [(line, part)], day + 4)
    second.lines[0].plant(altered("CREDIT_EXCESS", "quantity", line.quantity - part, part), "CREDIT_EXCESS")
    scene.send(second, day + 5, "review")


def _never_billed(scene: Scene) -> None:
    """The credited invoice never came."""
    story = scene.bought([measured("40", "6.30")], when=scene.timeline(scene.chance.whole(6, 15)))
    line = story.lines[0]
    credit = scene.credit(scene.bill(story), [(line, Decimal("5"))], story.when.arrived)
    credit.lines[0].plant(altered("CREDIT_EXCESS", "quantity", 0, 5, Decimal(5)), "CREDIT_EXCESS")
    scene.send(credit, story.when.arrived + 1, "review")


def _returned_and_credited(scene: Scene) -> None:
    """Sixty of a hundred are billed, ten go back and are credited, the other forty are billed."""
    story, invoice = _billed(scene, 60)
    line = story.lines[0]
    day = story.when.arrived
    back = share(line.quantity, 10)
    scene.receive([(line, -back)], day + 1)
    credit = scene.credit(invoice, [(line, back)], day + 2)
    scene.send(credit, day + 2, "approve")
    rest = scene.invoice(story.supplier, [(line, share(line.quantity, 40))], day + 4)
    scene.send(rest, day + 5, "approve")


def _frees_quantity(scene: Scene, beyond: Decimal) -> None:
    """Sixty of a hundred are billed, ten credited: fifty may be billed, and not a hundredth more."""
    story, invoice = _billed(scene, 60)
    line = story.lines[0]
    day = story.when.arrived
    scene.send(scene.credit(invoice, [(line, share(line.quantity, 10))], day + 2), day + 3, "approve")
    open_quantity = share(line.quantity, 50)
    rest = scene.invoice(story.supplier, [(line, open_quantity)], day + 4)
    billed = rest.lines[0]
    billed.count(open_quantity + beyond)
    fault = beside(
        "QTY_ORD",
        "quantity",
        open_quantity,
        billed.quantity,
        limit=QUANTITY,
        unit="quantity",
        beyond=beyond,
    )
    billed.plant(fault, *(("QTY_ORD", "QTY_REC") if beyond > 0 else ()))
    scene.send(rest, day + 5, "review" if beyond > 0 else "approve")


PLANTS = (
    Plant("credit_part", _part, approve=2, first=True, weight=4),
    *around("credit", _beside_billed, others=1),
    *around("credit_frees_quantity", _frees_quantity, others=2, first=False),
    Plant("credited_twice", _credited_twice, approve=2, review=1),
    Plant("credit_never_billed", _never_billed, review=1),
    Plant("returned_and_credited", _returned_and_credited, approve=3, first=True, weight=2),
)
