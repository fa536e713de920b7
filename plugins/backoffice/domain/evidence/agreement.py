"""Does what lies beside the records agree with them: texts, originals, and what the ledger lists?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backoffice.domain.evidence.contents import Item, Pack, Record
from backoffice.domain.evidence.findings import Findings

_LINE = ("account", "debit", "credit", "currency", "purpose")


def check_texts(pack: Pack, findings: Findings) -> None:
    """Every text and every original is one whose hash a record names, and no decision lacks its policy."""
    named = {
        "policies": set(_named(pack, "decision", "policy_sha256")) | set(_named(pack, "policy", "sha256")),
        "rules": {*_named(pack, "decision", "texts_sha256"), *_named(pack, "decision", "tolerances_sha256")},
        "documents": set(_originals(pack)),
    }
    held: dict[str, set[str]] = {}
    for folder, hashes in named.items():
        held[folder] = set()
        for name in pack.below(folder):
            digest = hashlib.sha256(pack.files[name]).hexdigest()
            held[folder].add(digest)
            if digest not in hashes:
                findings.file(name, "no record of the pack names its hash")
    for record in _of_kind(pack, "decision"):
        if record.said.get("policy_sha256") not in held["policies"]:
            findings.at(record.no, "the text of the policy that it names is not in the pack")
        facts = record.said.get("facts")
        if isinstance(facts, str) and _sha256(facts) != record.said.get("evidence_sha256"):
            findings.at(record.no, "its facts do not have the hash that it names")


def check_listed(item: Item, pack: Pack, findings: Findings) -> None:
    """What the ledger lists of entries, payments and answers is what the records say."""
    own = [pack.records[no] for no in item.records if no in pack.records]
    own = [record for record in own if record.subject in item.subjects]
    booked = {
        str(one.said.get("business_key")): one for one in own if one.said.get("effect") == "journal entry"
    }
    purged = any(one.body is None for one in own)
    listed = {str(one["business_key"]): one for one in item.listed.get("entries") or ()}
    for key in booked.keys() - listed.keys():
        findings.at(booked[key].no, f"entry {key} is not among those that the ledger lists")
    for key, entry in listed.items():
        if key in booked:
            _compare_entry(booked[key], entry, listed, findings)
        elif entry["subject"] in item.subjects and not purged:
            findings.add(f"broken: {item.ref}: entry {key} is listed and not on record")
    _check_payments(item, own, findings)
    _check_answers(item, own, findings)


def _compare_entry(
    record: Record, entry: Mapping[str, Any], listed: Mapping[str, Any], findings: Findings
) -> None:
    said = record.said
    for name in ("event", "posting_date"):
        if said.get(name) != entry[name]:
            findings.at(record.no, f"{name} is {said.get(name)}, the ledger lists {entry[name]}")
    lines = [_line(line) for line in entry["lines"]]
    if said.get("lines"):
        recorded = [_line(line) for line in said["lines"]]
    elif entry.get("reverses") in listed:
        reversed_lines = listed[entry["reverses"]]["lines"]
        recorded = [_exchanged(line) for line in reversed_lines]
    else:
        return
    if lines != recorded:
        findings.at(record.no, f"its lines are not those that the ledger lists of {entry['business_key']}")


def _line(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(line.get(name) for name in _LINE)


def _exchanged(line: Mapping[str, Any]) -> tuple[Any, ...]:
    account, debit, credit, currency, purpose = _line(line)
    return account, credit, debit, currency, f"reversal: {purpose}"


def _check_payments(item: Item, own: Sequence[Record], findings: Findings) -> None:
    proposed = [one for one in own if str(one.said.get("effect", "")).startswith("payment proposed")]
    for payment in item.listed.get("payments") or ():
        if not proposed:
            if all(one.body is not None for one in own):
                findings.add(f"broken: {item.ref}: payment {payment['payment']} is listed and not on record")
            continue
        last = max(proposed, key=lambda one: one.n)
        for name in ("amount", "currency", "pay_on"):
            if last.said.get(name) != payment[name]:
                findings.at(last.no, f"{name} is {last.said.get(name)}, the ledger lists {payment[name]}")


def _check_answers(item: Item, own: Sequence[Record], findings: Findings) -> None:
    recorded = {
        str(one.said["answer_id"]): one for one in own if "answer_id" in one.said and one.kind == "human"
    }
    listed = {str(one["answer"]): one for one in item.listed.get("answers") or ()}
    for answer, record in recorded.items():
        if answer not in listed:
            findings.at(record.no, f"answer {answer} is not among those that the ledger lists")
            continue
        for name in ("person_id", "action", "reason_code"):
            if record.said.get(name) != listed[answer][name]:
                findings.at(record.no, f"{name} is not that which the ledger lists")
    if all(one.body is not None for one in own):
        for answer in listed.keys() - recorded.keys():
            findings.add(f"broken: {item.ref}: answer {answer} is listed and not on record")


def _of_kind(pack: Pack, kind: str) -> Iterator[Record]:
    return (one for _, one in sorted(pack.records.items()) if one.kind == kind and one.body is not None)


def _named(pack: Pack, kind: str, field: str) -> Iterator[str]:
    return (str(one.said[field]) for one in _of_kind(pack, kind) if one.said.get(field))


def _originals(pack: Pack) -> Iterator[str]:
    """Yield the hashes of the documents that records are about."""
    for record in pack.records.values():
        kind, _, digest = record.subject.partition(":")
        if kind in ("invoice", "document"):
            yield digest
    for record in _of_kind(pack, "decision"):
        document = record.said.get("document")
        if isinstance(document, Mapping) and document.get("original_sha256"):
            yield str(document["original_sha256"])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
