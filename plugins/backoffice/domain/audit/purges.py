"""Records whose bytes were taken away when their time was over: lawful only where the log says so.

A purge leaves row, place and hash. A record of kind ``erasure`` says how many went and the hash over their
leaf hashes in order; beside it stands which record says it of which place. So nobody can take bytes away in
the shadow of a purge that was lawful.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from backoffice.domain.audit.findings import Findings


class PurgeCheck:
    """Takes the places without bytes in order, and compares them with what the log says was purged.

    :param findings: Where faults go.
    :param purged: Place and record id of the erasure record, in the order of places.
    """

    def __init__(self, findings: Findings, purged: Iterator[tuple[int, int]]) -> None:
        self.findings = findings
        self._purged = purged
        self._next = next(purged, None)
        self._taken: dict[int, tuple[int, Any]] = {}

    def take(self, place: int, record_id: int, leaf: bytes) -> None:
        """Account for a place whose bytes are gone."""
        self._pass(place)
        if self._next is None or self._next[0] != place:
            self.findings.add(
                "leaf", "its bytes are gone, and no record says so", leaf=place, record_id=record_id
            )
            return
        count, digest = self._taken.setdefault(self._next[1], (0, hashlib.sha256()))
        digest.update(leaf)
        self._taken[self._next[1]] = count + 1, digest
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
            count, digest = self._taken.get(record_id, (0, hashlib.sha256()))
            one = said.get(record_id, {})
            if (one.get("records"), one.get("leaves_sha256")) != (str(count), digest.hexdigest()):
                self.findings.add(
                    "leaf",
                    f"it says that {one.get('records', 'no')} records were purged; {count:,} are without "
                    "bytes in its name, or others than it says",
                    record_id=record_id,
                )

    def _pass(self, place: int | None) -> None:
        """Tell of places that are called purged and are not."""
        while self._next is not None and (place is None or self._next[0] < place):
            self.findings.add("leaf", "it is called purged, and its bytes are there", leaf=self._next[0])
            self._next = next(self._purged, None)
