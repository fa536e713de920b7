"""The company's systems with all that they hold, and the switches with which a test disturbs them."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from backoffice.sandbox.generator.model import Company, Document, OrderLine, Receipt, Supplier
from backoffice.sandbox.server.clock import SandboxClock
from backoffice.sandbox.server.datasets import Dataset, Record
from backoffice.sandbox.server.items import message_item, order_item, receipt_item, supplier_item

Service = Literal["erp", "warehouse", "mailbox"]
Mode = Literal["down", "slow", "truncate", "wrong_totals", "none"]


@dataclass(slots=True)
class Outage:
    """A disturbance of one service; ``requests`` is how many calls it still hits, None for all."""

    mode: Mode
    seconds: float = 0.0
    requests: int | None = None


class Systems:
    """ERP, warehouse and mailbox of one company.

    :param clock: Decides what can be seen.
    """

    def __init__(self, company: Company, clock: SandboxClock) -> None:
        self.company = company
        self.clock = clock
        self.outages: dict[str, Outage] = {}
        self.calls: Counter[str] = Counter()
        self.outbox: list[dict[str, Any]] = []
        self.outbox_keys: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self._injected: dict[str, Document] = {}
        self._documents = {document.message_id: document for document in company.documents}
        self.datasets = {
            "suppliers": Dataset(map(_supplier_record, company.suppliers), supplier_item, totalled=False),
            "orders": Dataset(map(_order_record, company.order_lines), order_item),
            "receipts": Dataset(map(_receipt_record, company.receipts), receipt_item),
            "messages": Dataset(map(_message_record, company.documents), message_item),
        }

    def reset(self) -> None:
        """Forget outages, counts, sent messages and injected documents; the clock stays."""
        self.outages.clear()
        self.calls.clear()
        self.outbox.clear()
        self.outbox_keys.clear()
        self._injected.clear()
        self.datasets["messages"] = Dataset(map(_message_record, self.company.documents), message_item)

    def document(self, message_id: str) -> Document | None:
        """The message, if it has arrived by now."""
        found = self._documents.get(message_id) or self._injected.get(message_id)
        return found if found is not None and found.updated_at <= self.clock.now() else None

    def inject(self, content: bytes, filename: str, media_type: str, supplier_id: str | None) -> Document:
        """Put a document into the mailbox now."""
        document = Document(
            message_id=f"X{len(self._injected) + 1:07d}",
            entity=self.company.entity,
            supplier_id=supplier_id,
            filename=filename,
            media_type=media_type,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            updated_at=self.clock.stamp(),
            packed=zlib.compress(content, 1),
        )
        self._injected[document.message_id] = document
        self.datasets["messages"].add(_message_record(document))
        return document

    def outage(self, service: str) -> Outage | None:
        """The disturbance that hits this call, if any; counts down those that are limited."""
        outage = self.outages.get(service)
        if outage is None or outage.requests is None:
            return outage
        outage.requests -= 1
        if outage.requests <= 0:
            del self.outages[service]
        return outage


def _supplier_record(supplier: Supplier) -> Record:
    return Record(supplier.updated_at, supplier.supplier_id, None, None, supplier.supplier_id, None, supplier)


def _order_record(line: OrderLine) -> Record:
    return Record(
        line.updated_at,
        "/".join(line.key),
        line.superseded_at,
        line.entity,
        line.supplier_id,
        line.value,
        line,
    )


def _receipt_record(receipt: Receipt) -> Record:
    return Record(
        receipt.updated_at,
        f"{receipt.receipt_number}/{receipt.receipt_line}",
        None,
        receipt.entity,
        receipt.supplier_id,
        receipt.quantity,
        receipt,
    )


def _message_record(document: Document) -> Record:
    return Record(
        document.updated_at,
        document.message_id,
        None,
        document.entity,
        document.supplier_id,
        Decimal(document.size),
        document,
    )
