"""Make a pack and check it before anybody gets it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from backoffice.domain.evidence.archive import write_archive
from backoffice.domain.evidence.check import POPULATION, Outcome, check_archive
from backoffice.domain.evidence.sampling import choose, write_items
from backoffice.domain.period import Period
from backoffice.governance.duties import authority_as_of, segregation_conflicts
from backoffice.governance.evidence.assemble import assemble
from backoffice.governance.evidence.collect import Collected, Collector
from backoffice.governance.evidence.log import Connection, Log
from backoffice.governance.evidence.population import TIED_TO, Population, as_text
from backoffice.governance.references import resolve

_AUTHORITY = ("setting:review.authority",)


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
        raise NothingOnRecordError(f"the log holds no record about {reference.exact}: {reference.title}")
    return finished(assemble(collector, [item]))


def pack_sample(
    connection: Connection, population: Population, period: Period, size: int, seed: str
) -> EvidencePack:
    """Make the pack of a sample: the whole population listed, each item drawn with its records.

    :param connection: The one over which the population was read.
    :param population: One that ties.
    """
    collector = Collector(connection, Log(connection))
    drawn = choose((item.key for item in population.items), size, seed)
    items = [_collect(collector, population, key) for key in drawn]
    if silent := [item.ref for item in items if not item.subjects]:
        raise NothingOnRecordError(f"the log holds no record about {', '.join(silent)}")
    sample = {
        "population": population.name,
        "period": period.name,
        "first_day": period.first_day.isoformat(),
        "last_day": period.last_day.isoformat(),
        "size": str(size),
        "seed": seed,
        "totals": population.totals,
        "control": population.control,
        "tied_to": TIED_TO[population.name],
        "ties": population.ties,
        "authority": _as_texts(authority_as_of(connection, period)),
        "conflicts": _as_texts(segregation_conflicts(connection, period)),
    }
    more = {POPULATION: write_items(population.items)}
    return finished(assemble(collector, items, sample, more))


def _collect(collector: Collector, population: Population, key: str) -> Collected:
    if population.name != "access":
        return collector.collect(resolve(collector.connection, population.refs[key]), key)
    own = collector.keep_subjects(_AUTHORITY)
    return Collected(key, _AUTHORITY, tuple(one.record_id for one in own), {})


def _as_texts(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, str | None]]:
    return [{name: as_text(value) for name, value in row.items()} for row in rows]


def finished(files: Mapping[str, bytes]) -> EvidencePack:
    """Return the pack of these files with the outcome of its check."""
    data = write_archive(files)
    return EvidencePack(data, check_archive(data))
