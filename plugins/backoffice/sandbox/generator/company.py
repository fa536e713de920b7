"""Generates a whole company."""

from __future__ import annotations

from datetime import date

from backoffice.sandbox.generator.chance import Chance
from backoffice.sandbox.generator.days import Days
from backoffice.sandbox.generator.goods import share, specs
from backoffice.sandbox.generator.model import Company, Mix
from backoffice.sandbox.generator.plan import SHARES, plan
from backoffice.sandbox.generator.scene import Scene
from backoffice.sandbox.generator.suppliers import suppliers
from backoffice.sandbox.generator.world import World

_OPEN_ORDERS_PER_DOCUMENTS = 10


def generate(
    seed: int, size: int, mix: Mix, anchor: date, entity: str = "1000", currency: str = "EUR"
) -> Company:
    """Invent a company; the same arguments give the same company, byte for byte, on every machine.

    :param seed: Chooses among companies of the same kind.
    :param size: Documents that suppliers send: invoices, credit notes and what is neither.
    :param mix: ``clean`` (nine lines of ten without a fault) or ``realistic`` (about half of the documents
        pass without a hand, a fifth waits for goods).
    :param anchor: The day on which the labels hold; everything became visible before it.
    :param entity: The buying company.
    :param currency: Of the entity's books and orders.
    :raises ValueError: Unknown mix or negative size.
    """
    if mix not in SHARES:
        raise ValueError(f"mix is one of {sorted(SHARES)}, not {mix!r}")
    if size < 0:
        raise ValueError(f"size is a number of documents, not {size}")
    days = Days(anchor)
    master = suppliers(seed, size, currency, days)
    world = World(seed, anchor, entity, currency, master, days)
    for at, plant in enumerate(plan(seed, mix, size)):
        plant.sow(Scene(world, plant.name, Chance(seed, "story", at, plant.name)))
    for at in range(size // _OPEN_ORDERS_PER_DOCUMENTS + 1):
        _order_nobody_billed(Scene(world, "open_order", Chance(seed, "open order", at)))
    documents, labels = world.paper()
    return Company(
        seed=seed,
        size=size,
        mix=mix,
        anchor=anchor,
        entity=entity,
        currency=currency,
        suppliers=tuple(master),
        order_lines=world.order_lines(),
        receipts=world.receipts(),
        documents=documents,
        labels=labels,
    )


def _order_nobody_billed(scene: Scene) -> None:
    """An order that is still open; half of these were received at least in part."""
    day = scene.chance.whole(0, scene.last - 1)
    lines = scene.order(scene.supplier(), specs(scene.chance, scene.chance.whole(1, 4), divisible=True), day)
    if scene.chance.hit(50):
        percent = scene.chance.pick((30, 100))
        parts = [(line, share(line.quantity, percent)) for line in lines]
        scene.receive(parts, scene.chance.whole(day + 1, scene.last))
