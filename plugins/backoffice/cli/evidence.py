"""``evidence``: a pack that proves itself without the product, of one thing or of a sample."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.cli.ledger_access import add_ledger_option, connect
from backoffice.runtime.errors import RuntimeFault

if TYPE_CHECKING:
    from backoffice.cli.ledger_access import Connection
    from backoffice.governance.evidence.pack import EvidencePack

_POPULATIONS = ("postings", "payments", "decisions", "policy-changes", "access")
_SAMPLE = ("period", "population", "sample", "seed")


def register(subparsers: Any) -> None:
    """Add the command."""
    evidence = subparsers.add_parser(
        "evidence",
        help="write an evidence pack, which an auditor checks without this product",
        description="Write an evidence pack: of one invoice, entry, payment, case or policy change (REF), or "
        "of a sample of a period's postings, payments, decisions, policy changes or authority. Exit codes: "
        "0 written and valid, 1 not, 2 wrong use.",
    )
    evidence.add_argument("ref", nargs="?", metavar="REF", help="what the evidence is of")
    evidence.add_argument(
        "--period",
        metavar="P",
        help="2026, 2026-Q4, 2026-11, 2026-11-01..2026-11-20 or the name of a fiscal period",
    )
    evidence.add_argument("--population", choices=_POPULATIONS, help="of what the sample is drawn")
    evidence.add_argument("--sample", metavar="N", type=_size, help="how many items")
    evidence.add_argument("--seed", metavar="S", help="which; the same seed draws the same items anywhere")
    evidence.add_argument(
        "-o", metavar="ZIP", type=Path, required=True, dest="file", help="the file to write"
    )
    add_ledger_option(evidence)
    evidence.set_defaults(run=_run, wrong_use=evidence.error)


def _size(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 10_000:
        raise argparse.ArgumentTypeError("a number from 1 to 10000 is needed")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    given = [name for name in _SAMPLE if getattr(arguments, name) is not None]
    if (arguments.ref is None) == (not given) or 0 < len(given) < len(_SAMPLE):
        arguments.wrong_use("either REF, or all of --period, --population, --sample and --seed")
    with connect(arguments) as connection:
        pack = (
            _reference(arguments, connection) if arguments.ref is not None else _sample(arguments, connection)
        )
    if pack is None:
        return 1
    return _write(arguments.file, pack)


def _reference(arguments: argparse.Namespace, connection: Connection) -> EvidencePack | None:
    from backoffice.governance.evidence.pack import NothingOnRecordError, pack_reference
    from backoffice.governance.references import ReferenceProblem

    try:
        return pack_reference(connection, arguments.ref)
    except ReferenceProblem as problem:
        arguments.wrong_use(str(problem))
    except NothingOnRecordError as silent:
        raise RuntimeFault(str(silent)) from None
    return None


def _sample(arguments: argparse.Namespace, connection: Connection) -> EvidencePack | None:
    from backoffice.governance.evidence.pack import NothingOnRecordError, pack_sample
    from backoffice.governance.evidence.population import TIED_TO, read_population
    from backoffice.governance.periods import UnknownPeriodError, find_period

    try:
        period = find_period(connection, arguments.period)
    except UnknownPeriodError as error:
        arguments.wrong_use(str(error))
    population = read_population(connection, arguments.population, period)
    print(f"population {population.name} of {period}: {_totals(population.totals)}")
    if not population.ties:
        print(f"it does not tie: {TIED_TO[population.name]}, says {_totals(population.control)}")
        print("nothing was written; run `backoffice verify-audit` and `backoffice controls` to find out why")
        return None
    print(f"ties to {TIED_TO[population.name]}")
    try:
        return pack_sample(connection, population, period, arguments.sample, arguments.seed)
    except NothingOnRecordError as silent:
        raise RuntimeFault(str(silent)) from None


def _totals(totals: Any) -> str:
    listed = (
        f"{int(one['items']):,} items" + (f", {one['amount']} {currency}" if currency else " without amount")
        for currency, one in totals.items()
    )
    return "; ".join(listed) or "0 items"


def _write(file: Path, pack: EvidencePack) -> int:
    outcome = pack.outcome
    if outcome.broken:
        for line in outcome.broken[:20]:
            print(line)
        print("nothing was written: the ledger does not prove this; run `backoffice verify-audit`")
        return 1
    try:
        file.write_bytes(pack.data)
    except OSError as error:
        raise RuntimeFault(f"{file} cannot be written: {error.strerror}") from error
    proven = outcome.records - len(outcome.waiting)
    if outcome.checkpoint is not None:
        print(f"{file}: {proven} records under checkpoint {outcome.checkpoint}, signed by {outcome.key_id}")
    else:
        print(f"{file}: {outcome.records} records, none of them under a checkpoint")
    if outcome.waiting:
        print(
            f"{len(outcome.waiting)} records are not sealed yet; make it again after the next checkpoint, "
            "within five minutes while a sealer runs"
        )
    print(f"pack {outcome.pack}")
    return 0
