"""The walk over the log: every record hashed once, the tree built up, each checkpoint met on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backoffice.domain.audit.content import ContentCheck
from backoffice.domain.audit.findings import Findings
from backoffice.domain.audit.log import Row
from backoffice.domain.audit.purges import PurgeCheck
from backoffice.domain.merkle import Frontier

BLOCK = 256  # leaves per kept block
UNPLACED = 2**62  # stands for the place of a record that has none yet
_NOTHING = bytes(32)  # stands where a record is gone: no record has this hash
_TOLD_KINDS = frozenset(("seal", "key", "restore", "erasure"))


@dataclass
class Batch:
    """What lies between two checkpoints, as far as a checkpoint's own checks need it.

    :param told: Records of the log about itself: place, record id, kind and bytes.
    :param last: Kind and bytes of the last record.
    """

    oldest: datetime | None = None
    newest: datetime | None = None
    told: list[tuple[int, int, str, bytes]] = field(default_factory=list)
    last_record: int | None = None
    last_kind: str | None = None
    last_body: bytes | None = None


class TreeWalk:
    """Takes rows in the order of their places, and can say the root at any moment.

    :param findings: Where faults go.
    :param blocks: Number and root of each kept block, in order, from the first one that ends after ``start``.
    :param purges: Accounts for records whose bytes are gone.
    :param start: A tree that was verified before, to go on from.
    """

    def __init__(
        self,
        findings: Findings,
        blocks: Iterator[tuple[int, bytes]],
        purges: PurgeCheck,
        start: Frontier | None = None,
    ) -> None:
        self.findings = findings
        self.batch = Batch()
        self.read = 0
        self.purges = purges
        self._content = ContentCheck()
        self._blocks = blocks
        self._kept = next(blocks, None)
        self._unkept: list[int] = []
        size = start.size if start else 0
        edge = list(start.edge) if start else []
        # whole blocks and the tree over their roots; what is left is a tree begun before, and leaves
        full = size // BLOCK
        self._top = Frontier(full, edge[: full.bit_count()])
        self._begun = Frontier(size % BLOCK, edge[full.bit_count() :])
        self._whole = size % BLOCK == 0  # whether the leaves of the current block are all known
        self._leaves: list[bytes] = []
        self.next_place = size

    @property
    def size(self) -> int:
        """Return the number of leaves so far."""
        return self._top.size * BLOCK + self._begun.size + len(self._leaves)

    def frontier(self) -> Frontier:
        """Return the tree so far."""
        rest = self._begun.copy()
        rest.extend(self._leaves)
        return Frontier(self.size, [*self._top.edge, *rest.edge])

    def take(self, row: Row) -> None:
        """Take the next record: check it and append its hash to the tree."""
        place, record_id, subject, n, kind, recorded_at, body, leaf = row
        if place != self.next_place:
            self._misplaced(place, record_id)
        self.next_place = place + 1
        self.read += 1
        if leaf is None or kind is None or subject is None or n is None or recorded_at is None:
            self.findings.add("index", "this place has no record", leaf=place, record_id=record_id)
            self._append(_NOTHING)
            return
        if body is not None:
            hashed = hashlib.sha256(b"\x00" + body).digest()
            if hashed != leaf:
                self._wrong("leaf", "its bytes do not have the recorded hash", row)
            leaf = hashed
            wrong = self._content.wrong(subject, n, kind, recorded_at, body)
            if wrong is not None:
                self._wrong("content", wrong, row)
        else:
            self.purges.take(place, record_id, leaf)
        self._note(place, record_id, kind, recorded_at, body)
        self._append(leaf)

    def look_at(self, row: Row) -> None:
        """Check a record that waits for its checkpoint; it is in no tree yet."""
        _, _, subject, n, kind, recorded_at, body, leaf = row
        self.read += 1
        if leaf is None or kind is None or subject is None or n is None or recorded_at is None:
            self._wrong("index", "it waits, and there is no such record", row)
            return
        if body is None:
            self._wrong("leaf", "it has no bytes though it was never sealed", row)
            return
        if hashlib.sha256(b"\x00" + body).digest() != leaf:
            self._wrong("leaf", "its bytes do not have the recorded hash", row)
        wrong = self._content.wrong(subject, n, kind, recorded_at, body)
        if wrong is not None:
            self._wrong("content", wrong, row)
        if kind == "seal":
            self._wrong("seal record", "it tells of a checkpoint, and none covers it", row)
        if kind in _TOLD_KINDS:
            self.batch.told.append((UNPLACED, row[1], kind, body))

    def close(self, size: int | None = None) -> Batch:
        """Return what lies before the checkpoint that is met now, and begin anew.

        :param size: How many places that checkpoint covers.
        """
        if size is not None and self.next_place < size:
            self.findings.add("index", f"places {self.next_place} to {size - 1} are missing", leaf=size - 1)
            self.next_place = size
        for number in self._unkept:
            self.findings.add("blocks", f"block {number} is not kept", leaf=number * BLOCK)
        self._unkept.clear()
        batch, self.batch = self.batch, Batch()
        return batch

    def end(self) -> None:
        """Say which kept blocks are of records that are not there."""
        while self._kept is not None:
            self.findings.add("blocks", f"block {self._kept[0]} is kept, and its records are not there")
            self._kept = next(self._blocks, None)

    # -- parts --

    def _append(self, leaf: bytes) -> None:
        self._leaves.append(leaf)
        if self._begun.size + len(self._leaves) < BLOCK:
            return
        root = perfect_root(self._leaves) if self._whole else self._begun_root()
        self._compare_block(root)
        self._top.append(root)
        self._begun, self._whole = Frontier(), True
        self._leaves.clear()

    def _begun_root(self) -> bytes:
        self._begun.extend(self._leaves)
        return self._begun.root()

    def _compare_block(self, root: bytes) -> None:
        """Compare with what is kept; a block that no seal has kept yet is none."""
        number = self._top.size
        while self._kept is not None and self._kept[0] < number:
            self.findings.add("blocks", f"block {self._kept[0]} is kept twice or out of order")
            self._kept = next(self._blocks, None)
        if self._kept is None or self._kept[0] > number:
            self._unkept.append(number)
            return
        if self._kept[1] != root:
            last = number * BLOCK + BLOCK - 1
            self.findings.add(
                "blocks",
                f"block {number} (leaves to {last}) has another root than is kept",
                leaf=number * BLOCK,
            )
        self._kept = next(self._blocks, None)

    def _note(self, place: int, record_id: int, kind: str, recorded_at: datetime, body: bytes | None) -> None:
        batch = self.batch
        if batch.oldest is None or recorded_at < batch.oldest:
            batch.oldest = recorded_at
        if batch.newest is None or recorded_at > batch.newest:
            batch.newest = recorded_at
        batch.last_record, batch.last_kind, batch.last_body = record_id, kind, body
        if kind in _TOLD_KINDS and body is not None:
            batch.told.append((place, record_id, kind, body))

    def _misplaced(self, place: int, record_id: int) -> None:
        expected = self.next_place
        what = (
            f"places {expected} to {place - 1} are missing"
            if place > expected
            else "this place is taken twice"
        )
        self.findings.add("index", what, leaf=place, record_id=record_id)

    def _wrong(self, check: str, what: str, row: Row) -> None:
        place: Any = row[0] if row[0] >= 0 else None
        self.findings.add(check, what, leaf=place, record_id=row[1], subject=row[2], n=row[3])


def perfect_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes whose number is a power of two."""
    sha256, level = hashlib.sha256, list(leaves)
    while len(level) > 1:
        level = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=True)
        ]
    return level[0]
