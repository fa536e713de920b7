"""Two faults at once: on one line, on two lines of one document, or on a line and the document."""

from __future__ import annotations

from decimal import Decimal

from backoffice.sandbox.generator.draft import DraftLine
from backoffice.sandbox.generator.goods import REDUCED, measured, share
from backoffice.sandbox.generator.limits import STEP
from backoffice.sandbox.generator.plants.plant import Plant, altered
from backoffice.sandbox.generator.scene import Scene
from backoffice.sandbox.generator.stage import full


def _dearer(line: DraftLine) -> None:
    """A quarter more than ordered."""
    was = line.price
    line.charge(line.net * Decimal("1.25"))
    line.plant(altered("PRICE", "unit_price", was, line.price, line.price - was), "PRICE")


def _more(line: DraftLine, by: Decimal, *codes: str) -> None:
    was = line.quantity
    line.count(was + by)
    line.plant(altered(codes[0], "quantity", was, line.quantity, by), *codes)


def _price_and_ordered(scene: Scene) -> None:
    story = scene.bought([measured("40", "20.00")], match_type=2)
    draft = scene.bill(story)
    _more(draft.lines[0], Decimal(10), "QTY_ORD")
    _dearer(draft.lines[0])
    scene.send(draft, story.when.arrived, "review")


def _price_and_received(scene: Scene) -> None:
    story = scene.bought([measured("100", "8.00"), *scene.padding(1)], received=False)
    line = story.lines[0]
    part = share(line.quantity, 50)
    scene.receive([(line, part), *full(story.lines[1:])], story.when.received)
    draft = scene.bill(story, [(line, part), *full(story.lines[1:])])
    _more(draft.lines[0], Decimal(30), "QTY_REC")
    _dearer(draft.lines[0])
    scene.send(draft, story.when.arrived, "review")


def _price_and_no_receipt(scene: Scene) -> None:
    """It would wait for its goods, but the price alone makes it a case."""
    when = scene.timeline(scene.chance.whole(scene.last - 2, scene.last))
    story = scene.bought([measured("16", "50.00")], received=False, when=when)
    draft = scene.bill(story)
    draft.lines[0].plant(altered("NO_RECEIPT", "receipt", "received", None), "NO_RECEIPT")
    _dearer(draft.lines[0])
    scene.send(draft, when.arrived, "review")


def _price_and_line_arithmetic(scene: Scene) -> None:
    """The printed price is as ordered, the net amount is a tenth more."""
    story = scene.bought([measured("25", "16.00"), *scene.padding(1)])
    draft = scene.bill(story)
    line = draft.lines[0]
    was = line.net
    line.net += Decimal("40.00")
    line.plant(altered("LINE_ARITH", "net_amount", was, line.net, Decimal(40)), "LINE_ARITH", "PRICE")
    scene.send(draft, story.when.arrived, "review")


def _price_here_quantity_there(scene: Scene) -> None:
    story = scene.bought([measured("20", "30.00"), measured("50", "4.40"), *scene.padding(1)])
    draft = scene.bill(story)
    _dearer(draft.lines[0])
    _more(draft.lines[1], STEP, "QTY_ORD", "QTY_REC")
    scene.send(draft, story.when.arrived, "review")


def _price_and_total(scene: Scene) -> None:
    story = scene.bought([measured("10", "64.00")])
    draft = scene.bill(story)
    _dearer(draft.lines[0])
    right = draft.totals().payable
    draft.total_shifts["payable"] = STEP
    draft.plant(altered("TOTAL_ARITH", "payable", right, right + STEP, STEP), "TOTAL_ARITH")
    scene.send(draft, story.when.arrived, "review")


def _tax_and_total(scene: Scene) -> None:
    story = scene.bought([measured("30", "9.00", rate=REDUCED)])
    draft = scene.bill(story)
    part, right = draft.subtotals()[0], draft.totals().payable
    draft.tax_shifts["S", REDUCED] = Decimal("1.00")
    draft.plant(altered("TAX_TOTAL", "tax S 7", part.tax, part.tax + 1, Decimal(1)), "TAX_TOTAL")
    draft.total_shifts["payable"] = Decimal("-1.00")
    draft.plant(altered("TOTAL_ARITH", "payable", right + 1, right, Decimal(-1)), "TOTAL_ARITH")
    scene.send(draft, story.when.arrived, "review")


PLANTS = (
    Plant("price_and_ordered", _price_and_ordered, review=1, first=True),
    Plant("price_and_received", _price_and_received, review=1),
    Plant("price_and_no_receipt", _price_and_no_receipt, review=1),
    Plant("price_and_line_arithmetic", _price_and_line_arithmetic, review=1),
    Plant("price_here_quantity_there", _price_here_quantity_there, review=1),
    Plant("price_and_total", _price_and_total, review=1),
    Plant("tax_and_total", _tax_and_total, review=1),
)
