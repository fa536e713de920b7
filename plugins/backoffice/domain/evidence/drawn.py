"""Does the population say of the items that were drawn what their signed records say?"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from backoffice.domain.evidence import sampling
from backoffice.domain.evidence.contents import Item, Pack
from backoffice.domain.evidence.findings import Findings
from backoffice.domain.evidence.heading import authority_rows, witness_of
from backoffice.domain.evidence.said import Witness


def check_drawn(pack: Pack, population: Mapping[str, sampling.Item], file: str, findings: Findings) -> None:
    """Compare amount and currency; of items that were not drawn the pack has no records."""
    for item in pack.items:
        row = population.get(item.ref)
        witness = witness_of(pack, item)
        said = _amounts(item, witness)
        if row is None or not said:
            continue
        listed = (Decimal(row.amount), row.currency) if row.amount else None
        if item.ref in witness.entries and listed and listed[1] not in {one[1] for one in said if one}:
            continue  # in the company's own currency, which the record does not have
        if listed not in said:
            findings.file(file, f"{item.ref} has another amount there than in its signed records")


def _amounts(item: Item, witness: Witness) -> set[tuple[Decimal, str] | None]:
    """Return the amounts on record, each with its currency; nothing where no record tells."""
    form, _, name = item.ref.partition(":")
    if form == "payment" and witness.payments:
        said = witness.payments[-1].said
        return {(Decimal(said["amount"]), str(said["currency"]))}
    if form == "decision":
        gross = witness.gross()
        return {(Decimal(gross[0]), gross[1])} if gross else set()
    if form == "policy":
        version = name.partition("@")[2]
        told = [
            one.said
            for one in witness.own
            if one.said.get("version") == version and one.said.get("machine_limit")
        ]
        return {(Decimal(said["machine_limit"]), str(said["currency"])) for said in told}
    if item.ref in witness.entries:
        return _debits(witness, item.ref)
    rows = authority_rows(witness, item.ref)
    return {
        (Decimal(row["amount_limit"]), str(row["currency"])) if row.get("amount_limit") else None
        for row in rows
    }


def _debits(witness: Witness, key: str) -> set[tuple[Decimal, str] | None]:
    """Return the sum of an entry's debits. In a foreign currency the population has that of the company's."""
    lines = witness.lines(key) or []
    currencies = {str(line.get("currency")) for line in lines}
    if len(currencies) != 1:
        return set()
    return {(sum((Decimal(line["debit"]) for line in lines), Decimal(0)), currencies.pop())}
