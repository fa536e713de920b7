"""What arrives in a mailbox and is no usable invoice: each of these must be set aside, none may be lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from backoffice.sandbox.generator.draft import Draft
from backoffice.sandbox.generator.goods import specs
from backoffice.sandbox.generator.limits import FUTURE_CALENDAR_DAYS
from backoffice.sandbox.generator.model import Kind
from backoffice.sandbox.generator.plants.plant import Plant, altered
from backoffice.sandbox.generator.scene import Scene, Story
from backoffice.sandbox.generator.ubl import render
from backoffice.sandbox.generator.world import Mail, packed

Damage = Callable[[bytes], bytes]

_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n"
    b"trailer<</Root 1 0 R/Size 4>>\n% synthetic data, sandbox company\n%%EOF\n"
)
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_NOTE = b"<cbc:Note>"


def _receive_mail(
    scene: Scene, content: bytes, draft: Draft, fault: str, *, kind: Kind, filename: str | None = None
) -> None:
    data, size, sha256 = packed(content)
    pdf = content.startswith(b"%PDF")
    scene.world.add_mail(
        Mail(
            arrived=scene.at(scene.chance.whole(6, scene.last), 8, 14),
            filename=filename or scene.filename(draft),
            media_type="application/pdf" if pdf else "application/xml",
            size=size,
            sha256=sha256,
            packed=data,
            sender=draft.supplier.supplier_id,
            scenario=scene.scenario,
            supplier_id=draft.supplier_id,
            invoice_number=None if kind == "unreadable" else (draft.number or None),
            kind=kind,
            lines=(),
            faults=(altered(fault, "document", None, None),),
            codes=(),
            outcome="quarantined",
        )
    )


def _faultless(scene: Scene) -> tuple[Story, Draft]:
    story = scene.bought(specs(scene.chance, scene.chance.whole(1, 2)))
    return story, scene.bill(story)


def _damaged(scene: Scene, fault: str, damage: Damage, kind: Kind = "unreadable") -> None:
    """A right document whose bytes were damaged."""
    _, draft = _faultless(scene)
    content = render(draft)
    damaged = damage(content)
    if damaged == content:
        raise ValueError(f"{fault}: the document is not damaged")
    _receive_mail(scene, damaged, draft, fault, kind=kind)


def _cut(content: bytes) -> bytes:
    return content[: len(content) * 6 // 10]


def _end_tag_lost(content: bytes) -> bytes:
    return content.replace(b"</cac:TaxTotal>", b"", 1)


def _other_root(content: bytes) -> bytes:
    return (
        content.replace(b"<Invoice ", b"<Reminder ")
        .replace(b"</Invoice>", b"</Reminder>")
        .replace(b":Invoice-2", b":Reminder-2")
    )


def _with_doctype(doctype: str, entity: str) -> Damage:
    def damage(content: bytes) -> bytes:
        body = content.removeprefix(_DECLARATION).replace(_NOTE, _NOTE + f"&{entity};".encode(), 1)
        return _DECLARATION + doctype.encode() + b"\n" + body

    return damage


_BOMB = "<!DOCTYPE Invoice [<!ENTITY e0 'padding'>{}]>".format(
    "".join(f"<!ENTITY e{level} '{f'&e{level - 1};' * 10}'>" for level in range(1, 10))
)
_OUTSIDE = "<!DOCTYPE Invoice [<!ENTITY outside SYSTEM 'file:///etc/hostname'>]>"


def _text_of(tag: str, text: str) -> Damage:
    """Put a text where a number or a date belongs."""
    pattern = re.compile(rf"(<cbc:{tag}[^>]*>)[^<]*".encode())

    def damage(content: bytes) -> bytes:
        return pattern.sub(lambda found: found.group(1) + text.encode(), content, count=1)

    return damage


def _unknown_currency(scene: Scene) -> None:
    _, draft = _faultless(scene)
    draft.currency = scene.chance.pick(("EUX", "QQQ"))
    _receive_mail(scene, render(draft), draft, "CURRENCY_UNKNOWN", kind="invoice")


def _without_number(scene: Scene) -> None:
    _, draft = _faultless(scene)
    draft.number = ""
    _receive_mail(scene, render(draft), draft, "NUMBER_MISSING", kind="invoice", filename="scan0001.xml")


def _dated_ahead(scene: Scene, days: int) -> None:
    _, draft = _faultless(scene)
    draft.issued = scene.world.anchor + timedelta(days=days)
    draft.due = draft.issued + timedelta(days=30)
    _receive_mail(scene, render(draft), draft, "DATE_FUTURE", kind="invoice")


def _without_lines(scene: Scene) -> None:
    _, draft = _faultless(scene)
    draft.lines = []
    _receive_mail(scene, render(draft), draft, "NO_LINES", kind="invoice")


def _pdf(scene: Scene) -> None:
    """A PDF without data; a comment at its end makes each its own."""
    _, draft = _faultless(scene)
    content = _PDF + f"% {draft.number}\n".encode()
    _receive_mail(scene, content, draft, "PDF", kind="unreadable", filename="Rechnung.pdf")


def _empty(scene: Scene) -> None:
    """A file of no bytes; the next ones are empty lines, since the same bytes would be known already."""
    _, draft = _faultless(scene)
    content = b"\n" * scene.world.blank_files()
    _receive_mail(scene, content, draft, "EMPTY", kind="unreadable", filename="invoice.xml")


def _damage(
    name: str, fault: str, damage: Damage, kind: Kind = "unreadable", *, first: bool = False
) -> Plant:
    story = partial(_damaged, fault=fault, damage=damage, kind=kind)
    return Plant(name, story, quarantined=1, first=first)


PLANTS = (
    _damage("broken_xml", "XML_BROKEN", _end_tag_lost, first=True),
    _damage("truncated_xml", "XML_TRUNCATED", _cut, first=True),
    _damage("wrong_root", "ROOT_UNKNOWN", _other_root),
    Plant("pdf", _pdf, quarantined=1, first=True),
    Plant("unknown_currency", _unknown_currency, quarantined=1, first=True),
    Plant("without_number", _without_number, quarantined=1, first=True),
    _damage(
        "payable_with_comma", "AMOUNT_NOT_A_NUMBER", _text_of("PayableAmount", "12,50"), "invoice", first=True
    ),
    _damage("net_with_comma", "AMOUNT_NOT_A_NUMBER", _text_of("LineExtensionAmount", "1.012,50"), "invoice"),
    _damage("quantity_in_words", "QUANTITY_NOT_A_NUMBER", _text_of("InvoicedQuantity", "zehn"), "invoice"),
    _damage("date_not_a_date", "DATE_NOT_A_DATE", _text_of("IssueDate", "31.02.2026"), "invoice"),
    Plant("dated_ahead", partial(_dated_ahead, days=FUTURE_CALENDAR_DAYS + 1), quarantined=1, first=True),
    Plant("dated_next_year", partial(_dated_ahead, days=366), quarantined=1),
    _damage("entity_bomb", "DOCTYPE", _with_doctype(_BOMB, "e9"), first=True),
    _damage("entity_outside", "DOCTYPE", _with_doctype(_OUTSIDE, "outside"), first=True),
    Plant("empty_file", _empty, quarantined=1),
    Plant("without_lines", _without_lines, quarantined=1, first=True),
)
