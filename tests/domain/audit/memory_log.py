"""An audit log in memory, sealed by a key of its own: what a ledger would give, without one.

It cannot show what only the database's own statements find: counters, places and facts.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backoffice.domain.audit.anchored import Anchors
from backoffice.domain.audit.findings import Findings, Verification
from backoffice.domain.audit.log import KeyRow, LaidDown, Progress, Row, Seal
from backoffice.domain.audit.verify import verify
from backoffice.domain.canonical import canonical_bytes, time_text
from backoffice.domain.checkpoint import Checkpoint, VerifyingKey, sign
from backoffice.domain.merkle import Frontier, leaf_hash, tree_root

ORIGIN = "memory/log"
START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


@dataclass
class MemoryLog:
    """Append records, seal them, and hand the whole out as an ``AuditLog``."""

    sealed: list[Row] = field(default_factory=list)
    unsealed: list[Row] = field(default_factory=list)
    checkpoints: list[Seal] = field(default_factory=list)
    kept_blocks: list[tuple[int, bytes]] = field(default_factory=list)
    kept_keys: list[KeyRow] = field(default_factory=list)
    laid: list[LaidDown] = field(default_factory=list)
    gone: list[tuple[int, int]] = field(default_factory=list)
    private: Ed25519PrivateKey = field(
        default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    )
    now: datetime = START
    _numbers: dict[str, int] = field(default_factory=dict)

    # -- writing --

    def append(self, kind: str, subject: str, at: datetime | None = None, **said: Any) -> int:
        """Write a record; it waits for its checkpoint. Return its id."""
        self.now += timedelta(seconds=1)
        moment = at or self.now
        self._numbers[subject] = n = self._numbers.get(subject, 0) + 1
        body = canonical_bytes({"_record": [kind, subject, str(n)], **said, "at": moment})
        record_id = len(self.sealed) + len(self.unsealed) + 1
        self.unsealed.append((-1, record_id, subject, n, kind, moment, body, leaf_hash(body)))
        return record_id

    def introduce(self, private: Ed25519PrivateKey | None = None) -> VerifyingKey:
        """Write a key into the log."""
        key = VerifyingKey.of(ORIGIN, private or self.private)
        record = self.append("key", "log", step="key introduced", key=key.line(), key_id=key.key_id)
        self.kept_keys.append(KeyRow(key.key_id, key.line(), record))
        return key

    def seal(self, reason: str = "a test asks") -> str:
        """Seal everything that waits; return the note."""
        before = self.checkpoints[-1] if self.checkpoints else None
        key = VerifyingKey.of(ORIGIN, self.private)
        self.append(
            "seal", "log", seal_no=str(len(self.checkpoints) + 1), previous_size=str(before.size if before else 0),
            previous_root=before.root.hex() if before else None, reason=reason, key_id=key.key_id,
        )  # fmt: skip
        for row in self.unsealed:
            self.sealed.append((len(self.sealed), *row[1:]))
        self.unsealed.clear()
        leaves = [row[7] or b"" for row in self.sealed]
        tree = Frontier()
        tree.extend(leaves)
        checkpoint = Checkpoint(
            ORIGIN, tree.size, tree.root(), before.root if before else bytes(32), time_text(self.now)
        )
        note = sign(checkpoint, self.private)
        self.checkpoints.append(
            Seal(len(self.checkpoints) + 1, tree.size, tree.root(), tuple(tree.edge), note, key.key_id, reason, self.now)
        )  # fmt: skip
        self.kept_blocks = [
            (number, tree_root(leaves[number * 256 : number * 256 + 256]))
            for number in range(len(leaves) // 256)
        ]
        return note

    def purge(self, *places: int) -> None:
        """Take bytes away, lawfully."""
        blocks = [
            b"".join(self.sealed[place][7] or b"" for place in group)
            for _, group in groupby(sorted(places), lambda place: place // 256)
        ]
        digest = sha256(b"".join(sha256(block).digest() for block in blocks)).hexdigest()
        record = self.append(
            "erasure", "log", step="records purged", records=str(len(places)), leaves_sha256=digest
        )
        for place in places:
            self.sealed[place] = (*self.sealed[place][:6], None, self.sealed[place][7])
            self.gone.append((place, record))

    def copy(self) -> MemoryLog:
        """Return one to be damaged."""
        lists = {name: list(value) for name, value in vars(self).items() if isinstance(value, list)}
        return replace(self, **lists, _numbers=dict(self._numbers))

    # -- reading: backoffice.domain.audit.log.AuditLog --

    def rows(self, first: int) -> Iterator[Row]:
        return (row for row in self.sealed if row[0] >= first)

    def waiting(self) -> Iterator[Row]:
        return iter(self.unsealed)

    def seals(self, after: int) -> Generator[Seal, None, None]:
        yield from (seal for seal in self.checkpoints if seal.size > after)

    def seal_of_size(self, size: int) -> Seal | None:
        return next((seal for seal in self.checkpoints if seal.size == size), None)

    def blocks(self, first: int) -> Iterator[tuple[int, bytes]]:
        return (block for block in self.kept_blocks if block[0] >= first)

    def purged(self, first: int) -> Iterator[tuple[int, int]]:
        return (one for one in sorted(self.gone) if one[0] >= first)

    def sealing_keys(self) -> list[KeyRow]:
        return self.kept_keys

    def introductions(self) -> list[tuple[int, bytes]]:
        return [(row[0], row[6]) for row in self.sealed if row[4] == "key" and row[6] is not None]

    def root_with(self, size: int, place: int, leaf: bytes) -> bytes | None:
        leaves = [row[7] or b"" for row in self.sealed[:size]]
        return tree_root([*leaves[:place], leaf, *leaves[place + 1 :]])

    def laid_down(self) -> list[LaidDown]:
        return self.laid

    def last_record(self) -> int:
        return max((row[1] for row in [*self.sealed, *self.unsealed]), default=0)

    def examine(self, findings: Findings, since: Progress | None) -> None:
        """Nothing more can be known here."""


def filled(records: int = 40, seals: int = 3) -> MemoryLog:
    """Return a log of that many records and checkpoints, with three records that wait."""
    log = MemoryLog()
    log.introduce()
    for part in range(seals):
        for number in range(records // seals):
            log.append("path", f"invoice:{number % 5}", step="case refreshed", case_id=f"{part}/{number}")
        log.seal()
    for number in range(3):
        log.append("path", f"invoice:{number}", step="case refreshed", case_id=f"tail/{number}")
    return log


def checked(log: Any, anchors: Anchors | None = None, **options: Any) -> Verification:
    """Return the outcome of a verification."""
    return verify(log, anchors or Anchors(), **options)[0]


def anchored(*notes: str) -> Anchors:
    """Return anchors with these checkpoints."""
    import json

    anchors = Anchors()
    anchors.take_notes("anchors.jsonl", [json.dumps({"note": note, "at": "now"}) for note in notes])
    return anchors
