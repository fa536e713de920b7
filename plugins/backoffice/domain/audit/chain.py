"""The chain of checkpoints: who signed, what each continues, when, and whether the log itself tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from backoffice.domain.audit.findings import Findings
from backoffice.domain.audit.log import KeyRow, Progress, Seal
from backoffice.domain.audit.walk import Batch
from backoffice.domain.checkpoint import Checkpoint, CheckpointError, VerifyingKey, open_note, read_note
from backoffice.domain.merkle import Frontier

CLOCKS_APART = timedelta(minutes=5)  # the sealer's clock and the database's
SEALING_TAKES = timedelta(hours=1)
# A record has the moment of its transaction's beginning; one that was open for longer than this is backdated.
LONGEST_TRANSACTION = timedelta(hours=6)


class Keys:
    """The public keys that are trusted so far.

    The first is given from outside, or else taken from the log on trust. A later one is trusted once a
    checkpoint of a trusted key covers the record that introduces it.

    :param given: Keys from outside.
    :param vouched: Keys that an earlier part of the log vouches for.
    """

    def __init__(self, given: Sequence[VerifyingKey], vouched: Sequence[VerifyingKey] = ()) -> None:
        self.given = bool(given)
        self.known = {key.key_id: key for key in (*given, *vouched)}
        self._waiting: list[tuple[int, VerifyingKey]] = []

    def introduce(self, place: int, line: str, *, first: bool) -> None:
        """Take note of a key that the log introduces at a place."""
        key = VerifyingKey.parse(line)
        if first and not self.known:
            self.known[key.key_id] = key
        else:
            self._waiting.append((place, key))

    def trust(self, line: str) -> None:
        """Trust a key that no key before vouches for, from now on."""
        key = VerifyingKey.parse(line)
        self.known.setdefault(key.key_id, key)

    def vouch(self, size: int) -> None:
        """Trust what a good checkpoint of this size covers."""
        for place, key in self._waiting:
            if place < size:
                self.known.setdefault(key.key_id, key)
        self._waiting = [(place, key) for place, key in self._waiting if place >= size]

    def lines(self) -> tuple[str, ...]:
        """Return every trusted key in its one-line form."""
        return tuple(key.line() for key in self.known.values())


class Chain:
    """Takes the checkpoints in order, each with what lies between it and the one before.

    :param findings: Where faults go.
    :param keys: The keys trusted so far.
    :param rows: The ledger's rows of keys.
    :param since: A checkpoint that was verified before, to go on from.
    """

    def __init__(
        self, findings: Findings, keys: Keys, rows: Sequence[KeyRow], since: Progress | None = None
    ) -> None:
        self.findings, self.keys = findings, keys
        # what the log tells of restores, and of these the ones that excuse checkpoints outside
        self.told_restores: list[dict[str, Any]] = []
        self.restores: list[dict[str, Any]] = []
        self.erasures: list[dict[str, Any]] = []
        self.newest: Checkpoint | None = read_note(since.note)[0] if since else None
        self.seal_no = since.seal_no if since else 0
        self._rows = {row.record_id: row for row in rows}
        self._any_key = since is not None

    def meet(self, seal: Seal, tree: Frontier, batch: Batch) -> None:
        """Compare a checkpoint with the tree at its place, the one before, and the log's own word."""
        self.hear(batch)
        self._row(seal, tree)
        checkpoint = self._opened(seal)
        if checkpoint is not None:
            self._continues(seal, checkpoint)
            self._times(seal, checkpoint, batch)
        self._own_record(seal, batch)
        self.seal_no = seal.seal_no
        self.newest = checkpoint or self.newest

    def leave(self, batch: Batch) -> None:
        """Look at what lies after the last checkpoint and has a place all the same."""
        self.hear(batch)
        for _, record_id, kind, _ in batch.told:
            if kind == "seal":
                self.findings.add(
                    "seal record", "it tells of a checkpoint that is not there", record_id=record_id
                )

    def hear(self, batch: Batch) -> None:
        """Take note of what the log says about itself: keys, erasures, restores."""
        for place, record_id, kind, body in batch.told:
            said = _object(body)
            if kind == "key" and said.get("step") == "key introduced":
                self._key(place, record_id, said)
            elif kind == "restore":
                self._restore(record_id, said)
            elif kind == "erasure":
                self.erasures.append({"record_id": record_id, **said})

    def keys_without_record(self) -> None:
        """Say which keys of the ledger no record that was read introduces."""
        for row in self._rows.values():
            self.findings.add(
                "signature",
                f"key {row.key_id} is in the ledger, and no record introduces it",
                record_id=row.record_id,
            )

    # -- parts --

    def _wrong(self, check: str, what: str, seal: Seal) -> None:
        self.findings.add(check, what, seal_no=seal.seal_no)

    def _row(self, seal: Seal, tree: Frontier) -> None:
        if tree.root() != seal.root:
            self._wrong(
                "root",
                f"the {tree.size:,} records before it have root {tree.root().hex()[:16]}, "
                f"signed is {seal.root.hex()[:16]} over {seal.size:,}",
                seal,
            )
        try:
            kept = Frontier(seal.size, seal.edge).root()
        except ValueError:
            kept = None
        if kept != seal.root:
            self._wrong("blocks", "the edge of the tree that is kept with it does not have its root", seal)

    def _opened(self, seal: Seal) -> Checkpoint | None:
        try:
            checkpoint, key_id = open_note(seal.note, self.keys.known)
        except CheckpointError as error:
            self._wrong("signature", f"key {seal.key_id}: {error}", seal)
            try:
                return read_note(seal.note)[0]
            except CheckpointError:
                return None
        if key_id != seal.key_id:
            self._wrong("signature", f"key {key_id} signed it, beside it stands {seal.key_id}", seal)
        if (checkpoint.size, checkpoint.root) != (seal.size, seal.root):
            self._wrong(
                "signature", f"signed is {checkpoint.short}, beside it stands another size or root", seal
            )
        self.keys.vouch(checkpoint.size)
        return checkpoint

    def _continues(self, seal: Seal, checkpoint: Checkpoint) -> None:
        before = self.newest
        if seal.seal_no != self.seal_no + 1:
            self._wrong("seal record", f"seal {self.seal_no} is followed by seal {seal.seal_no}", seal)
        if before is not None and checkpoint.origin != before.origin:
            self._wrong(
                "signature", f"it is of the log {checkpoint.origin}, the one before of {before.origin}", seal
            )
        if checkpoint.previous != (before.root if before else bytes(32)):
            self._wrong("signature", "it does not continue the checkpoint before it", seal)
        if before is not None and checkpoint.size <= before.size:
            self._wrong("signature", f"it covers no more than the one before ({before.size:,})", seal)

    def _times(self, seal: Seal, checkpoint: Checkpoint, batch: Batch) -> None:
        sealed_at = _moment(checkpoint.sealed_at)
        if abs(seal.sealed_at - sealed_at) > SEALING_TAKES:
            self._wrong("time", f"signed is {sealed_at}, beside it stands {seal.sealed_at}", seal)
        if batch.newest is not None and batch.newest > sealed_at + CLOCKS_APART:
            self._wrong("time", f"it is of {sealed_at} and covers a record of {batch.newest}", seal)
        if self.newest is None:
            return
        before = _moment(self.newest.sealed_at)
        if sealed_at < before:
            self._wrong("time", f"it is of {sealed_at}, the one before of {before}", seal)
        if batch.oldest is not None and batch.oldest < before - LONGEST_TRANSACTION:
            self._wrong(
                "time",
                f"it first covers a record of {batch.oldest}, long before the checkpoint of {before}",
                seal,
            )

    def _own_record(self, seal: Seal, batch: Batch) -> None:
        own = [(record_id, body) for _, record_id, kind, body in batch.told if kind == "seal"]
        for record_id, _ in own:
            if record_id != batch.last_record:
                self.findings.add(
                    "seal record",
                    "it tells of a checkpoint that is not there",
                    record_id=record_id,
                    seal_no=seal.seal_no,
                )
        if batch.last_kind != "seal" or batch.last_body is None:
            self._wrong("seal record", "the last record that it covers does not tell of it", seal)
            return
        said = _object(batch.last_body)
        before = self.newest
        expected = {
            "seal_no": str(seal.seal_no),
            "previous_size": str(before.size if before else 0),
            "previous_root": before.root.hex() if before else None,
            "reason": seal.reason,
            "key_id": seal.key_id,
        }
        wrong = [name for name, value in expected.items() if said.get(name) != value]
        if wrong:
            self._wrong("seal record", f"its own record says otherwise of: {', '.join(wrong)}", seal)

    def _key(self, place: int, record_id: int, said: dict[str, Any]) -> None:
        line = str(said.get("key"))
        row = self._rows.pop(record_id, None)
        if row is None or row.line != line or row.key_id != said.get("key_id"):
            self.findings.add(
                "signature", "the key that it introduces is not the ledger's", record_id=record_id
            )
        try:
            if said.get("lost") == "true":
                self._lost_key(record_id, line, said)
            else:
                self.keys.introduce(place, line, first=not self._any_key)
        except CheckpointError as error:
            self.findings.add(
                "signature", f"the key that it introduces is none: {error}", record_id=record_id
            )
        self._any_key = True

    def _lost_key(self, record_id: int, line: str, said: dict[str, Any]) -> None:
        """Tell of the key that two people introduced in the place of a lost one.

        Nothing but their word vouches for it. Where keys were given from outside it must be one of them.
        """
        if not _by_two(said):
            self.findings.add(
                "signature", "two persons did not introduce this key for a lost one", record_id=record_id
            )
            return
        key_id = said.get("key_id")
        told = (
            f"key {key_id} is not vouched for by the key before it, which was lost: introduced by "
            f"{said['requested_by']}, confirmed by {said['confirmed_by']}, {said.get('at')}"
        )
        if self.keys.given and key_id not in self.keys.known:
            self.findings.add(
                "signature", f"{told}; ask them, and if it is so give the key", record_id=record_id
            )
        else:
            self.findings.note("signature", f"{told}; ask them")
        self.keys.trust(line)

    def _restore(self, record_id: int, said: dict[str, Any]) -> None:
        """Take note of a restore; one not by two people, or that goes on elsewhere, excuses nothing."""
        self.told_restores.append({"record_id": record_id, **said})
        before = self.newest
        goes_on = (str(before.size), before.root.hex()) if before else ("0", None)
        if not _by_two(said):
            self.findings.add("restore", "two persons did not record it", record_id=record_id)
        elif (said.get("continued_size"), said.get("continued_root")) != goes_on:
            self.findings.add(
                "restore",
                f"it says that the log goes on at {said.get('continued_size')} records, "
                f"it does at {goes_on[0]}",
                record_id=record_id,
            )
        else:
            self.restores.append(self.told_restores[-1])


def _by_two(said: dict[str, Any]) -> bool:
    """Tell whether one person requested an act about the log and another confirmed it."""
    two = said.get("requested_by"), said.get("confirmed_by")
    return all(isinstance(one, str) and one for one in two) and two[0] != two[1]


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
