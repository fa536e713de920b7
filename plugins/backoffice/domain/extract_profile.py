"""An extract profile: which tables of a system's export make which records, and what the export does not
carry.

A profile is data (``include/reference/extract_profiles/<name>.yaml``). It is read strictly: an unknown key,
table, column or field is an error, so that a misspelt profile never loads half of an extract. Its name,
version and hash stand in every load that used it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from backoffice.domain.extract_field import FieldSource

DATASETS = ("suppliers", "orders", "receipts", "invoices")


class ProfileError(ValueError):
    """A profile is wrong; the message says where."""


@dataclass(frozen=True, slots=True)
class Table:
    """One exported table.

    :param file: Name of its CSV file: UTF-8, comma, a header line.
    :param columns: The columns that are read; others may be there and are not used.
    :param key: Columns that identify a row; of several rows with one key the first counts and the others
        are left over.
    :param left_over: Dataset in which rows that no record uses are quarantined.
    """

    name: str
    file: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    left_over: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A column holds one of these texts; ``negated``: none of them."""

    column: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """How rows of another table are found for a row.

    :param on: Column of the joined table to ``table.COLUMN`` that it equals.
    :param rows: ``one``: many rows may share the joined row (a header). ``pair``: the first row with these
        values goes with the first joined one, the second with the second. ``first``: of several the first,
        which is not used up.
    :param required: A row without partner is quarantined.
    """

    table: str
    on: tuple[tuple[str, str], ...]
    rows: str
    required: bool


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one dataset: one per row of ``rows`` that meets all conditions.

    :param occurrence: Columns by which identical rows are numbered; empty if they are not.
    :param control: Field with the row's share of the control total; None: as for records of a source's
        interface.
    :param lines: For invoices: their lines, and how they find their header (own column to the header's
        column).
    """

    dataset: str
    rows: str
    where: tuple[Condition, ...]
    joins: tuple[Join, ...]
    occurrence: tuple[str, ...]
    fields: Mapping[str, FieldSource]
    control: str | None = None
    lines: Records | None = None
    of: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NotUsedRows:
    """Rows of a table that are left out on purpose, and why."""

    table: str
    where: tuple[Condition, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ExtractProfile:
    """A whole profile.

    :param duplicates_evaluable: Whether invoices carry the supplier's own number, so that duplicates can be
        judged.
    :param not_used_files: Name of a file to the reason why it is left out.
    """

    name: str
    version: int
    title: str
    text_sha256: str
    time_zone: ZoneInfo
    duplicates_evaluable: bool
    tables: Mapping[str, Table]
    records: tuple[Records, ...]
    not_used_files: Mapping[str, str]
    not_used_rows: tuple[NotUsedRows, ...]

    @property
    def label(self) -> str:
        """Name, version and hash, as they stand in a load."""
        return f"{self.name}/{self.version} sha256:{self.text_sha256[:16]}"


def text_hash(text: str) -> str:
    """Return the SHA-256 of a profile's text in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
