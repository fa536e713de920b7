"""Make a pack and check it before anybody gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backoffice.domain.evidence.archive import write_archive
from backoffice.domain.evidence.check import Outcome, check_archive
from backoffice.governance.evidence.assemble import assemble
from backoffice.governance.evidence.collect import Collector
from backoffice.governance.evidence.log import Connection, Log
from backoffice.governance.references import resolve


@dataclass(frozen=True)
class EvidencePack:
    """The bytes of a pack, and what its own check program says of them."""

    data: bytes
    outcome: Outcome


class NothingOnRecordError(ValueError):
    """The log holds no record about this; there is nothing to prove."""


def pack_reference(connection: Connection, ref: str) -> EvidencePack:
    """Make the pack of an invoice, entry, payment, case or policy change.

    Reads; asks the sealer for nothing and waits for nothing. The same state of the ledger gives the same
    bytes.

    :param connection: As auditor, read-only and repeatable read.
    :raises ReferenceProblem: The name means nothing, or several things.
    :raises NothingOnRecordError: The log is silent about it.
    """
    reference = resolve(connection, ref)
    collector = Collector(connection, Log(connection))
    item = collector.collect(reference)
    if not item.subjects:
        raise NothingOnRecordError(f"the log holds no record about {item.title}")
    return finished(assemble(collector, [item], f"Evidence of {item.title}"))


def finished(files: Mapping[str, bytes]) -> EvidencePack:
    """Return the pack of these files with the outcome of its check."""
    data = write_archive(files)
    return EvidencePack(data, check_archive(data))
