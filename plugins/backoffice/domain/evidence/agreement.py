"""Does what lies beside the records agree with them: texts, originals, and what the ledger lists?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from backoffice.domain.evidence.contents import Item, Pack, Record
from backoffice.domain.evidence.findings import Findings
from backoffice.domain.evidence.heading import is_named
from backoffice.domain.evidence.said import Witness, joined

_MISSING = object()


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
    _note_absent(pack, held, findings)


def _note_absent(pack: Pack, held: Mapping[str, set[str]], findings: Findings) -> None:
    """Note what decisions name and the pack does not hold: it may be about others too, or was taken out."""
    rules = (*_named(pack, "decision", "texts_sha256"), *_named(pack, "decision", "tolerances_sha256"))
    for what, digests, there in (
        ("originals", _documents(pack), held["documents"]),
        ("rules", rules, held["rules"]),
    ):
        absent = sorted({digest for digest in digests if digest not in there})
        if absent:
            findings.notes.append(
                f"{what} that decisions name and the pack does not hold: {', '.join(absent)}. They may be "
                "about others too, which no pack holds; ask for them by these hashes"
            )


def check_listed(name: str, item: Item, pack: Pack, findings: Findings) -> None:
    """What stands as signed is what the records say, what they say nothing of stands apart, and nothing that
    has to be on record or in the listing is missing there.

    :param name: The file of the item.
    """
    witness = Witness(item.subjects, [pack.records[no] for no in item.records if no in pack.records])
    if not is_named(item, witness):
        findings.file(name, f"no record of the pack is about {item.ref}")
    listing = joined(item.signed, item.listed)
    divided = witness.divide(listing)
    for no, what in divided.wrong:
        findings.at(no, what)
    for what in divided.unknown:
        findings.file(name, what)
    if not divided.wrong:
        for part in _strays(item.signed, divided.signed):
            findings.file(name, f"{part} stands as signed and no record says it")
        for part in _strays(item.listed, divided.unsigned):
            findings.file(name, f"{part} stands as not signed and records say it")
    _check_missing(witness, item, listing, findings)


def _strays(given: Mapping[str, Any], drawn: Mapping[str, Any]) -> list[str]:
    """Return what stands on this side of the line and should not."""
    if given == drawn:
        return []
    found = []
    for part, content in given.items():
        rows = content if isinstance(content, list) else [content]
        right = drawn.get(part)
        expected = right if isinstance(right, list) else [right]
        for row, one in zip(rows, expected):  # noqa: B905 - runs on Python 3.9
            if isinstance(row, Mapping) and isinstance(one, Mapping):
                found += [f"{part}.{name}" for name in row if row[name] != one.get(name, _MISSING)]
    return found or [next(part for part in [*given, *drawn] if given.get(part) != drawn.get(part))]


def _check_missing(witness: Witness, item: Item, listing: Mapping[str, Any], findings: Findings) -> None:
    """What is on record is listed."""
    listed = {
        part: {str(row.get(key)) for row in listing.get(part) or ()}
        for part, key in (("entries", "business_key"), ("answers", "answer"), ("acts", "at"))
    }
    for key, record in witness.entries.items():
        if key not in listed["entries"]:
            findings.at(record.no, f"entry {key} is not among those that the ledger lists")
    for answer, record in witness.answers.items():
        if answer not in listed["answers"]:
            findings.at(record.no, f"answer {answer} is not among those that the ledger lists")
    if witness.payments and not listing.get("payments"):
        findings.at(witness.payments[-1].no, "the ledger lists no payment proposal")
    for record in witness.own:
        version = f"{record.subject}@{record.said.get('version')}"
        if (
            "acted_at" in record.said
            and version == item.ref
            and record.said["acted_at"] not in listed["acts"]
        ):
            findings.at(record.no, "this act is not among those that the ledger lists")


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
    yield from _documents(pack)


def _documents(pack: Pack) -> Iterator[str]:
    """Yield the hashes of the originals that decisions rest on."""
    for record in _of_kind(pack, "decision"):
        document = record.said.get("document")
        if isinstance(document, Mapping) and document.get("original_sha256"):
            yield str(document["original_sha256"])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
