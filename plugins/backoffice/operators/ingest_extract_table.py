"""Bring the CSV files of an extract into temporary tables, as text, row by row, with what is wrong with a
row.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from backoffice.domain.extract_profile import ExtractProfile, Table
from backoffice.domain.typed_value import printed
from backoffice.exceptions import ConfigurationError, SourceUnavailableError
from backoffice.operators.ingest_document import store_document
from backoffice.operators.ingest_load import Connection

EXTRACT_PARSER = "extract-csv/1"
MAX_FILE_BYTES = 512 * 1024 * 1024
_FIELD_LENGTH = 131_072
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """A table of the extract in the session's temporary table, and its kept file."""

    table: Table
    document_id: int
    rows: int


def temporary(name: str) -> sql.Identifier:
    """Return the name of the temporary table that holds a table of the extract."""
    return sql.Identifier(f"extract_{name}")


def read_files(profile: ExtractProfile, folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the file of each table, and every other file of the folder with the reason why it is not used.

    :raises ConfigurationError: The folder or a file of the profile is not there.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{str(folder)!r} is no folder; create it or correct the operator's folder")
    present = {path.name: path for path in sorted(folder.iterdir())}
    wanted = {table.file: name for name, table in profile.tables.items()}
    missing = sorted(file for file in wanted if file not in present or not present[file].is_file())
    if missing:
        raise ConfigurationError(
            f"{folder} has no {', '.join(missing)}, which the profile {profile.name} reads"
        )
    others = {printed(name) or "": name for name in present if name not in wanted}
    unknown = "not known to the profile"
    not_used = {shown: profile.not_used_files.get(name, unknown) for shown, name in others.items()}
    return {wanted[file]: present[file] for file in wanted}, not_used


def load_table(connection: Connection, table: Table, path: Path) -> LoadedTable:
    """Keep the file's bytes and copy its rows into the session's temporary table.

    Every line after the header becomes a row: one with too few or too many columns, or with bytes that are
    no UTF-8, is copied as far as it can be read, with the reason in ``row_error``.

    :raises ConfigurationError: The header does not name the profile's columns, or the file is too large.
    :raises SourceUnavailableError: The file cannot be read now.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ConfigurationError(
                f"{path.name} has {size} bytes, the limit is {MAX_FILE_BYTES}; split the extract"
            )
        content = path.read_bytes()
    except OSError as error:
        raise SourceUnavailableError(f"{path} cannot be read: {error.strerror}") from error
    document_id = store_document(connection, content, "text/csv")
    columns = [sql.SQL("{} text").format(sql.Identifier(name)) for name in table.columns]
    connection.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE {} (row_no bigint PRIMARY KEY, row_error text, {}) ON COMMIT DROP"
        ).format(temporary(table.name), sql.SQL(", ").join(columns))
    )
    rows = 0
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} FROM STDIN").format(temporary(table.name))) as copy,
    ):
        for row in _rows(table, content):
            copy.write_row(row)
            rows += 1
    connection.execute(sql.SQL("ANALYZE {}").format(temporary(table.name)))
    return LoadedTable(table, document_id, rows)


def _rows(table: Table, content: bytes) -> Iterator[tuple[object, ...]]:
    """Yield number, defect and the profile's columns of each line."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", errors="surrogateescape", newline="")
    csv.field_size_limit(_FIELD_LENGTH)
    lines = csv.reader(text, strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
    except csv.Error as error:
        raise ConfigurationError(f"the header of {table.file} is not readable: {error}") from error
    missing = [name for name in table.columns if header.count(name) != 1]
    if missing:
        raise ConfigurationError(f"the header of {table.file} must name once: {', '.join(missing)}")
    places = [header.index(name) for name in table.columns]
    for number, (fields, broken) in enumerate(_lines(lines), start=1):
        values = [fields[place] if place < len(fields) else "" for place in places]
        stored = [_UNSTORABLE.sub("\ufffd", value) for value in values]
        if broken is None and len(fields) != len(header):
            broken = f"{len(fields)} columns, the header names {len(header)}"
        elif broken is None and stored != values:
            broken = "holds bytes that are no UTF-8, or NUL"
        yield (number, broken, *stored)


def _lines(lines: Iterator[list[str]]) -> Iterator[tuple[list[str], str | None]]:
    """Yield each line's fields; a line that is no CSV as one of nothing with the reason. Empty lines are
    none.
    """
    while True:
        try:
            fields = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            yield [], f"not readable as CSV: {error}"
            continue
        if fields:
            yield fields, None
