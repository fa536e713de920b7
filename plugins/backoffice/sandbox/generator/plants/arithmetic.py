"""Documents that do not add up: lines (LINE_ARITH), totals (TOTAL_ARITH), tax per category (TAX_TOTAL)."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from backoffice.sandbox.generator.draft import Draft, TaxKey
from backoffice.sandbox.generator.goods import REDUCED, STANDARD, measured
from backoffice.sandbox.generator.limits import LINE_ARITHMETIC, STEP, TAX_PER_CATEGORY, TOTAL_ARITHMETIC
from backoffice.sandbox.generator.plants.plant import Plant, altered, around, beside
from backoffice.sandbox.generator.scene import Scene, Story

# Whole euros: tax at 19 and at 7 percent comes out even in cents.
_EVEN = (("20", "15.00"), ("50", "31.00"), ("4", "260.00"), ("16", "12.50"))
_CATEGORY_19: TaxKey = ("S", STANDARD)
_CATEGORY_7: TaxKey = ("S", REDUCED)


def _even(scene: Scene) -> tuple[Story, Draft]:
    story = scene.bought([measured(*scene.chance.pick(_EVEN))])
    return story, scene.bill(story)


def _line(scene: Scene, beyond: Decimal, *, sign: int) -> None:
    """The net amount is off quantity times price by the limit and a bit, upward or downward."""
    story = scene.bought([measured(*scene.chance.pick(_EVEN)), *scene.padding(1)])
    draft = scene.bill(story)
    line = draft.lines[0]
    right = line.net
    line.net += sign * (LINE_ARITHMETIC + beyond)
    fault = beside(
        "LINE_ARITH", "net_amount", right, line.net, limit=LINE_ARITHMETIC, unit="amount", beyond=beyond
    )
    line.plant(fault, *(("LINE_ARITH",) if beyond > 0 else ()))
    scene.send(draft, story.when.arrived, "review" if beyond > 0 else "approve")


def _line_far_off(scene: Scene) -> None:
    story, draft = _even(scene)
    line = draft.lines[0]
    right = line.net
    line.net -= Decimal("90.00")
    line.plant(altered("LINE_ARITH", "net_amount", right, line.net, line.net - right), "LINE_ARITH")
    scene.send(draft, story.when.arrived, "review")


def _total(scene: Scene, *, field: str, off: Decimal) -> None:
    """One printed total is off; those that build on it follow."""
    story = scene.bought([measured(*scene.chance.pick(_EVEN)), *scene.padding(1)])
    draft = scene.bill(story)
    right = draft.totals().payable
    draft.total_shifts[field] = off
    fault = beside(
        "TOTAL_ARITH",
        field,
        right,
        right + off,
        limit=TOTAL_ARITHMETIC,
        unit="amount",
        beyond=abs(off),
    )
    draft.plant(fault, *(("TOTAL_ARITH",) if off else ()))
    scene.send(draft, story.when.arrived, "review" if off else "approve")


def _shift_tax(draft: Draft, key: TaxKey, off: Decimal) -> None:
    right = next(part.tax for part in draft.subtotals() if (part.category, part.rate) == key)
    draft.tax_shifts[key] = off
    beyond = abs(off) - TAX_PER_CATEGORY
    fault = beside(
        "TAX_TOTAL",
        f"tax {key[0]} {key[1]}",
        right,
        right + off,
        limit=TAX_PER_CATEGORY,
        unit="amount",
        beyond=beyond,
    )
    draft.plant(fault, *(("TAX_TOTAL",) if beyond > 0 else ()))


def _tax(scene: Scene, beyond: Decimal, *, sign: int) -> None:
    story, draft = _even(scene)
    _shift_tax(draft, _CATEGORY_19, sign * (TAX_PER_CATEGORY + beyond))
    scene.send(draft, story.when.arrived, "review" if beyond > 0 else "approve")


def _tax_of_two(scene: Scene, offs: tuple[Decimal, Decimal]) -> None:
    """Two categories are off; each has the limit to itself, and they do not make up for each other."""
    story = scene.bought([measured("20", "15.00"), measured("30", "11.00", rate=REDUCED)])
    draft = scene.bill(story)
    for key, off in zip((_CATEGORY_19, _CATEGORY_7), offs, strict=True):
        _shift_tax(draft, key, off)
    scene.send(draft, story.when.arrived, "review" if draft.codes else "approve")


def _tax_at_wrong_rate(scene: Scene) -> None:
    story, draft = _even(scene)
    part = draft.subtotals()[0]
    wrong = part.taxable * REDUCED / 100
    draft.tax_shifts[_CATEGORY_19] = (wrong - part.tax).quantize(STEP)
    draft.plant(altered("TAX_TOTAL", "tax S 19", part.tax, wrong, wrong - part.tax), "TAX_TOTAL")
    scene.send(draft, story.when.arrived, "review")


PLANTS = (
    *around("line_up", partial(_line, sign=1)),
    *around("line_down", partial(_line, sign=-1), first=False),
    Plant("line_far_off", _line_far_off, review=1),
    Plant("total_even", partial(_total, field="payable", off=Decimal("0.00")), approve=1, first=True),
    Plant("total_up", partial(_total, field="payable", off=STEP), review=1, first=True),
    Plant("total_down", partial(_total, field="payable", off=-STEP), review=1, first=True),
    Plant("total_of_lines", partial(_total, field="lines", off=STEP), review=1),
    Plant("total_with_tax", partial(_total, field="tax_inclusive", off=-STEP), review=1),
    *around("tax_up", partial(_tax, sign=1)),
    *around("tax_down", partial(_tax, sign=-1), first=False),
    Plant("tax_of_two_within", partial(_tax_of_two, offs=(STEP, STEP)), approve=1),
    Plant("tax_of_two_offset", partial(_tax_of_two, offs=(STEP * 2, -STEP * 2)), review=1),
    Plant("tax_at_wrong_rate", _tax_at_wrong_rate, review=1),
)
