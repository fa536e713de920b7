"""One verification, from the first record to the outcome."""

from __future__ import annotations

import time
from collections.abc import Sequence

from backoffice.domain.audit.anchored import AnchorCheck, Anchors
from backoffice.domain.audit.chain import Chain, Keys
from backoffice.domain.audit.findings import (
    NEEDS_ANCHOR,
    NEEDS_KEY,
    NEVER_SEEN,
    Findings,
    Verification,
)
from backoffice.domain.audit.log import AuditLog, Progress, Seal
from backoffice.domain.audit.progress import keys_at
from backoffice.domain.audit.purges import PurgeCheck
from backoffice.domain.audit.walk import BLOCK, TreeWalk
from backoffice.domain.checkpoint import VerifyingKey
from backoffice.domain.merkle import Frontier


def verify(
    log: AuditLog, anchors: Anchors, keys: Sequence[VerifyingKey] = (), since: Progress | None = None
) -> tuple[Verification, Progress | None]:
    """Examine a log and say what was found; nothing that is wrong in it ends it early.

    :param anchors: What lies outside the ledger.
    :param keys: Public keys that are trusted, from outside.
    :param since: How far a good verification has come; older records are not read again.
    :return: The outcome, and how far it came if it was good.
    :raises CannotGoOn: ``since`` is not proved by keys that come from elsewhere.
    """
    began = time.monotonic()
    return _Verifying(log, anchors, keys, since).run(began)


class _Verifying:
    def __init__(
        self, log: AuditLog, anchors: Anchors, keys: Sequence[VerifyingKey], since: Progress | None
    ) -> None:
        self.log, self.anchors, self.since = log, anchors, since
        self.findings = Findings()
        given = [*keys, *anchors.first_keys]
        self.keys = Keys(given, keys_at(log, given, since) if since else ())
        ledgers = [row for row in log.sealing_keys() if since is None or row.line not in since.keys]
        self.chain = Chain(self.findings, self.keys, ledgers, since)
        first = since.size if since else 0
        self.anchored = AnchorCheck(self.findings, anchors, first)
        start = Frontier(since.size, since.edge) if since else None
        self.purges = PurgeCheck(self.findings, log.purged(first))
        self.walk = TreeWalk(self.findings, log.blocks(first // BLOCK), self.purges, start)
        self.newest: tuple[Seal, Frontier] | None = None

    def run(self, began: float) -> tuple[Verification, Progress | None]:
        """Walk, compare, tell."""
        if self.since is not None:
            self._still_there(self.since)
        self._walk()
        self._look_at_waiting()
        self.log.examine(self.findings, self.since)
        self._compare_anchors()
        self._tell()
        outcome = self._outcome(time.monotonic() - began)
        return outcome, self._progress() if outcome.ok else None

    def _still_there(self, since: Progress) -> None:
        """The checkpoint verified last is kept outside the database: it must be in the log still."""
        seal = self.log.seal_of_size(since.size)
        if seal is None or (seal.note, seal.seal_no) != (since.note, since.seal_no):
            self.findings.add(
                "anchor", f"the checkpoint verified last ({since.size:,} records) is not in the log"
            )

    def _walk(self) -> None:
        first = self.since.size if self.since else 0
        seals = iter(self.log.seals(first))
        seal = next(seals, None)
        walk = self.walk
        for row in self.log.rows(first):
            while seal is not None and row[0] >= seal.size:
                self._meet(seal)
                seal = next(seals, None)
            walk.take(row)
        while seal is not None:
            self._meet(seal)
            seal = next(seals, None)
        if walk.batch.last_record is not None:
            size = self.chain.newest.size if self.chain.newest else 0
            self.findings.add(
                "index",
                f"{walk.size - size:,} records have a place that no checkpoint covers",
                leaf=size,
                record_id=walk.batch.last_record,
            )
        walk.end()

    def _meet(self, seal: Seal) -> None:
        tree = self.walk.frontier()
        self.chain.meet(seal, tree, self.walk.close(seal.size))
        self.anchored.meet(seal)
        self.newest = seal, tree

    def _look_at_waiting(self) -> None:
        self.chain.leave(self.walk.close())
        for row in self.log.waiting():
            self.walk.look_at(row)
        self.chain.hear(self.walk.close())
        self.chain.keys_without_record()
        self.purges.end(self.chain.erasures, whole=self.since is None)

    def _compare_anchors(self) -> None:
        size = self.chain.newest.size if self.chain.newest else 0
        self.anchored.end(size, self.keys, self.chain.restores)
        self.anchored.compare_rows(self.log.laid_down())
        if not self.anchors.notes and not self.findings.count("anchor"):
            self.findings.leave_out(
                "anchor", "no anchor was given, nor found where this installation has its own"
            )

    def _tell(self) -> None:
        for restore in self.chain.told_restores:
            told = ", ".join(
                f"{name} {value}" for name, value in sorted(restore.items()) if name != "_record"
            )
            self.findings.note("restore", f"restore: {told}")
        if not self.keys.given:
            self.findings.note(
                "signature", "the first key was taken from the log itself; compare it with one kept elsewhere"
            )
        for line in self.keys.lines():
            self.findings.note("signature", f"key {line}")

    def _outcome(self, seconds: float) -> Verification:
        newest, since = self.chain.newest, self.since
        return Verification(
            full=since is None,
            records=self.walk.read,
            size=newest.size if newest else 0,
            checkpoint=newest.short if newest else None,
            root=newest.root.hex() if newest else None,
            results=self.findings.results(),
            unseen=self._unseen(),
            since=str(since.size) if since else None,
            origin=newest.origin if newest else None,
            seconds=round(seconds, 3),
        )

    def _unseen(self) -> tuple[str, ...]:
        unseen: tuple[str, ...] = NEVER_SEEN
        if not self.anchors.notes:
            unseen = (*NEEDS_ANCHOR, *unseen)
        if not self.keys.given:
            unseen = (NEEDS_KEY, *unseen)
        if self.since is not None:
            unseen = (*unseen, f"changes of the first {self.since.size:,} records, which were not read again")
        return unseen

    def _progress(self) -> Progress | None:
        if self.newest is None:
            return self.since
        seal, tree = self.newest
        return Progress(seal.size, tuple(tree.edge), seal.note, seal.seal_no, self.keys.lines())
