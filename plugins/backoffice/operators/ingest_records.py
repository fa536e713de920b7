"""Stage records of orders, receipts and suppliers: one staging row per row of the source, typed or with
defects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from backoffice.domain.record import Record, RecordSpec
from backoffice.domain.source_record import (
    ORDER_LINE,
    RECEIPT_LINE,
    SUPPLIER,
    nothing_to_total,
    ordered_value,
    receipt_item,
    received_quantity,
)
from backoffice.domain.typed_value import Defect
from backoffice.hooks.ledger import copy_rows

RECORD_PARSER = "record-json/1"
_ROW = ("load_id", "row_no", "document_id", "content_hash", "defects", "control_amount")


@dataclass(frozen=True, slots=True)
class RecordDataset:
    """How one dataset of records is read and staged.

    :param item: Brings an item of the source's API to fields by name.
    :param control_amount: A row's share of the control total; None if it cannot be known.
    """

    table: str
    spec: RecordSpec
    item: Callable[[object], object]
    control_amount: Callable[[Record], Decimal | None]


def _as_sent(item: object) -> object:
    return item


RECORD_DATASETS = {
    "suppliers": RecordDataset("intake.stage_supplier", SUPPLIER, _as_sent, nothing_to_total),
    "orders": RecordDataset("intake.stage_order_line", ORDER_LINE, _as_sent, ordered_value),
    "receipts": RecordDataset("intake.stage_receipt_line", RECEIPT_LINE, receipt_item, received_quantity),
}


@dataclass(slots=True)
class RecordStage:
    """Stages records of one load in the order in which they come, in constant memory.

    :param load_id: The open load.
    :param rows: Rows staged so far; the number of a row counts on over pages and tables.
    :param with_defects: Rows of these with at least one defect.
    """

    connection: psycopg.Connection[tuple[Any, ...]]
    load_id: int
    dataset: RecordDataset
    rows: int = 0
    with_defects: int = 0
    _columns: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._columns = (*_ROW, *self.dataset.spec.fields)

    def add(
        self,
        records: Iterable[Record],
        document_id: int | None,
        amount: Callable[[Record], Decimal | None] | None = None,
    ) -> int:
        """Stage ``records``, all of which were read from the kept document; return how many there were."""
        share = amount or self.dataset.control_amount
        return copy_rows(
            self.connection, self.dataset.table, self._columns, self._rows(records, document_id, share)
        )

    def _rows(
        self, records: Iterable[Record], document_id: int | None, share: Callable[[Record], Decimal | None]
    ) -> Iterator[tuple[object, ...]]:
        fields = tuple(self.dataset.spec.fields)
        for record in records:
            self.rows += 1
            self.with_defects += bool(record.defects)
            yield (
                self.load_id,
                self.rows,
                document_id,
                record.content_hash,
                defects_column(record.defects),
                share(record),
                *(record.values[name] for name in fields),
            )


def defects_column(defects: Iterable[Defect]) -> Jsonb | None:
    """Return defects as they stand in a staging row; None if there are none."""
    listed = [defect.as_json() for defect in defects]
    return Jsonb(listed) if listed else None
