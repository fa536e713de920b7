"""The page of a pack: what was decided, by which rule, by whom, why, and why not otherwise.

It is made from the other files of the pack and from nothing else, always the same way: whoever checks the
pack makes it anew and compares, so that the page cannot say what the files do not.
"""

from __future__ import annotations

from collections.abc import Iterator

from backoffice.domain.evidence import listed, told
from backoffice.domain.evidence.contents import ALL, Item, Pack, Record, record_file
from backoffice.domain.evidence.heading import heading, pack_heading, witness_of
from backoffice.domain.evidence.markup import Html, items, join, page, table, tag
from backoffice.domain.evidence.said import Witness
from backoffice.domain.evidence.short import in_short
from backoffice.domain.evidence.style import STYLE
from backoffice.domain.evidence.wording import moment, sentence

LAST = (
    "no pack can prove that its last records are the last: what was recorded after them, or left out at the "
    "end, shows only where the log is (backoffice verify-audit, or the pack hash printed there)"
)
_SIGNED = "What stands under this heading was read from signed records of the audit log."
_UNSIGNED = (
    "What the ledger's tables said when the pack was made and no record of the log says. No signature covers "
    "it: whoever made the pack could have written something else here. What tables and signed records both "
    "say was compared and stands above."
)


def write_page(pack: Pack) -> bytes:
    """Return the page."""
    title = pack_heading(pack)
    body = [tag("h1", title), _lead(pack), *listed.sample(pack)]
    for item in pack.items:
        witness = witness_of(pack, item)
        if pack.sample is not None:
            body.append(tag("h2", heading(item, witness)))
        body += _item(pack, item, witness)
    body += [tag("h2", "What this pack proves and what not"), _limits(), _files(pack)]
    return page(f"Evidence: {title}", STYLE, *body).encode("utf-8")


def _lead(pack: Pack) -> Html:
    sealed = sum(1 for one in pack.records.values() if one.place is not None)
    waiting = len(pack.records) - sealed
    said = [
        f"Records of an audit log in this pack: {len(pack.records)}, of them {sealed} covered by the "
        f"signed checkpoint in {_checkpoint_name(pack)}"
        + (f", {waiting} not sealed yet." if waiting else ".")
    ]
    return tag(
        "div",
        tag("p", *said),
        tag(
            "p",
            "This page proves nothing by itself. Unpack the pack and run ",
            tag("code", "python verify.py"),
            " in it, best with a verify.py that you got elsewhere and the log's public key from outside (",
            tag("code", "--key"),
            "). It needs Python 3.9 or later and the package cryptography. It says how many records are "
            "proven, under which checkpoint, signed by which key, or what is broken.",
        ),
        class_="note",
    )


def _checkpoint_name(pack: Pack) -> str:
    if pack.note is None:
        return "no file (nothing of this log is sealed)"
    origin, size, _, _, sealed_at = (*pack.note.split("\n"), "", "", "", "", "")[:5]
    return (
        f"log/checkpoint.txt ({size} records of the log {origin}, {moment(sealed_at.rpartition(' ')[2])} UTC)"
    )


def _item(pack: Pack, item: Item, witness: Witness) -> Iterator[Html]:
    known = (
        "Its number, listed and not signed: " if item.ref.startswith("payment:") else "Its name in the log: "
    )
    yield tag("p", known, tag("code", item.ref))
    yield tag("h3", "In short, from signed records")
    yield in_short(item, witness)
    yield tag("h3", "What happened, in order")
    yield tag("p", _SIGNED, " ", _completeness(pack, item), class_="soft")
    records = sorted((pack.records[no] for no in item.records), key=lambda one: (one.at, one.no))
    yield table(["No.", "At (UTC)", "What", "By whose authority", "Place in the log"], map(_row, records))
    yield from told.decisions(witness.decisions)
    yield from told.people(item, [one for one in witness.own if one.kind == "human"])
    yield from told.entries(item, witness)
    if item.listed:
        yield tag("h3", "Listed, not signed")
        yield tag("div", tag("p", _UNSIGNED), *listed.document(item), *listed.basis(item), class_="unsigned")


def _completeness(pack: Pack, item: Item) -> str:
    whole = [subject for subject in item.subjects if pack.subjects.get(subject) == ALL]
    return (
        f"Of {', '.join(whole) or 'nothing'} every record up to the pack's making is here, numbered from 1 "
        "without a gap; of runs, policies and calls to sources those that belong to this and name nobody "
        "else."
    )


def _row(record: Record) -> list[object]:
    place = "not sealed yet" if record.place is None else str(record.place)
    link = (
        tag("a", str(record.no), href=record_file(record.no)) if record.body is not None else str(record.no)
    )
    return [link, moment(record.at), sentence(record.kind, record.said), _authority(record), place]


def _authority(record: Record) -> str:
    said = record.said
    if record.kind == "decision":
        return str(said.get("authority") or "")
    if said.get("person_id") and said.get("role"):
        return f"{said['person_id']} as {said['role']}"
    if said.get("person_id"):
        return ", ".join(str(said[name]) for name in ("person_id", "case_id") if said.get(name))
    return f"decision {said['decision_id']}" if said.get("decision_id") else ""


def _limits() -> Html:
    return items(
        [
            "Proven by the signature: the bytes of every sealed record, what each is about and its number "
            "within that, and through the hashes that stand in them the policy texts, rules and original "
            "documents.",
            "Compared with signed records by the check program: what stands under “signed” in items/*.json.",
            f"Not proven: what is marked as listed, not signed. And {LAST}.",
            "Not proven at all by any pack: that what was recorded is what happened outside the product.",
        ]
    )


def _files(pack: Pack) -> Html:
    folders = ("policies", "documents", "rules", "population")
    shown = [name for folder in folders for name in pack.below(folder)]
    if not shown:
        return Html("")
    return join([tag("h2", "Files"), items(tag("a", name, href=name) for name in shown)])
