"""Checkpoints that lie outside the ledger, and what they prove about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from backoffice.domain.audit.chain import Keys
from backoffice.domain.audit.findings import Findings
from backoffice.domain.audit.log import LaidDown, Seal
from backoffice.domain.checkpoint import Checkpoint, CheckpointError, VerifyingKey, open_note, read_note


def file_name(origin: str) -> str:
    """Return the name under which a log's checkpoints lie in a folder."""
    return "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in origin)


@dataclass(frozen=True)
class Anchored:
    """A checkpoint as it was laid down.

    :param place: File and line, for people.
    """

    note: str
    checkpoint: Checkpoint
    place: str


@dataclass
class Anchors:
    """What was found outside.

    :param notes: The checkpoints.
    :param first_keys: The first public key of each place: known outside before anybody could change the log.
    :param folders: The folders that were read.
    :param faults: What could not be read; an anchor that cannot be read is not an anchor that is not there.
    """

    notes: list[Anchored] = field(default_factory=list)
    first_keys: list[VerifyingKey] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def take_notes(self, place: str, lines: Iterable[str]) -> None:
        """Read a file of checkpoints, one line of JSON each."""
        for number, line in enumerate(lines, 1):
            try:
                note = json.loads(line)["note"]
                self.notes.append(Anchored(note, read_note(note)[0], f"{place}:{number}"))
            except (ValueError, KeyError, TypeError, AttributeError):
                self.faults.append(f"{place}:{number} is no checkpoint")

    def take_keys(self, place: str, lines: Iterable[str]) -> None:
        """Read a file of public keys; only the first is taken on trust."""
        for line in lines:
            try:
                self.first_keys.append(VerifyingKey.parse(line))
            except CheckpointError as error:
                self.faults.append(f"{place}: {error}")
            return


class AnchorCheck:
    """Compares what lies outside with the checkpoints of the log, as these come by.

    :param since: Checkpoints of at most this size were compared in an earlier verification.
    """

    def __init__(self, findings: Findings, anchors: Anchors, since: int = 0) -> None:
        self.findings, self.anchors = findings, anchors
        self._by_size: dict[int, list[Anchored]] = {}
        for one in anchors.notes:
            if one.checkpoint.size > since:
                self._by_size.setdefault(one.checkpoint.size, []).append(one)
        self._other: list[Anchored] = []
        self.newest: Checkpoint | None = None
        for fault in anchors.faults:
            findings.add("anchor", fault)

    def meet(self, seal: Seal) -> None:
        """Compare a checkpoint of the log with those of its size outside."""
        for one in self._by_size.pop(seal.size, ()):
            if one.checkpoint.root == seal.root:
                self.newest = one.checkpoint
            else:
                self._other.append(one)

    def end(self, size: int, keys: Keys, restores: Sequence[dict[str, Any]]) -> None:
        """Say which checkpoints outside the log does not hold, but for those given up by a lawful restore."""
        missing = sorted(
            [*self._other, *(one for left in self._by_size.values() for one in left)],
            key=lambda one: one.checkpoint.size,
        )
        given_up = _given_up(missing, restores)
        for one in missing:
            if one.checkpoint.root not in given_up:
                self._missing(one, size, keys)
        lawful = sum(one.checkpoint.root in given_up for one in missing)
        if lawful:
            self.findings.note("anchor", f"{lawful} anchored checkpoints were given up by a lawful restore")
        if self.newest is not None:
            self.findings.note(
                "anchor", f"newest anchored checkpoint {self.newest.short} of {self.newest.sealed_at}"
            )

    def compare_rows(self, rows: Sequence[LaidDown]) -> None:
        """Say which checkpoints the ledger calls laid down in a folder that was read, and are not there."""
        held = {(one.checkpoint.size, one.checkpoint.root) for one in self.anchors.notes}
        for row in rows:
            folder = row.anchor.removeprefix("file:")
            if (
                row.anchor.startswith("file:")
                and folder in self.anchors.folders
                and (row.size, row.root) not in held
            ):
                self.findings.add(
                    "anchor",
                    f"the ledger says that it lies in {row.receipt}; it does not",
                    seal_no=row.seal_no,
                )

    def _missing(self, one: Anchored, size: int, keys: Keys) -> None:
        short, place = one.checkpoint.short, one.place
        try:
            open_note(one.note, keys.known)
        except CheckpointError as error:
            self.findings.add("anchor", f"checkpoint {short} ({place}) is not of this log: {error}")
            return
        if one.checkpoint.size > size:
            what = (
                f"the log's checkpoints end at {size:,} records, {short} was signed and laid down ({place})"
            )
        else:
            what = f"checkpoint {short}, signed and laid down ({place}), is not in the log"
        self.findings.add("anchor", what)


def _given_up(missing: Sequence[Anchored], restores: Sequence[dict[str, Any]]) -> set[bytes]:
    """Return the roots of the branches that recorded restores gave up, from their ends backwards."""
    given_up: set[bytes] = set()
    for restore in restores:
        named = (str(restore.get("abandoned_size")), str(restore.get("abandoned_root")))
        root = next(
            (
                one.checkpoint.root
                for one in missing
                if (str(one.checkpoint.size), one.checkpoint.root.hex()) == named
            ),
            None,
        )
        while root is not None and root not in given_up:
            given_up.add(root)
            previous = next(one.checkpoint.previous for one in missing if one.checkpoint.root == root)
            root = next((one.checkpoint.root for one in missing if one.checkpoint.root == previous), None)
    return given_up
