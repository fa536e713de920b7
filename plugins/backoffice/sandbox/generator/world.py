"""Everything that happens in the company while it is being generated, before it is put in order."""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime

from backoffice.sandbox.generator.days import Days
from backoffice.sandbox.generator.draft import Draft
from backoffice.sandbox.generator.model import (
    Arrival,
    Document,
    Fault,
    Kind,
    Label,
    OrderLine,
    Outcome,
    Receipt,
    Supplier,
)
from backoffice.sandbox.generator.numbering import NumberRange
from backoffice.sandbox.generator.ubl import plain

_ORDERS_FROM = 4500000000
_RECEIPTS_FROM = 5000000000


@dataclass(frozen=True, slots=True)
class PlantedLine:
    """What the label of one line will say."""

    number: str
    order_key: tuple[str, str] | None
    faults: tuple[Fault, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mail:
    """One document on its way into the mailbox, with what its labels will say."""

    arrived: datetime
    filename: str
    media_type: str
    size: int
    sha256: str
    packed: bytes
    sender: str
    scenario: str
    supplier_id: str | None
    invoice_number: str | None
    kind: Kind
    lines: tuple[PlantedLine, ...]
    faults: tuple[Fault, ...]
    codes: tuple[str, ...]
    outcome: Outcome


class World:
    """Collects orders, receipts and mail of all plantings and hands out the numbers they use."""

    def __init__(
        self, seed: int, anchor: date, entity: str, currency: str, suppliers: list[Supplier], days: Days
    ) -> None:
        self.seed = seed
        self.anchor = anchor
        self.entity = entity
        self.currency = currency
        self.days = days
        self.suppliers = suppliers
        self.active = [supplier for supplier in suppliers if not supplier.blocked]
        self.numbers = {supplier.supplier_id: NumberRange(at) for at, supplier in enumerate(suppliers)}
        self._versions: dict[tuple[str, str], list[OrderLine]] = {}
        self._receipts: list[Receipt] = []
        self._mail: list[Mail] = []
        self._orders = 0
        self._deliveries = 0
        self._blanks = 0

    def order_number(self) -> str:
        """The next order number."""
        self._orders += 1
        return str(_ORDERS_FROM + self._orders)

    def receipt_number(self) -> str:
        """The next receipt number."""
        self._deliveries += 1
        return str(_RECEIPTS_FROM + self._deliveries)

    def blank_files(self) -> int:
        """How many blank files came before; so each can be a line longer than the last."""
        self._blanks += 1
        return self._blanks - 1

    def add_order_line(self, line: OrderLine) -> None:
        """Record an order line, or the next version of one."""
        versions = self._versions.setdefault(line.key, [])
        if versions:
            versions[-1] = replace(versions[-1], superseded_at=line.updated_at)
        versions.append(line)

    def add_receipt(self, receipt: Receipt) -> None:
        """Record a receipt line."""
        self._receipts.append(receipt)

    def add_mail(self, mail: Mail) -> None:
        """Record a document that was sent."""
        self._mail.append(mail)

    def order_lines(self) -> tuple[OrderLine, ...]:
        """All versions of all order lines, oldest first."""
        lines = [line for versions in self._versions.values() for line in versions]
        return tuple(sorted(lines, key=lambda line: (line.updated_at, line.key)))

    def receipts(self) -> tuple[Receipt, ...]:
        """All receipt lines, oldest first."""
        return tuple(
            sorted(self._receipts, key=lambda line: (line.updated_at, line.receipt_number, line.receipt_line))
        )

    def paper(self) -> tuple[tuple[Document, ...], tuple[Label, ...]]:
        """The mailbox in order of arrival, and the labels: per document its own record, then its lines'."""
        arrivals = self._arrivals()
        documents: list[Document] = []
        labels: list[Label] = []
        for at, mail in enumerate(sorted(self._mail, key=lambda mail: mail.arrived), start=1):
            message_id = f"M{at:07d}"
            documents.append(self._document(mail, message_id))
            labels += _labels(mail, message_id, arrivals)
        return tuple(documents), tuple(labels)

    def _document(self, mail: Mail, message_id: str) -> Document:
        return Document(
            message_id,
            self.entity,
            mail.sender,
            mail.filename,
            mail.media_type,
            mail.size,
            mail.sha256,
            mail.arrived,
            mail.packed,
        )

    def _arrivals(self) -> dict[tuple[str, str], tuple[Arrival, ...]]:
        found: defaultdict[tuple[str, str], list[Arrival]] = defaultdict(list)
        for key, versions in self._versions.items():
            for line in versions:
                what = "order" if line.version == 1 else "order_change"
                found[key].append(Arrival(what, "/".join(key), plain(line.quantity), line.updated_at))
        for receipt in self._receipts:
            what = "receipt" if receipt.quantity > 0 else ("reversal" if receipt.reverses else "return")
            reference = f"{receipt.receipt_number}/{receipt.receipt_line}"
            found[receipt.po_number, receipt.po_line].append(
                Arrival(what, reference, plain(receipt.quantity), receipt.updated_at)
            )
        return {key: tuple(sorted(items, key=lambda item: item.at)) for key, items in found.items()}


def _labels(mail: Mail, message_id: str, arrivals: dict[tuple[str, str], tuple[Arrival, ...]]) -> list[Label]:
    def label(
        line: str | None,
        faults: tuple[Fault, ...],
        arrived: tuple[Arrival, ...],
        codes: tuple[str, ...],
        outcome: Outcome | None,
    ) -> Label:
        return Label(
            message_id,
            mail.supplier_id,
            mail.invoice_number,
            mail.sha256,
            mail.kind,
            line,
            mail.scenario,
            faults,
            arrived,
            tuple(sorted(codes)),
            outcome,
        )

    came = Arrival("document", message_id, None, mail.arrived)
    labels = [label(None, mail.faults, (came,), mail.codes, mail.outcome)]
    for line in mail.lines:
        bearing = arrivals.get(line.order_key, ()) if line.order_key else ()
        labels.append(label(line.number, line.faults, bearing, line.codes, None))
    return labels


def packed(content: bytes) -> tuple[bytes, int, str]:
    """Packed bytes, size and SHA-256 of a document."""
    return zlib.compress(content, 1), len(content), hashlib.sha256(content).hexdigest()


def mail_of(
    draft: Draft, content: bytes, arrived: datetime, filename: str, scenario: str, outcome: Outcome
) -> Mail:
    """The mail that carries a draft's bytes, with its labels taken from what was planted in the draft."""
    data, size, sha256 = packed(content)
    lines = tuple(
        PlantedLine(line.number, line.order_key, tuple(line.faults), tuple(line.codes))
        for line in draft.lines
    )
    return Mail(
        arrived,
        filename,
        "application/xml",
        size,
        sha256,
        data,
        draft.supplier.supplier_id,
        scenario,
        draft.supplier_id,
        draft.number,
        draft.kind,
        lines,
        tuple(draft.faults),
        tuple(draft.codes),
        outcome,
    )
