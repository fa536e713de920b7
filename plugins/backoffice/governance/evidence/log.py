"""The audit log as a pack needs it: records with their places, and the hashes that prove them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg

from backoffice import settings
from backoffice.domain.checkpoint import read_note
from backoffice.domain.merkle import consistency_proof, inclusion_proof, node_hash, tree_root

Connection = psycopg.Connection[tuple[Any, ...]]

BLOCK = 256  # leaves per row of audit.block


@dataclass(frozen=True)
class LogRecord:
    """One record as the ledger holds it; see ``include/sql/evidence/list_records.sql``."""

    record_id: int
    subject: str
    n: int
    kind: str
    body: bytes | None
    leaf: bytes
    place: int | None
    erasure: int | None

    @cached_property
    def said(self) -> Mapping[str, Any]:
        """Return what it says; nothing where its bytes were purged."""
        said = json.loads(self.body) if self.body is not None else {}
        return said if isinstance(said, dict) else {}


@dataclass(frozen=True)
class Checkpoint:
    """A signed checkpoint: how many records it covers, and its text."""

    size: int
    note: str


class Log:
    """Reads records and their proofs; memory grows with the records asked for and with the log's blocks.

    :param connection: As auditor, read-only and repeatable read.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.newest, self.anchored = self._checkpoints()
        self._leaves: dict[int, list[bytes]] = {}
        self._roots: dict[tuple[int, int], bytes] = {}

    def records(self, subjects: Iterable[str], records: Iterable[int] = ()) -> list[LogRecord]:
        """Return every record of these subjects, and these records."""
        values = {"subjects": list(subjects), "records": list(records)}
        return self._records("evidence/list_records", values)

    def run_records(
        self, runs: Iterable[str], loads: Iterable[str], documents: Iterable[str]
    ) -> list[LogRecord]:
        """Return how these runs and those of these loads began, what became of the loads, and the calls that
        brought these documents.
        """
        values = {"runs": list(runs), "loads": list(loads), "documents": list(documents)}
        return self._records("evidence/list_run_records", values)

    def keys(self) -> list[tuple[str, int, int | None, Checkpoint | None]]:
        """Return each key with its record, that record's place, and the first checkpoint over it."""
        rows = self.connection.execute(settings.sql("evidence/list_keys")).fetchall()
        return [
            (line, record, place, Checkpoint(size, note) if size is not None else None)
            for line, record, place, size, note in rows
        ]

    def inclusion(self, places: Sequence[int], size: int) -> dict[int, list[bytes]]:
        """Return for each place the hashes that lead from it to the root over ``size`` records."""
        self._load(place // BLOCK for place in places)
        return {place: inclusion_proof(place, size, self._subtree) for place in places}

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the hashes that show that the log of ``old`` records is the beginning of that of ``new``."""
        return consistency_proof(old, new, self._subtree)

    # -- parts --

    def _checkpoints(self) -> tuple[Checkpoint | None, Checkpoint | None]:
        rows = self.connection.execute(settings.sql("evidence/read_checkpoints")).fetchall()
        found = [Checkpoint(size, note) for size, note in rows]
        return (found[0] if found else None), (found[1] if len(found) > 1 else None)

    def _records(self, statement: str, values: Mapping[str, Any]) -> list[LogRecord]:
        rows = self.connection.execute(settings.sql(statement), values).fetchall()
        return [
            LogRecord(
                record, subject, n, kind, None if body is None else bytes(body), bytes(leaf), place, erasure
            )
            for record, subject, n, kind, body, leaf, place, erasure in rows
        ]

    @cached_property
    def _blocks(self) -> list[bytes]:
        blocks = (self.newest.size if self.newest else 0) // BLOCK
        rows = self.connection.execute(
            settings.sql("evidence/read_block_roots"), {"blocks": blocks}
        ).fetchall()
        return [bytes(root) for (root,) in rows]

    def _load(self, blocks: Iterable[int]) -> None:
        wanted = sorted(set(blocks) - self._leaves.keys())
        if not wanted:
            return
        rows = self.connection.execute(
            settings.sql("evidence/read_block_leaves"), {"blocks": wanted}
        ).fetchall()
        for block in wanted:
            self._leaves[block] = []
        for place, leaf in rows:
            self._leaves[place // BLOCK].append(bytes(leaf))

    def _subtree(self, first: int, after: int) -> bytes:
        """Return the root over the leaves [first, after), from kept roots of blocks where they are whole."""
        known = self._roots.get((first, after))
        if known is None:
            known = self._roots[first, after] = self._compute(first, after)
        return known

    def _compute(self, first: int, after: int) -> bytes:
        block = first // BLOCK
        if after - first == BLOCK and first % BLOCK == 0 and block < len(self._blocks):
            return self._blocks[block]
        if after - first <= BLOCK:
            self._load([block])
            return tree_root(self._leaves[block][first % BLOCK : first % BLOCK + after - first])
        middle = first + (1 << (after - first - 1).bit_length() - 1)
        return node_hash(self._subtree(first, middle), self._subtree(middle, after))


def origin(checkpoint: Checkpoint) -> str:
    """Return the name of the log."""
    return read_note(checkpoint.note)[0].origin
