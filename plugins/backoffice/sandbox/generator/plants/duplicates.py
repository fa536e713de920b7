"""The same invoice again: surely (DUP_EXACT), perhaps (DUP_LIKELY), or the very same bytes (already known).

Order and receipt leave room for both, as they do with partial billing: no check of quantities would notice.
The copy is always the later one, by arrival, by date or number, and in every spelling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from backoffice.sandbox.generator.draft import Draft
from backoffice.sandbox.generator.goods import LineSpec, share, specs
from backoffice.sandbox.generator.model import Supplier
from backoffice.sandbox.generator.numbering import letter_for_digit, respelled, swapped, without_zeros
from backoffice.sandbox.generator.plants.plant import Plant, altered
from backoffice.sandbox.generator.scene import Scene, Story
from backoffice.sandbox.generator.stage import Part, Timeline, full
from backoffice.sandbox.generator.ubl import render
from backoffice.sandbox.generator.world import mail_of

Spelling = Callable[[str], str]


def _times(scene: Scene) -> Timeline:
    return scene.timeline(scene.chance.whole(6, 14))


def _original(scene: Scene, supplier: Supplier) -> tuple[Story, Draft]:
    """An order of which not even half is billed by the first invoice, with a number one can misread."""
    wanted = specs(scene.chance, scene.chance.whole(1, 2), divisible=True)
    story = scene.bought(wanted, supplier=supplier, when=_times(scene))
    draft = scene.bill(story, _some(story, 40))
    draft.number = scene.world.numbers[supplier.supplier_id].next_confusable(draft.issued.year)
    scene.send(draft, story.when.arrived, "approve")
    return story, draft


def _some(story: Story, percent: int) -> list[Part]:
    return [(line, share(line.quantity, percent)) for line in story.lines]


def _send_copy(scene: Scene, copy: Draft, original: Draft, code: str, arrived: int) -> None:
    copy.plant(altered(code, "invoice_number", original.number, copy.number), code)
    scene.send(copy, arrived, "review")


def _again(
    scene: Scene,
    *,
    code: str,
    spelling: Spelling,
    same_date: bool = False,
    percent: int = 40,
    zero_padded: bool = False,
) -> None:
    """Send the invoice again under a number that is spelled otherwise.

    :param same_date: With the date of the original; otherwise dated some days later.
    :param percent: Of the ordered quantity; 40 as in the original gives the same gross amount.
    """
    story, original = _original(scene, scene.supplier(zero_padded=zero_padded))
    day = story.when.arrived + scene.chance.whole(1, 5)
    copy = scene.invoice(story.supplier, _some(story, percent), day)
    copy.number = spelling(original.number)
    if same_date:
        copy.issued, copy.due = original.issued, original.due
    _send_copy(scene, copy, original, code, day + 1)


def _by_sibling(scene: Scene) -> None:
    """A related company bills the same under the same number, from an order of its own."""
    supplier, sibling = scene.siblings()
    when = _times(scene)
    wanted: list[LineSpec] = specs(scene.chance, 2)
    story = scene.bought(wanted, supplier=supplier, when=when)
    original = scene.bill(story)
    scene.send(original, when.arrived, "approve")
    lines = scene.order(sibling, wanted, when.ordered)
    scene.receive(full(lines), when.received)
    copy = scene.invoice(sibling, full(lines), when.arrived + 2)
    copy.number = original.number
    _send_copy(scene, copy, original, "DUP_EXACT", when.arrived + 3)


def _same_bytes(scene: Scene) -> None:
    """The same message comes twice."""
    story = scene.bought(specs(scene.chance, scene.chance.whole(1, 3)), when=_times(scene))
    draft = scene.bill(story)
    content = scene.send(draft, story.when.arrived, "approve")
    again = replace(draft, lines=[], faults=[altered("SAME_BYTES", "document", None, None)], codes=[])
    arrived = scene.at(story.when.arrived + scene.chance.whole(1, 6), 8, 14)
    scene.world.add_mail(
        mail_of(again, content, arrived, f"FW {draft.number}.xml", scene.scenario, "already_known")
    )


def _same_content_rewritten(scene: Scene) -> None:
    """Number, date and amounts are the same, only the note and so the bytes differ."""
    story, original = _original(scene, scene.supplier(zero_padded=True))
    day = story.when.arrived + 2
    copy = scene.invoice(story.supplier, _some(story, 40), day)
    copy.number, copy.issued, copy.due = without_zeros(original.number), original.issued, original.due
    copy.note = "Zweitschrift."
    if render(copy) == render(original):
        raise ValueError("a copy must differ in its bytes")
    _send_copy(scene, copy, original, "DUP_EXACT", day)


_exact = partial(_again, code="DUP_EXACT")
_likely = partial(_again, code="DUP_LIKELY")

PLANTS = (
    Plant("same_bytes", _same_bytes, approve=1, already_known=1, first=True),
    Plant("dup_same_number", partial(_exact, spelling=str), approve=1, review=1, first=True),
    Plant("dup_respelled", partial(_exact, spelling=respelled), approve=1, review=1),
    Plant(
        "dup_without_zeros",
        partial(_exact, spelling=without_zeros, zero_padded=True),
        approve=1,
        review=1,
    ),
    Plant(
        "dup_same_date",
        partial(_exact, spelling=without_zeros, zero_padded=True, same_date=True, percent=30),
        approve=1,
        review=1,
        first=True,
    ),
    Plant("dup_rewritten", _same_content_rewritten, approve=1, review=1),
    Plant("dup_by_sibling", _by_sibling, approve=1, review=1),
    Plant("likely_number_alone", partial(_likely, spelling=str, percent=30), approve=1, review=1, first=True),
    Plant(
        "likely_letter_o",
        partial(_likely, spelling=partial(letter_for_digit, digit="0")),
        approve=1,
        review=1,
    ),
    Plant(
        "likely_letter_i",
        partial(_likely, spelling=partial(letter_for_digit, digit="1")),
        approve=1,
        review=1,
    ),
    Plant("likely_swapped", partial(_likely, spelling=swapped), approve=1, review=1),
)
