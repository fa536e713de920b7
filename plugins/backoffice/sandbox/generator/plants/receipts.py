"""Nothing received (NO_RECEIPT): still waiting, waited too long, due too soon, or cancelled afterwards."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial

from backoffice.sandbox.generator.draft import Draft
from backoffice.sandbox.generator.goods import measured, share, specs
from backoffice.sandbox.generator.limits import (
    DUE_SOON_CALENDAR_DAYS,
    NO_RECEIPT_AMOUNT,
    WAITING_BUSINESS_DAYS,
)
from backoffice.sandbox.generator.model import Fault, Outcome
from backoffice.sandbox.generator.plants.plant import Plant, altered, beside
from backoffice.sandbox.generator.scene import Scene, Story

_FEWEST_TERMS = 30
_MISSING = altered("NO_RECEIPT", "receipt", "received", None)


def _recent(scene: Scene) -> int:
    """A day of arrival that is well within the waiting days, also when the anchor is a weekend."""
    return scene.chance.whole(scene.last - 2, scene.last)


def _unhurried(draft: Draft) -> None:
    """Due no earlier than thirty days after its date, so that only the waiting days count."""
    draft.due = max(draft.due, draft.issued + timedelta(days=_FEWEST_TERMS))


def _mark_all(draft: Draft, fault: Fault) -> None:
    for line in draft.lines:
        line.plant(fault, "NO_RECEIPT")


def _unreceived(scene: Scene, arrived: int, *, most: int = 3, gr_based: bool = False) -> tuple[Story, Draft]:
    wanted = specs(scene.chance, scene.chance.whole(1, most))
    story = scene.bought(wanted, received=False, gr_based=gr_based, when=scene.timeline(arrived))
    draft = scene.bill(story)
    _unhurried(draft)
    return story, draft


def _not_received(scene: Scene, *, gr_based: bool = False) -> None:
    arrived = _recent(scene)
    _, draft = _unreceived(scene, arrived, gr_based=gr_based)
    _mark_all(draft, _MISSING)
    scene.send(draft, arrived, "wait")


def _one_line_missing(scene: Scene) -> None:
    arrived = _recent(scene)
    story = scene.bought(specs(scene.chance, 3), received=False, when=scene.timeline(arrived))
    scene.receive([(line, line.quantity) for line in story.lines[1:]], story.when.received)
    draft = scene.bill(story)
    _unhurried(draft)
    draft.lines[0].plant(_MISSING, "NO_RECEIPT")
    scene.send(draft, arrived, "wait")


def _two_invoices_waiting(scene: Scene) -> None:
    when = scene.timeline(scene.last - 2)
    story = scene.bought(specs(scene.chance, 1, divisible=True), received=False, when=when)
    line = story.lines[0]
    part = share(line.quantity, 50)
    for quantity, issued in ((part, when.arrived), (line.quantity - part, when.arrived + 1)):
        draft = scene.invoice(story.supplier, [(line, quantity)], issued)
        _unhurried(draft)
        _mark_all(draft, _MISSING)
        scene.send(draft, issued, "wait")


def _cancelled_while_waiting(scene: Scene) -> None:
    """The receipt was booked by mistake and cancelled before the invoice came."""
    arrived = _recent(scene)
    story, draft = _unreceived(scene, arrived, most=1)
    booked = scene.receive([(line, line.quantity) for line in story.lines], story.when.received)
    scene.reverse(booked, arrived - 1)
    _mark_all(draft, altered("NO_RECEIPT", "receipt", "received", "cancelled"))
    scene.send(draft, arrived, "wait")


def _days_waited(scene: Scene, beyond: int, outcome: Outcome) -> None:
    """On the anchor so many business days more than allowed have passed; no whole day within is left out."""
    days = WAITING_BUSINESS_DAYS + beyond
    if beyond == 0 and not scene.world.days.anchor_is_business_day:
        days -= 1  # seen from a weekend, the last waiting day is not the same for everybody who counts
    arrived = scene.world.days.waited(days)
    _, draft = _unreceived(scene, arrived)
    fault = beside(
        "NO_RECEIPT_DAYS",
        "arrived",
        Decimal(0),
        Decimal(days),
        limit=Decimal(WAITING_BUSINESS_DAYS),
        unit="business_days",
        beyond=Decimal(days - WAITING_BUSINESS_DAYS),
    )
    _mark_all(draft, fault)
    scene.send(draft, arrived, outcome)


def _due_in(scene: Scene, days: int, outcome: Outcome) -> None:
    """It arrived lately, but falls due so many calendar days after the anchor."""
    arrived = _recent(scene)
    _, draft = _unreceived(scene, arrived, most=2)
    draft.due = scene.world.anchor + timedelta(days=days)
    fault = beside(
        "NO_RECEIPT_DUE",
        "due_date",
        Decimal(0),
        Decimal(days),
        limit=Decimal(DUE_SOON_CALENDAR_DAYS),
        unit="calendar_days",
        beyond=Decimal(DUE_SOON_CALENDAR_DAYS - days),
    )
    _mark_all(draft, fault)
    scene.send(draft, arrived, outcome)


def _value(scene: Scene, cents: int) -> None:
    """A line of value zero needs no receipt; a line of one cent does."""
    arrived = _recent(scene)
    value = Decimal(cents) / 100
    wanted = [measured("1", str(value)), *specs(scene.chance, 1)]
    story = scene.bought(wanted, received=False, when=scene.timeline(arrived))
    scene.receive([(story.lines[1], story.lines[1].quantity)], story.when.received)
    draft = scene.bill(story)
    _unhurried(draft)
    fault = beside(
        "NO_RECEIPT",
        "value",
        Decimal(0),
        value,
        limit=NO_RECEIPT_AMOUNT,
        unit="amount",
        beyond=value,
    )
    draft.lines[0].plant(fault, *(("NO_RECEIPT",) if cents else ()))
    scene.send(draft, arrived, "wait" if cents else "approve")


def _overdue(scene: Scene, *, gr_based: bool = False) -> None:
    arrived = scene.chance.whole(6, scene.last - 6)
    _, draft = _unreceived(scene, arrived, most=2, gr_based=gr_based)
    _mark_all(draft, _MISSING)
    scene.send(draft, arrived, "review")


def _cancelled_after_billing(scene: Scene) -> None:
    arrived = scene.chance.whole(6, scene.last - 6)
    story = scene.bought(specs(scene.chance, 1), received=False, when=scene.timeline(arrived))
    booked = scene.receive([(line, line.quantity) for line in story.lines], story.when.received)
    draft = scene.bill(story)
    _mark_all(draft, altered("NO_RECEIPT", "receipt", "received", "cancelled"))
    scene.send(draft, arrived, "review")
    scene.reverse(booked, arrived + 3)


def _cancelled_after_two_invoices(scene: Scene, *, both: bool) -> None:
    """Two deliveries, two invoices; then both deliveries, or the second one, turn out to be a mistake."""
    supplier, start = scene.supplier(), scene.chance.whole(2, 8)
    line = scene.order(supplier, specs(scene.chance, 1, divisible=True), start - 1)[0]
    part = share(line.quantity, 60)
    rest = line.quantity - part
    booked = [scene.receive([(line, part)], start), scene.receive([(line, rest)], start + 2)]
    first = scene.invoice(supplier, [(line, part)], start + 1)
    second = scene.invoice(supplier, [(line, rest)], start + 3)
    cancelled = "NO_RECEIPT" if both else "QTY_REC"
    second.lines[0].plant(altered("CANCELLED_LATER", "receipt", rest, 0, -rest), cancelled)
    if both:
        first.lines[0].plant(altered("CANCELLED_LATER", "receipt", part, 0, -part), cancelled)
    scene.send(first, start + 2, "review" if both else "approve")
    scene.send(second, start + 4, "review")
    for receipts in booked if both else booked[1:]:
        scene.reverse(receipts, start + 6)


PLANTS = (
    Plant("not_received", _not_received, wait=1, first=True, weight=8),
    Plant("one_line_missing", _one_line_missing, wait=1, first=True, weight=3),
    Plant("not_received_receipt_based", partial(_not_received, gr_based=True), wait=1, first=True, weight=3),
    Plant("two_invoices_waiting", _two_invoices_waiting, wait=2),
    Plant("cancelled_while_waiting", _cancelled_while_waiting, wait=1),
    Plant("last_waiting_day", partial(_days_waited, beyond=0, outcome="wait"), wait=1, first=True, weight=2),
    Plant("first_day_too_late", partial(_days_waited, beyond=1, outcome="review"), review=1, first=True),
    Plant("due_just_far_enough", partial(_due_in, days=6, outcome="wait"), wait=1, first=True, weight=2),
    Plant("due_just_too_soon", partial(_due_in, days=5, outcome="review"), review=1, first=True),
    Plant("due_too_soon", partial(_due_in, days=4, outcome="review"), review=1, first=True),
    Plant("due_already", partial(_due_in, days=-1, outcome="review"), review=1),
    Plant("value_zero", partial(_value, cents=0), approve=1, first=True),
    Plant("value_one_cent", partial(_value, cents=1), wait=1, first=True),
    Plant("overdue", _overdue, review=1, weight=3),
    Plant("overdue_receipt_based", partial(_overdue, gr_based=True), review=1),
    Plant("cancelled_after_billing", _cancelled_after_billing, review=1),
    Plant("both_cancelled", partial(_cancelled_after_two_invoices, both=True), review=2),
    Plant("second_cancelled", partial(_cancelled_after_two_invoices, both=False), approve=1, review=1),
)
