"""Stage e-invoices, however they arrived: raw bytes kept, parsed, one staging row per document with its
lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import psycopg

from backoffice.domain.einvoice import PARSER, parse_einvoice
from backoffice.domain.einvoice_model import EInvoice, InvoiceHeader, InvoiceLine, InvoiceTax, unreadable
from backoffice.domain.record import Record, RecordSpec, read_record
from backoffice.domain.typed_value import Defect, Moment, Text, Whole
from backoffice.hooks.ledger import copy_rows
from backoffice.operators.ingest_document import store_document
from backoffice.operators.ingest_records import defects_column

EINVOICE_PARSER = PARSER
_BATCH_LINES = 5_000
_BATCH_DOCUMENTS = 200
MESSAGE = RecordSpec(
    {
        "message_id": Text(),
        "received_at": Moment(),
        "filename": Text(500),
        "media_type": Text(),
        "entity": Text(),
        "size": Whole(0, 2**53),
        "sha256": Text(64),
        "href": Text(2_000),
        "updated_at": Moment(),
    }
)
_ENVELOPE = ("message_id", "filename", "media_type", "received_at", "entity", "updated_at")
_MUST_HAVE = ("message_id", "received_at", "entity")
_HEADER_FIELDS = tuple(column.name for column in fields(InvoiceHeader))
_LINE_FIELDS = tuple(column.name for column in fields(InvoiceLine) if column.name != "defects")
_TAX_FIELDS = tuple(column.name for column in fields(InvoiceTax) if column.name != "defects")
_HEADER_COLUMNS = (
    *("load_id", "row_no", "document_id", "content_hash", "defects", "control_amount"),
    *_ENVELOPE,
    *("syntax", "line_count", "duplicates_evaluable"),
    *_HEADER_FIELDS,
)
_LINE_COLUMNS = ("load_id", "row_no", "invoice_row_no", "defects", *_LINE_FIELDS)
_TAX_COLUMNS = ("load_id", "row_no", "invoice_row_no", "defects", *_TAX_FIELDS)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A document and how it arrived.

    :param envelope: The message's own fields, read by :data:`MESSAGE`.
    :param content: The bytes; None if there are none to keep (not there any more, too large).
    :param media_type: What the source calls the bytes.
    :param problem: What is wrong with the bytes as they arrived; None if nothing.
    """

    envelope: Record
    content: bytes | None
    media_type: str
    problem: str | None = None


def read_envelope(item: object) -> Record:
    """Return the fields of one message; what a document cannot be booked without is a defect if it is
    missing.
    """
    record = read_record(MESSAGE, item)
    named = {defect.field for defect in record.defects}
    missing = tuple(
        Defect(name, None, "missing")
        for name in _MUST_HAVE
        if record.values[name] is None and name not in named
    )
    return Record(record.values, (*record.defects, *missing), record.content_hash)


@dataclass(slots=True)
class EInvoiceStage:
    """Stages e-invoices of one load in the order in which they come; memory follows the largest document.

    :param documents: Documents staged so far.
    :param with_defects: Documents of these with a defect in header, lines or VAT breakdown.
    """

    connection: psycopg.Connection[tuple[Any, ...]]
    load_id: int
    documents: int = 0
    with_defects: int = 0
    _lines: int = 0
    _taxes: int = 0
    _batch: list[tuple[int, tuple[object, ...], EInvoice]] = field(default_factory=list)

    def add(self, arrival: Arrival) -> None:
        """Keep the document's bytes and stage what they say. A document that cannot be read is staged as
        well.
        """
        document_id = None
        if arrival.content is None:
            invoice = unreadable(arrival.problem or "the document is not there")
            identity = arrival.envelope.content_hash
        else:
            document_id = store_document(self.connection, arrival.content, arrival.media_type)
            invoice = parse_einvoice(arrival.content)
            identity = hashlib.sha256(arrival.content).digest()
        problem = (
            (Defect("content", None, arrival.problem),)
            if arrival.content is not None and arrival.problem
            else ()
        )
        defects = (*arrival.envelope.defects, *problem, *invoice.defects)
        self.stage(document_id, identity, arrival.envelope, invoice, defects)

    def stage(
        self,
        document_id: int | None,
        identity: bytes,
        envelope: Record,
        invoice: EInvoice,
        defects: Sequence[Defect],
        *,
        duplicates_evaluable: bool = True,
    ) -> None:
        """Stage one invoice as read, from whatever source."""
        self.documents += 1
        self.with_defects += bool(defects) or bool(invoice.all_defects())
        header = (
            self.load_id,
            self.documents,
            document_id,
            identity,
            defects_column(defects),
            invoice.header.gross_total,
            *(envelope.values[name] for name in _ENVELOPE),
            invoice.syntax,
            len(invoice.lines),
            duplicates_evaluable,
            *(getattr(invoice.header, name) for name in _HEADER_FIELDS),
        )
        self._batch.append((self.documents, header, invoice))
        if (
            len(self._batch) >= _BATCH_DOCUMENTS
            or sum(len(one.lines) for _, _, one in self._batch) >= _BATCH_LINES
        ):
            self.flush()

    def flush(self) -> None:
        """Write what is waiting. To be called once after the last document."""
        copy_rows(
            self.connection, "intake.stage_invoice", _HEADER_COLUMNS, (header for _, header, _ in self._batch)
        )
        copy_rows(self.connection, "intake.stage_invoice_line", _LINE_COLUMNS, self._line_rows())
        copy_rows(self.connection, "intake.stage_invoice_tax", _TAX_COLUMNS, self._tax_rows())
        self._batch.clear()

    def _line_rows(self) -> Iterator[tuple[object, ...]]:
        for invoice_row, _, invoice in self._batch:
            for line in invoice.lines:
                self._lines += 1
                values = (getattr(line, name) for name in _LINE_FIELDS)
                yield (self.load_id, self._lines, invoice_row, defects_column(line.defects), *values)

    def _tax_rows(self) -> Iterator[tuple[object, ...]]:
        for invoice_row, _, invoice in self._batch:
            for tax in invoice.taxes:
                self._taxes += 1
                values = (getattr(tax, name) for name in _TAX_FIELDS)
                yield (self.load_id, self._taxes, invoice_row, defects_column(tax.defects), *values)
