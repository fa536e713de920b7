"""Dearer than ordered (PRICE): beside the percent limit, beside the limit per line, beside both at once."""

from __future__ import annotations

from decimal import Decimal

from backoffice.sandbox.generator.draft import Draft, DraftLine
from backoffice.sandbox.generator.goods import LineSpec, measured
from backoffice.sandbox.generator.limits import PRICE_AMOUNT, PRICE_PERCENT
from backoffice.sandbox.generator.plants.plant import Plant, altered, around, beside
from backoffice.sandbox.generator.scene import Scene, Story

# Quantities and prices whose products and quotients come out even in decimals.
_SMALL = (("10", "100.00"), ("4", "250.00"), ("20", "50.00"), ("8", "125.00"), ("5", "80.00"), ("1", "40.00"))
_PER_HUNDRED = (("400", "250.00"), ("200", "400.00"), ("500", "100.00"), ("800", "200.00"))
_LARGE = (("100", "50.00"), ("80", "125.00"), ("200", "25.50"), ("125", "80.00"), ("50", "400.00"))
_CORNER = (("50", "50.00"), ("100", "25.00"), ("20", "125.00"))


def _bought(scene: Scene, spec: LineSpec) -> tuple[Story, Draft, DraftLine]:
    story = scene.bought([spec, *scene.padding()])
    draft = scene.bill(story)
    return story, draft, draft.lines[0]


def _finish(scene: Scene, story: Story, draft: Draft, beyond: Decimal) -> None:
    scene.send(draft, story.when.arrived, "review" if beyond > 0 else "approve")


def _set_beside_percent(line: DraftLine, beyond: Decimal) -> None:
    """Charge the percent limit and a bit; the distance is in the currency of the line."""
    ordered = line.net
    line.charge(ordered + ordered * PRICE_PERCENT / 100 + beyond)
    fault = beside(
        "PRICE", "net_amount", ordered, line.net, limit=PRICE_PERCENT, unit="percent", beyond=beyond
    )
    line.plant(fault, *(("PRICE",) if beyond > 0 else ()))


def _percent(scene: Scene, beyond: Decimal) -> None:
    story, draft, line = _bought(scene, measured(*scene.chance.pick(_SMALL)))
    _set_beside_percent(line, beyond)
    _finish(scene, story, draft, beyond)


def _percent_per_hundred(scene: Scene, beyond: Decimal) -> None:
    """The price is for a hundred units."""
    story, draft, line = _bought(scene, measured(*scene.chance.pick(_PER_HUNDRED), base="100"))
    _set_beside_percent(line, beyond)
    _finish(scene, story, draft, beyond)


def _amount(scene: Scene, beyond: Decimal) -> None:
    story, draft, line = _bought(scene, measured(*scene.chance.pick(_LARGE)))
    ordered = line.net
    line.charge(ordered + PRICE_AMOUNT + beyond)
    fault = beside("PRICE", "net_amount", ordered, line.net, limit=PRICE_AMOUNT, unit="amount", beyond=beyond)
    line.plant(fault, *(("PRICE",) if beyond > 0 else ()))
    _finish(scene, story, draft, beyond)


def _both_limits(scene: Scene, beyond: Decimal) -> None:
    """On 2500.00 both limits are the same 50.00."""
    story, draft, line = _bought(scene, measured(*scene.chance.pick(_CORNER)))
    ordered = line.net
    line.charge(ordered + PRICE_AMOUNT + beyond)
    codes = ("PRICE",) if beyond > 0 else ()
    for limit, unit in ((PRICE_PERCENT, "percent"), (PRICE_AMOUNT, "amount")):
        line.plant(
            beside("PRICE", "net_amount", ordered, line.net, limit=limit, unit=unit, beyond=beyond), *codes
        )
    _finish(scene, story, draft, beyond)


def _net_decides(scene: Scene) -> None:
    """The printed price is just within the percent limit, a cent more in the net amount is beyond it."""
    story, draft, line = _bought(scene, measured("10", "100.00"))
    line.charge(Decimal("1020.00"))
    line.net += Decimal("0.01")
    fault = beside(
        "PRICE",
        "net_amount",
        Decimal("1000.00"),
        line.net,
        limit=PRICE_PERCENT,
        unit="percent",
        beyond=Decimal("0.01"),
    )
    line.plant(fault, "PRICE")
    scene.send(draft, story.when.arrived, "review")


def _dearer(scene: Scene, spec: LineSpec, net: str) -> None:
    story, draft, line = _bought(scene, spec)
    was = line.price
    line.charge(Decimal(net))
    line.plant(altered("PRICE", "unit_price", was, line.price, line.price - was), "PRICE")
    scene.send(draft, story.when.arrived, "review")


def _percent_alone(scene: Scene) -> None:
    """Three percent, but only 3.00: the stricter limit decides."""
    _dearer(scene, measured("10", "10.00"), "103.00")


def _amount_alone(scene: Scene) -> None:
    """Only half a percent, but 100.00: the stricter limit decides."""
    _dearer(scene, measured("100", "200.00"), "20100.00")


def _by_a_fifth(scene: Scene) -> None:
    _dearer(scene, measured("40", "15.00"), "720.00")


def _decimal_point_moved(scene: Scene) -> None:
    _dearer(scene, measured("25", "4.20"), "1050.00")


PLANTS = (
    *around("price_percent", _percent),
    *around("price_amount", _amount),
    *around("price_percent_per_hundred", _percent_per_hundred, first=False),
    *around("price_both_limits", _both_limits, first=False),
    Plant("price_net_decides", _net_decides, review=1),
    Plant("price_percent_alone", _percent_alone, review=1),
    Plant("price_amount_alone", _amount_alone, review=1),
    Plant("price_by_a_fifth", _by_a_fifth, review=1, weight=3),
    Plant("price_decimal_point_moved", _decimal_point_moved, review=1),
)
