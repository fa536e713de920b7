"""Documents whose order cannot be found, may not be billed, or does not belong to them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from backoffice.sandbox.generator.draft import Draft
from backoffice.sandbox.generator.goods import measured, specs
from backoffice.sandbox.generator.model import Fault, Supplier
from backoffice.sandbox.generator.plants.plant import Plant, altered
from backoffice.sandbox.generator.scene import Scene, Story
from backoffice.sandbox.generator.stage import full
from backoffice.sandbox.generator.suppliers import iban


def _faultless(scene: Scene) -> tuple[Story, Draft]:
    story = scene.bought(specs(scene.chance, scene.chance.pick((1, 1, 1, 2))))
    return story, scene.bill(story)


def _mark_all(draft: Draft, fault: Fault) -> None:
    for line in draft.lines:
        line.plant(fault, fault.name)


def _po_missing(scene: Scene) -> None:
    story, draft = _faultless(scene)
    was, draft.po_number = draft.po_number, None
    for line in draft.lines:
        line.po_line = None
    _mark_all(draft, altered("PO_MISSING", "po_number", was, None))
    scene.send(draft, story.when.arrived, "review")


def _po_not_found(scene: Scene) -> None:
    story, draft = _faultless(scene)
    was, draft.po_number = draft.po_number, "99" + scene.chance.digits(8)
    _mark_all(draft, altered("PO_NOT_FOUND", "po_number", was, draft.po_number))
    scene.send(draft, story.when.arrived, "review")


def _supplier_mismatch(scene: Scene) -> None:
    """Somebody else bills the order."""
    story = scene.bought(specs(scene.chance, 1))
    other = scene.supplier(other_than=story.supplier)
    draft = scene.invoice(other, full(story.lines), story.when.issued)
    fault = altered("SUPPLIER_MISMATCH", "supplier_id", story.supplier.supplier_id, other.supplier_id)
    _mark_all(draft, fault)
    scene.send(draft, story.when.arrived, "review")


def _supplier_unknown(scene: Scene) -> None:
    """Somebody bills the order whom the master data does not know."""
    story = scene.bought(specs(scene.chance, 1))
    draft = scene.bill(story)
    digits = scene.chance.digits(6)
    stranger: Supplier = replace(
        story.supplier,
        name=f"Unbekannt & Partner {digits[:3]}",
        vat_id=f"DE998{digits}",
        iban=iban("DE", f"999999990000{digits}"),
    )
    draft.supplier, draft.supplier_id, draft.number = stranger, None, f"UNB-{draft.number}"
    _mark_all(draft, altered("SUPPLIER_MISMATCH", "vat_id", story.supplier.vat_id, stranger.vat_id))
    scene.send(draft, story.when.arrived, "review")


def _currency(scene: Scene) -> None:
    story, draft = _faultless(scene)
    was, draft.currency = draft.currency, scene.chance.pick(("USD", "GBP", "CHF"))
    _mark_all(draft, altered("CURRENCY_DIFF", "currency", was, draft.currency))
    scene.send(draft, story.when.arrived, "review")


def _unit_unmapped(scene: Scene) -> None:
    """A pallet, a bale or a lump of something that is ordered in kilograms."""
    story = scene.bought([measured("30", "14.20"), *scene.padding()])
    draft = scene.bill(story)
    line = draft.lines[0]
    was, line.uom = line.uom, scene.chance.pick(("XPX", "XBL", "LS"))
    line.plant(altered("UOM_UNMAPPED", "uom", was, line.uom), "UOM_UNMAPPED")
    scene.send(draft, story.when.arrived, "review")


def _line_unmatched(scene: Scene, *, reference: str | None) -> None:
    """The order is there, the line that it names is not, or it names none."""
    story = scene.bought(specs(scene.chance, 2))
    draft = scene.bill(story)
    line = draft.lines[1]
    was, line.po_line = line.po_line, reference
    line.item, line.description = "DIV", "Lieferung gemäß Anlage"
    line.plant(altered("LINE_UNMATCHED", "po_line", was, reference), "LINE_UNMATCHED")
    scene.send(draft, story.when.arrived, "review")


def _not_approved(scene: Scene) -> None:
    story = scene.bought(specs(scene.chance, 1), approved=False)
    draft = scene.bill(story)
    _mark_all(draft, altered("PO_NOT_APPROVED", "approved", True, False))
    scene.send(draft, story.when.arrived, "review")


def _closed(scene: Scene) -> None:
    story = scene.bought(specs(scene.chance, 1), status="closed")
    draft = scene.bill(story)
    _mark_all(draft, altered("PO_CLOSED", "status", "open", "closed"))
    scene.send(draft, story.when.arrived, "review")


PLANTS = (
    Plant("po_missing", _po_missing, review=1, first=True, weight=3),
    Plant("po_not_found", _po_not_found, review=1, first=True, weight=2),
    Plant("supplier_mismatch", _supplier_mismatch, review=1, first=True),
    Plant("supplier_unknown", _supplier_unknown, review=1),
    Plant("currency_diff", _currency, review=1, first=True),
    Plant("uom_unmapped", _unit_unmapped, review=1, first=True),
    Plant("line_absent", partial(_line_unmatched, reference=None), review=1, first=True),
    Plant("line_wrong", partial(_line_unmatched, reference="990"), review=1),
    Plant("po_not_approved", _not_approved, review=1, first=True),
    Plant("po_closed", _closed, review=1, first=True),
)
