"""What a pack or one item of it is about, in the words of signed records alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backoffice.domain.evidence.contents import Item, Pack, Record
from backoffice.domain.evidence.said import Witness
from backoffice.domain.evidence.wording import money

# by the name of the population
CALLED = {
    "postings": "journal entries",
    "payments": "payment proposals",
    "decisions": "decisions",
    "policy-changes": "policy changes",
    "access": "authorities of persons",
}
_AUTHORITY = ("person_id", "role", "process", "entity", "effective_from")


def heading(item: Item, witness: Witness) -> str:
    """Return what the item is about."""
    if entry := witness.entries.get(item.ref):
        return f"Journal entry {_short(item.ref)}: {_moved(entry, witness)}"
    form, _, name = item.ref.partition(":")
    if form == "payment" and witness.payments:
        said = witness.payments[-1].said
        paid = f"{said.get('amount')} {said.get('currency')} on {said.get('pay_on')}"
        return f"Payment of {paid} for {_document(witness)}"
    if form == "policy":
        policy, _, version = name.partition("@")
        return f"Policy {policy}, version {version}"
    if form == "case":
        return f"Case {name} about {_document(witness)}"
    if form == "decision":
        return f"Decision {name} on {_document(witness)}"
    if form in ("invoice", "document"):
        told = _document(witness)
        return told[0].upper() + told[1:]
    person, role, process, entity, begins = (*item.ref.split("/"), "", "", "", "", "")[:5]
    of_process = "every process" if process == "*" else f"process {process}"
    of_company = "every company" if entity == "*" else f"company {entity}"
    return f"Authority of {person} as {role} from {begins}, {of_process}, {of_company}"


def pack_heading(pack: Pack) -> str:
    """Return what the pack is about."""
    sample = pack.sample
    if sample is not None:
        count = sum(int(one["items"]) for one in sample["totals"].values())
        called = CALLED.get(sample["population"], sample["population"])
        days = f"{sample['first_day']} to {sample['last_day']}"
        return f"Sample of {len(pack.items)} out of {count} {called}, {days}"
    return "; ".join(heading(item, witness_of(pack, item)) for item in pack.items)


def witness_of(pack: Pack, item: Item) -> Witness:
    """Return the records of an item."""
    return Witness(item.subjects, [pack.records[no] for no in item.records if no in pack.records])


def is_named(item: Item, witness: Witness) -> bool:
    """Tell whether a record is about what the item is called.

    No record holds the number of a payment proposal: that is looked for in the listing. Where bytes of the
    item's records were purged, their subjects have to do.
    """
    form, _, name = item.ref.partition(":")
    if form in ("invoice", "document"):
        return item.ref in item.subjects or f"document:{name}" in item.subjects
    if form == "payment":
        rows = item.listed.get("payments") or ()
        return any(row.get("payment") == item.ref for row in rows) and bool(
            witness.payments or witness.purged
        )
    if form == "policy":
        policy, _, version = name.partition("@")
        return any(
            one.subject == f"policy:{policy}" and one.said.get("version") == version for one in witness.own
        )
    if form in ("case", "decision"):
        return bool(witness.purged) or any(str(one.said.get(f"{form}_id")) == name for one in witness.own)
    if item.subjects == ("setting:review.authority",):
        return bool(authority_rows(witness, item.ref))
    return item.ref in witness.entries or bool(witness.purged)


def _document(witness: Witness) -> str:
    subject = next((one for one in witness.subjects if one.startswith("invoice:")), "")
    subject = subject or next((one for one in witness.subjects if one.startswith("document:")), "")
    kind, _, digest = subject.partition(":")
    if kind != "invoice":
        return f"the document in quarantine with the content {digest[:12]}"
    supplier, gross = witness.supplier(), witness.gross()
    told = f"the invoice with the content {digest[:12]}"
    told += f" of supplier {supplier[0]}" if supplier else ""
    return told + (f", {gross[0]} {gross[1]}" if gross else "")


def _moved(entry: Record, witness: Witness) -> str:
    lines = {"lines": witness.lines(str(entry.said.get("business_key"))) or []}
    event = str(entry.said.get("event")).replace("_", " ")
    return f"{event} on {entry.said.get('posting_date')}, debit {money(lines)}"


def authority_rows(witness: Witness, ref: str) -> list[Mapping[str, Any]]:
    """Return how an authority stands in the records of changes to the table."""
    found = []
    for record in witness.own:
        said = record.said
        for row in [*(said.get("rows") or ()), said.get("before"), said.get("after")]:
            if isinstance(row, Mapping) and [str(row.get(name)) for name in _AUTHORITY] == ref.split("/")[:5]:
                found.append(row)
    return found


def _short(key: str) -> str:
    """Return a key with its hash cut to what people compare."""
    return "/".join(part[:12] if len(part) == 64 else part for part in key.split("/"))
