"""Turn joined rows of an extract into staged records and invoices; rows that nothing uses into quarantined
ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import groupby, islice
from typing import Any

from psycopg import sql

from backoffice.domain.canonical import content_hash
from backoffice.domain.einvoice_model import EInvoice
from backoffice.domain.extract_field import make_fields
from backoffice.domain.extract_profile import ExtractProfile, Records, Table
from backoffice.domain.extract_record import (
    EXTRACT_LINE,
    EXTRACT_SPECS,
    envelope_of,
    header_of,
    line_of,
)
from backoffice.domain.record import Record, read_record
from backoffice.domain.typed_value import Defect, printed
from backoffice.operators.ingest_einvoices import EInvoiceStage
from backoffice.operators.ingest_extract_join import (
    HEADER_ROW,
    error_column,
    joined_rows,
    left_over_rows,
    row_column,
)
from backoffice.operators.ingest_load import Connection

SYNTAX = "extract"
_FETCH = 2_000
JoinedRow = dict[str, Any]


def read_records(
    connection: Connection, profile: ExtractProfile, number: int, records: Records
) -> Iterator[Record]:
    """Yield the typed records of one entry of the profile."""
    spec = EXTRACT_SPECS[records.dataset]
    for row in _fetch(connection, joined_rows(profile, number, records), f"records_{number}"):
        fields, refused = make_fields(records.fields, row)
        yield read_record(spec, fields, (*_join_defects(profile, records, row), *refused))


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Yield records some thousand at a time: a connection reads or copies, never both at once."""
    remaining = iter(records)
    while batch := list(islice(remaining, _FETCH)):
        yield batch


def share_of(records: Records) -> Callable[[Record], Decimal | None] | None:
    """Return how a record's share of the control total is read: the profile's field, or None for the usual
    way.
    """
    if records.control is None:
        return None
    name = records.control

    def share(record: Record) -> Decimal | None:
        value = record.values[name]
        return value if isinstance(value, Decimal) else None

    return share


def stage_invoices(
    connection: Connection,
    stage: EInvoiceStage,
    profile: ExtractProfile,
    numbers: tuple[int, int],
    records: Records,
    document_id: int,
) -> None:
    """Stage the invoices of one entry with their lines, header by header in constant memory.

    :param numbers: Numbers of the joined rows of headers and of lines.
    """
    lines = records.lines
    if lines is None:
        raise ValueError("an entry of invoices has lines")
    by_header = _lines_by_header(connection, profile, numbers[1], lines)
    waiting = next(by_header, None)
    for row in _fetch(connection, _by_row_number(profile, numbers[0], records), f"records_{numbers[0]}"):
        own: list[Record] = []
        if waiting is not None and waiting[0] == row[row_column(records.rows)]:
            own, waiting = waiting[1], next(by_header, None)
        _stage_invoice(stage, profile, records, row, own, document_id)


def _stage_invoice(
    stage: EInvoiceStage,
    profile: ExtractProfile,
    records: Records,
    row: JoinedRow,
    own: list[Record],
    document_id: int,
) -> None:
    fields, refused = make_fields(records.fields, row)
    no_line = () if own else (Defect("lines", None, "the document has no line in the extract"),)
    header = read_record(
        EXTRACT_SPECS["invoices"], fields, (*_join_defects(profile, records, row), *refused, *no_line)
    )
    identity = content_hash([header.content_hash.hex(), *(line.content_hash.hex() for line in own)])
    lines = tuple(line_of(line, position) for position, line in enumerate(own, start=1))
    invoice = EInvoice(SYNTAX, header_of(header), lines)
    stage.stage(
        document_id,
        identity,
        envelope_of(header),
        invoice,
        header.defects,
        duplicates_evaluable=profile.duplicates_evaluable,
    )


def _lines_by_header(
    connection: Connection, profile: ExtractProfile, number: int, lines: Records
) -> Iterator[tuple[int, list[Record]]]:
    """Yield the number of a header's row and its lines, in order of that number."""
    rows = _fetch(connection, joined_rows(profile, number, lines), f"records_{number}")
    for header_row, group in groupby(rows, key=lambda row: int(row[HEADER_ROW])):
        read = []
        for row in group:
            fields, refused = make_fields(lines.fields, row)
            read.append(read_record(EXTRACT_LINE, fields, (*_join_defects(profile, lines, row), *refused)))
        yield header_row, read


def left_over_records(connection: Connection, table: Table) -> Iterator[Record]:
    """Yield each row of a table that no record uses as a record of nothing with the reason."""
    spec = EXTRACT_SPECS[table.left_over]
    for row in _fetch(connection, left_over_rows(table), f"left_over_{table.name}"):
        shown = ", ".join(f"{column}={row[column]}" for column in table.columns)
        if row["repeats"]:
            reason = f"row {row['row_no']} repeats the key ({', '.join(table.key)}) of an earlier row"
        else:
            reason = f"row {row['row_no']} belongs to no record of this extract"
        defects = [Defect(table.file, printed(shown), reason)]
        if row["row_error"] is not None:
            defects.append(Defect(table.file, printed(shown), f"row {row['row_no']}: {row['row_error']}"))
        # the whole row is its identity (what is shown may be cut), not its place in the file
        identity = content_hash([table.file, *(row[column] for column in table.columns)])
        yield Record(dict.fromkeys(spec.fields), tuple(defects), identity)


def stage_left_over_invoices(
    connection: Connection, stage: EInvoiceStage, table: Table, document_id: int
) -> None:
    """Stage the rows of a table that no invoice uses, each as a document of its own with the reason."""
    for record in left_over_records(connection, table):
        stage.stage(
            document_id,
            record.content_hash,
            envelope_of(record),
            EInvoice(SYNTAX, header_of(record)),
            record.defects,
        )


def _join_defects(profile: ExtractProfile, records: Records, row: JoinedRow) -> tuple[Defect, ...]:
    """Return what is wrong with the rows that were joined, and which required ones are not there."""
    defects = []
    for name in (records.rows, *(join.table for join in records.joins)):
        if row[error_column(name)] is not None:
            number = row[row_column(name)]
            defects.append(
                Defect(profile.tables[name].file, None, f"row {number}: {row[error_column(name)]}")
            )
    for join in records.joins:
        if join.required and row[row_column(join.table)] is None:
            key = ", ".join(f"{own}={row[theirs]}" for own, theirs in join.on)
            defects.append(Defect(profile.tables[join.table].file, printed(key), "has no such row"))
    return tuple(defects)


def _by_row_number(profile: ExtractProfile, number: int, records: Records) -> sql.Composed:
    return sql.SQL("SELECT * FROM ({}) AS headers ORDER BY {}").format(
        joined_rows(profile, number, records), sql.Identifier(row_column(records.rows))
    )


def _fetch(connection: Connection, statement: sql.Composed, name: str) -> Iterator[JoinedRow]:
    """Yield the rows of a statement by name of column, a few thousand at a time."""
    with connection.cursor(name=name) as cursor:
        cursor.itersize = _FETCH
        cursor.execute(statement)
        names = [column.name for column in cursor.description or ()]
        for values in cursor:
            yield dict(zip(names, values, strict=True))
