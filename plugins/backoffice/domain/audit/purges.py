"""Records whose bytes were taken away when their time was over: lawful only where the log says so.

A purge leaves row, place and hash. A record of kind ``erasure`` says how many went and one hash: over the
hashes of each block of 256 places, over the leaf hashes that went of it, in order. Beside it stands which
record says it of which place. So nobody can take bytes away in the shadow of a purge that was lawful.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from backoffice.domain.audit.findings import Findings

BLOCK = 256  # places hashed together


class LeavesDigest:
    """Count and hash of leaf hashes that come in the order of their places."""

    def __init__(self) -> None:
        self.count = 0
        self._whole, self._block, self._number = hashlib.sha256(), hashlib.sha256(), -1

    def add(self, place: int, leaf: bytes) -> None:
        """Take the next."""
        if place // BLOCK != self._number:
            self._end_block()
            self._number = place // BLOCK
        self._block.update(leaf)
        self.count += 1

    def hexdigest(self) -> str:
        """Return the hash of all, after which nothing more comes."""
        self._end_block()
        return self._whole.hexdigest()

    def _end_block(self) -> None:
        if self._number >= 0:
            self._whole.update(self._block.digest())
        self._block, self._number = hashlib.sha256(), -1


class PurgeCheck:
    """Takes the places without bytes in order, and compares them with what the log says was purged.

    :param findings: Where faults go.
    :param purged: Place and record id of the erasure record, in the order of places.
    """

    def __init__(self, findings: Findings, purged: Iterator[tuple[int, int]]) -> None:
        self.findings = findings
        self._purged = purged
        self._next = next(purged, None)
        self._taken: dict[int, LeavesDigest] = {}

    def take(self, place: int, record_id: int, leaf: bytes) -> None:
        """Account for a place whose bytes are gone."""
        self._pass(place)
        if self._next is None or self._next[0] != place:
            self.findings.add(
                "leaf", "its bytes are gone, and no record says so", leaf=place, record_id=record_id
            )
            return
        self._taken.setdefault(self._next[1], LeavesDigest()).add(place, leaf)
        self._next = next(self._purged, None)

    def end(self, erasures: Sequence[dict[str, Any]], *, whole: bool) -> None:
        """Compare the sums with what each erasure record says; only a walk over everything has whole sums."""
        self._pass(None)
        said = {one["record_id"]: one for one in erasures if one.get("step") == "records purged"}
        for record_id, one in said.items():
            fields = ("records", "class", "before", "requested_by", "approved_by")
            told = ", ".join(f"{name} {one.get(name)}" for name in fields)
            self.findings.note("leaf", f"lawful purge: {told} [record {record_id}]")
        for record_id in sorted({*said, *self._taken}) if whole else ():
            taken = self._taken.get(record_id, LeavesDigest())
            one = said.get(record_id, {})
            if (one.get("records"), one.get("leaves_sha256")) != (str(taken.count), taken.hexdigest()):
                self.findings.add(
                    "leaf",
                    f"it says that {one.get('records', 'no')} records were purged; {taken.count:,} are "
                    "without bytes in its name, or others than it says",
                    record_id=record_id,
                )

    def _pass(self, place: int | None) -> None:
        """Tell of places that are called purged and are not."""
        while self._next is not None and (place is None or self._next[0] < place):
            self.findings.add("leaf", "it is called purged, and its bytes are there", leaf=self._next[0])
            self._next = next(self._purged, None)
