"""From what was collected to the bytes of a pack: the same state of the ledger gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from backoffice import __version__
from backoffice.domain.evidence.archive import SUMS, write_sums
from backoffice.domain.evidence.check import programs
from backoffice.domain.evidence.contents import (
    ALL,
    CHOSEN,
    FORM,
    LOG,
    NOT_SIGNED,
    NOTE,
    PACK,
    PAGE,
    Record,
    read_pack,
    record_file,
)
from backoffice.domain.evidence.said import Witness
from backoffice.domain.evidence.summary import write_page
from backoffice.governance.evidence.collect import Collected, Collector
from backoffice.governance.evidence.log import Log, LogRecord


def assemble(
    collector: Collector,
    items: Sequence[Collected],
    sample: Mapping[str, Any] | None = None,
    more: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """Return the files of a pack.

    :param sample: What the sample was drawn from, and who was who; none in a pack about one thing.
    :param more: Further files.
    """
    log = collector.log
    keys = _introduced(collector)
    records = [collector.records[one] for one in sorted(collector.records)]
    numbers = {one.record_id: no for no, one in enumerate(records, 1)}
    files = {**collector.files, **(more or {}), **programs()}
    told: dict[str, Any] = {"product": __version__} | ({"sample": sample} if sample is not None else {})
    about: dict[str, Any] = {"form": FORM, "items": [], NOT_SIGNED: told}
    for place, item in enumerate(items, 1):
        name = f"items/{place:04d}.json"
        files[name] = _json(_divided(item, collector, numbers))
        about["items"].append(name)
    files[PACK] = _json(about)
    files[LOG] = _json(
        {
            "records": _places(log, records),
            "subjects": {one.subject: ALL if one.subject in collector.whole else CHOSEN for one in records},
            "keys": [_key(one, numbers) for one in keys],
            "anchored": _anchored(log),
        }
    )
    for one in records:
        if one.body is not None:
            files[record_file(numbers[one.record_id])] = one.body
    if log.newest is not None:
        files[NOTE] = log.newest.note.encode("utf-8")
    files[PAGE] = write_page(read_pack(files))
    files[SUMS] = write_sums(files)
    return files


def _divided(item: Collected, collector: Collector, numbers: Mapping[int, int]) -> dict[str, Any]:
    """Return an item with its listing in two: what signed records say too, and what none says."""
    kept = {numbers[one]: collector.records[one] for one in item.records}
    records = [
        Record(no, one.subject, one.n, one.kind, one.place, one.leaf, (), one.body, one.said)
        for no, one in sorted(kept.items())
    ]
    drawn = Witness(item.subjects, records).divide(item.listing)
    return {
        "ref": item.ref,
        "subjects": item.subjects,
        "records": sorted(kept),
        "signed": drawn.signed,
        NOT_SIGNED: drawn.unsigned,
    }


def _introduced(collector: Collector) -> list[dict[str, Any]]:
    """Return the keys with what vouches for each, and keep the records that introduced the later ones."""
    log, keys = collector.log, []
    for place, (line, record, leaf, checkpoint) in enumerate(log.keys()):
        link: dict[str, Any] = {"line": line, "record": None, "note": "", "proof": []}
        if place > 0 and leaf is not None and checkpoint is not None:
            [introduced] = log.records([], [record])
            collector.records[record] = introduced
            link["record"], link["note"] = record, checkpoint.note
            link["proof"] = _hex(log.inclusion([leaf], checkpoint.size)[leaf])
        keys.append(link)
    return keys


def _key(link: dict[str, Any], numbers: Mapping[int, int]) -> dict[str, Any]:
    return link | {"record": None if link["record"] is None else numbers[link["record"]]}


def _places(log: Log, records: Sequence[LogRecord]) -> list[dict[str, Any]]:
    places = [one.place for one in records if one.place is not None]
    proofs = log.inclusion(places, log.newest.size) if log.newest is not None else {}
    return [
        {
            "no": no,
            "subject": one.subject,
            "n": one.n,
            "kind": one.kind,
            "place": one.place,
            "leaf": one.leaf.hex(),
            "proof": [] if one.place is None else _hex(proofs[one.place]),
            "purged": one.body is None,
        }
        for no, one in enumerate(records, 1)
    ]


def _anchored(log: Log) -> dict[str, Any] | None:
    if log.newest is None or log.anchored is None:
        return None
    return {"note": log.anchored.note, "proof": _hex(log.consistency(log.anchored.size, log.newest.size))}


def _hex(hashes: Sequence[bytes]) -> list[str]:
    return [one.hex() for one in hashes]


def _json(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1)
    return f"{text}\n".encode()
