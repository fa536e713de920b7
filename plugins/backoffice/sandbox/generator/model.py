"""What the sandbox company consists of: frozen records; money and quantities are Decimal, time is UTC."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Mix = Literal["clean", "realistic"]
Outcome = Literal["approve", "wait", "review", "quarantined", "already_known"]
Kind = Literal["invoice", "credit_note", "unreadable"]

OUTCOMES: tuple[Outcome, ...] = ("approve", "wait", "review", "quarantined", "already_known")


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier as the ERP's master data knows it."""

    supplier_id: str
    name: str
    vat_id: str
    iban: str
    supplier_group: str | None
    country: str
    city: str
    currency: str
    payment_terms_days: int
    blocked: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One version of one order line; ``superseded_at`` is the moment the next version replaced it."""

    entity: str
    po_number: str
    po_line: str
    supplier_id: str
    currency: str
    item: str
    description: str
    category: str
    quantity: Decimal
    uom: str
    unit_price: Decimal
    price_base_quantity: Decimal
    tax_rate: Decimal
    match_type: int
    gr_based: bool
    order_date: date
    status: str
    approved: bool
    buyer: str
    requester: str
    created_by: str
    version: int
    updated_at: datetime
    superseded_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Order number and line number."""
        return (self.po_number, self.po_line)

    @property
    def value(self) -> Decimal:
        """Ordered value of the line: 400 at 250.00 per 100 are 1000.00."""
        return self.quantity * self.unit_price / self.price_base_quantity


@dataclass(frozen=True, slots=True)
class Receipt:
    """One line of a goods receipt; a negative quantity is a return, or with ``reverses`` a cancellation."""

    entity: str
    receipt_number: str
    receipt_line: str
    po_number: str
    po_line: str
    supplier_id: str
    quantity: Decimal
    uom: str
    received_at: datetime
    reverses: tuple[str, str] | None
    receiver: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Document:
    """One message in the invoice mailbox; its bytes are kept packed and unpacked when read."""

    message_id: str
    entity: str
    supplier_id: str | None
    filename: str
    media_type: str
    size: int
    sha256: str
    updated_at: datetime
    packed: bytes

    @property
    def content(self) -> bytes:
        """The document exactly as it was sent."""
        return zlib.decompress(self.packed)


@dataclass(frozen=True, slots=True)
class Fault:
    """One value that was altered, or set beside a limit, on purpose.

    ``by`` is the alteration, ``limit`` the generator's own literal limit in ``unit``, ``distance`` how far
    beyond the limit the value lies (negative: within it). Text for numbers, so that nothing is rounded.
    """

    name: str
    field: str
    original: str | None
    altered: str | None
    by: str | None = None
    limit: str | None = None
    unit: str | None = None
    distance: str | None = None

    @property
    def side(self) -> str | None:
        """On which side of its limit the value lies: below, at or above."""
        if self.distance is None:
            return None
        distance = Decimal(self.distance)
        return "at" if distance == 0 else ("above" if distance > 0 else "below")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that became visible in its system at a moment and bears on a line."""

    what: str
    reference: str
    quantity: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Label:
    """What was planted in one document (``line`` is None) or one of its lines, and what must come of it."""

    message_id: str
    supplier_id: str | None
    invoice_number: str | None
    sha256: str
    kind: Kind
    line: str | None
    scenario: str
    faults: tuple[Fault, ...]
    arrived: tuple[Arrival, ...]
    expected_codes: tuple[str, ...]
    expected_outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Company:
    """A whole generated company, in the order in which its records became visible."""

    seed: int
    size: int
    mix: Mix
    anchor: date
    entity: str
    currency: str
    suppliers: tuple[Supplier, ...]
    order_lines: tuple[OrderLine, ...]
    receipts: tuple[Receipt, ...]
    documents: tuple[Document, ...]
    labels: tuple[Label, ...]
