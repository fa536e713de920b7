"""What a verification reads: the log as a ledger database or an export gives it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, Protocol

from backoffice.domain.audit.findings import Findings

# leaf index, record id, subject, n, kind, moment of recording, bytes, hash. A place whose record is gone has
# None from the subject on; a purged record has no bytes.
Row = tuple[int, int, str | None, int | None, str | None, datetime | None, bytes | None, bytes | None]


class Seal(NamedTuple):
    """A row of ``audit.seal``."""

    seal_no: int
    size: int
    root: bytes
    edge: tuple[bytes, ...]
    note: str
    key_id: str
    reason: str
    sealed_at: datetime


class KeyRow(NamedTuple):
    """A row of ``audit.sealing_key``."""

    key_id: str
    line: str
    record_id: int


class LaidDown(NamedTuple):
    """A row of ``audit.anchor`` that says where a checkpoint was laid down, with that checkpoint."""

    seal_no: int
    anchor: str
    receipt: str
    size: int
    root: bytes


class Progress(NamedTuple):
    """How far a verification that was good has come, kept outside the database.

    :param edge: Roots of the perfect subtrees at ``size``, largest first.
    :param note: The checkpoint there.
    :param keys: Lines of the keys that were introduced by then. None is trusted because it stands here.
    """

    size: int
    edge: tuple[bytes, ...]
    note: str
    seal_no: int
    keys: tuple[str, ...]


class AuditLog(Protocol):
    """A log that can be verified; everything comes in order and in one state."""

    def rows(self, first: int) -> Iterator[Row]:
        """Yield the sealed records from a place on, by place."""

    def waiting(self) -> Iterator[Row]:
        """Yield the records without a checkpoint; their place is -1."""

    def seals(self, after: int) -> Generator[Seal, None, None]:
        """Yield the checkpoints that cover more than ``after`` records, by number."""

    def seal_of_size(self, size: int) -> Seal | None:
        """Return the checkpoint that covers so many records."""

    def blocks(self, first: int) -> Iterator[tuple[int, bytes]]:
        """Yield number and root of each kept block from a number on."""

    def purged(self, first: int) -> Iterator[tuple[int, int]]:
        """Yield each place, from one on, that lost its bytes to a purge, with the record that says so."""

    def sealing_keys(self) -> list[KeyRow]:
        """Return every key, in the order of introduction."""

    def introductions(self) -> Iterable[tuple[int, bytes]]:
        """Yield place and bytes of each sealed record that introduces a key, by place."""

    def root_with(self, size: int, place: int, leaf: bytes) -> bytes | None:
        """Return the root over ``size`` records with this hash at a place; None where the tree has gaps."""

    def laid_down(self) -> list[LaidDown]:
        """Return where the ledger says its checkpoints lie outside."""

    def last_record(self) -> int:
        """Return the highest record id."""

    def examine(self, findings: Findings, since: Progress | None) -> None:
        """Make the checks that need the whole log or other tables: places, counters, facts, waiting."""
