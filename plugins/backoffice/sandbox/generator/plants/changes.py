"""What was wrong when the invoice came and has come right by the anchor: no human answer is needed."""

from __future__ import annotations

from decimal import Decimal

from backoffice.sandbox.generator.goods import measured, specs
from backoffice.sandbox.generator.plants.plant import Plant, altered
from backoffice.sandbox.generator.scene import Scene, Story
from backoffice.sandbox.generator.stage import full


def _early(scene: Scene, *, approved: bool = True) -> Story:
    """A story whose document arrives early enough for something to follow; not received yet."""
    when = scene.timeline(scene.chance.whole(6, scene.last - 4))
    return scene.bought(
        [measured("60", "22.50"), *scene.padding()], received=False, when=when, approved=approved
    )


def _late_receipt(scene: Scene) -> None:
    story = _early(scene)
    scene.receive(full(story.lines), story.when.arrived + scene.chance.whole(1, 3))
    draft = scene.bill(story)
    for line in draft.lines:
        line.plant(altered("LATE_RECEIPT", "receipt", None, "received"))
    scene.send(draft, story.when.arrived, "approve")


def _price_raised(scene: Scene) -> None:
    """The buyer agrees to the dearer price afterwards."""
    story = _early(scene)
    scene.receive(full(story.lines), story.when.received)
    line = story.lines[0]
    changed = scene.revise(line, story.when.arrived + 2, price=Decimal("24.75"))
    draft = scene.bill(story, full([changed, *story.lines[1:]]))
    by = changed.unit_price - line.unit_price
    draft.lines[0].plant(altered("ORDER_CHANGED", "unit_price", line.unit_price, changed.unit_price, by))
    scene.send(draft, story.when.arrived, "approve")


def _quantity_raised(scene: Scene) -> None:
    """More came and was billed than was ordered; the order is raised afterwards."""
    story = _early(scene)
    line = story.lines[0]
    changed = scene.revise(line, story.when.arrived + 2, quantity=line.quantity + 12)
    now = [changed, *story.lines[1:]]
    scene.receive(full(now), story.when.received)
    draft = scene.bill(story, full(now))
    draft.lines[0].plant(altered("ORDER_CHANGED", "quantity", line.quantity, changed.quantity, Decimal(12)))
    scene.send(draft, story.when.arrived, "approve")


def _approved_later(scene: Scene) -> None:
    story = _early(scene, approved=False)
    scene.receive(full(story.lines), story.when.received)
    draft = scene.bill(story)
    for line in story.lines:
        scene.revise(line, story.when.arrived + 1, approved=True)
    for billed in draft.lines:
        billed.plant(altered("ORDER_CHANGED", "approved", False, True))
    scene.send(draft, story.when.arrived, "approve")


def _receipt_corrected(scene: Scene) -> None:
    """Ten times too much was booked as received, cancelled, and booked right."""
    story = scene.bought(specs(scene.chance, 1), received=False, when=scene.timeline(scene.last - 2))
    line = story.lines[0]
    wrong = scene.receive([(line, line.quantity * 10)], story.when.received)
    scene.reverse(wrong, story.when.received + 1)
    scene.receive(full(story.lines), story.when.received + 1)
    draft = scene.bill(story)
    draft.lines[0].plant(altered("RECEIPT_CORRECTED", "receipt", line.quantity * 10, line.quantity))
    scene.send(draft, story.when.arrived, "approve")


PLANTS = (
    Plant("late_receipt", _late_receipt, approve=1, first=True, weight=5),
    Plant("price_raised", _price_raised, approve=1, first=True, weight=2),
    Plant("quantity_raised", _quantity_raised, approve=1, first=True, weight=2),
    Plant("approved_later", _approved_later, approve=1),
    Plant("receipt_corrected", _receipt_corrected, approve=1, first=True, weight=2),
)
