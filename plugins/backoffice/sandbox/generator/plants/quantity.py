"""More billed than ordered (QTY_ORD) or than received (QTY_REC), to the hundredth and by far."""

from __future__ import annotations

from decimal import Decimal

from backoffice.sandbox.generator.draft import Draft
from backoffice.sandbox.generator.goods import measured, share
from backoffice.sandbox.generator.limits import QUANTITY
from backoffice.sandbox.generator.model import OrderLine
from backoffice.sandbox.generator.plants.plant import Plant, altered, around, beside
from backoffice.sandbox.generator.scene import Scene, Story


def _bulk(scene: Scene) -> tuple[str, str]:
    """A round quantity in kilograms and a price."""
    return f"{scene.chance.whole(4, 40) * 10}.00", f"{scene.chance.whole(150, 900) / 100:.2f}"


def _overbill(draft: Draft, allowed: Decimal, beyond: Decimal, *codes: str) -> None:
    """Bill so much beyond the quantity that is still open in the draft's first line."""
    line = draft.lines[0]
    line.count(allowed + beyond)
    name = codes[0]
    fault = beside(name, "quantity", allowed, line.quantity, limit=QUANTITY, unit="quantity", beyond=beyond)
    line.plant(fault, *(codes if beyond > 0 else ()))


def _finish(scene: Scene, draft: Draft, arrived: int, beyond: Decimal) -> None:
    scene.send(draft, arrived, "review" if beyond > 0 else "approve")


def _ordered_two_way(scene: Scene, beyond: Decimal) -> None:
    story = scene.bought([measured(*_bulk(scene))], match_type=2)
    draft = scene.bill(story)
    _overbill(draft, story.lines[0].quantity, beyond, "QTY_ORD")
    _finish(scene, draft, story.when.arrived, beyond)


def _ordered_over_delivery(scene: Scene, beyond: Decimal) -> None:
    """More came than was ordered: only the order limits what may be billed."""
    story = scene.bought([measured(*_bulk(scene)), *scene.padding()])
    scene.receive([(story.lines[0], Decimal("7.50"))], story.when.received)
    draft = scene.bill(story)
    _overbill(draft, story.lines[0].quantity, beyond, "QTY_ORD")
    _finish(scene, draft, story.when.arrived, beyond)


def _ordered_and_received(scene: Scene, beyond: Decimal) -> None:
    story = scene.bought([measured(*_bulk(scene)), *scene.padding()])
    draft = scene.bill(story)
    _overbill(draft, story.lines[0].quantity, beyond, "QTY_ORD", "QTY_REC")
    _finish(scene, draft, story.when.arrived, beyond)


def _short_delivery(scene: Scene, *, gr_based: bool = False) -> tuple[Story, Draft]:
    """Sixty percent of one line came; the draft bills that much of it and the other lines in full."""
    wanted = [measured(*_bulk(scene)), *([] if gr_based else scene.padding())]
    story = scene.bought(wanted, gr_based=gr_based, received=False)
    line = story.lines[0]
    parts = [(line, share(line.quantity, 60)), *((other, other.quantity) for other in story.lines[1:])]
    receipt = scene.receive(parts, story.when.received)[0].receipt_number
    draft = scene.bill(story, parts)
    draft.receipt_number = receipt if gr_based else None
    return story, draft


def _received(scene: Scene, beyond: Decimal) -> None:
    story, draft = _short_delivery(scene)
    _overbill(draft, draft.lines[0].quantity, beyond, "QTY_REC")
    _finish(scene, draft, story.when.arrived, beyond)


def _received_receipt_based(scene: Scene, beyond: Decimal) -> None:
    story, draft = _short_delivery(scene, gr_based=True)
    _overbill(draft, draft.lines[0].quantity, beyond, "QTY_REC")
    _finish(scene, draft, story.when.arrived, beyond)


def _in_parts(scene: Scene, line: OrderLine, story: Story, percent: int) -> int:
    """Send a first faultless invoice for so many percent; gives the day on which the next may be dated."""
    part = share(line.quantity, percent)
    arrived = story.when.arrived
    scene.send(scene.bill(story, [(line, part)]), arrived, "approve")
    return arrived + 1


def _ordered_in_parts(scene: Scene, beyond: Decimal) -> None:
    story = scene.bought(
        [measured(*_bulk(scene))], match_type=2, when=scene.timeline(scene.chance.whole(6, 15))
    )
    line = story.lines[0]
    day = _in_parts(scene, line, story, 60)
    rest = line.quantity - share(line.quantity, 60)
    draft = scene.invoice(story.supplier, [(line, rest)], day)
    _overbill(draft, rest, beyond, "QTY_ORD")
    _finish(scene, draft, day + 2, beyond)


def _received_in_parts(scene: Scene, beyond: Decimal) -> None:
    when = scene.timeline(scene.chance.whole(6, 15))
    story = scene.bought([measured(*_bulk(scene))], received=False, when=when)
    line = story.lines[0]
    scene.receive([(line, share(line.quantity, 80))], when.received)
    day = _in_parts(scene, line, story, 50)
    rest = share(line.quantity, 30)
    draft = scene.invoice(story.supplier, [(line, rest)], day)
    _overbill(draft, rest, beyond, "QTY_REC")
    _finish(scene, draft, day + 2, beyond)


def _unit_mistaken(scene: Scene) -> None:
    """Ten times the quantity is billed."""
    story = scene.bought([measured(*_bulk(scene)), *scene.padding()])
    draft = scene.bill(story)
    line = draft.lines[0]
    was = line.quantity
    line.count(was * 10)
    line.plant(altered("QTY_ORD", "quantity", was, line.quantity, was * 9), "QTY_ORD", "QTY_REC")
    scene.send(draft, story.when.arrived, "review")


PLANTS = (
    *around("ordered_two_way", _ordered_two_way),
    *around("ordered_over_delivery", _ordered_over_delivery, first=False),
    *around("ordered_and_received", _ordered_and_received, first=False),
    *around("received", _received),
    *around("received_receipt_based", _received_receipt_based, first=False),
    *around("ordered_in_parts", _ordered_in_parts, others=1, first=False),
    *around("received_in_parts", _received_in_parts, others=1, first=False),
    Plant("unit_mistaken", _unit_mistaken, review=1),
)
