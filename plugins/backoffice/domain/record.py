"""Read one record of a source (an order line, a receipt line, a supplier, a mail) field by field.

A field that cannot be read becomes None and a defect; the record itself is never lost. Absent fields are
None: whether a field must be there is a question of the quality gate, not of reading.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backoffice.domain.canonical import canonical_bytes
from backoffice.domain.typed_value import Defect, Kind, UnreadableValueError, printed

# when a source says that it changed a record is no part of what the record says
NOT_CONTENT = frozenset({"updated_at"})


class RepeatedFields(list[tuple[str, Any]]):
    """A JSON object that names a field more than once, as its pairs in the order in which they were sent."""

    @property
    def repeated(self) -> list[str]:
        """Return the names that stand there more than once."""
        names = [name for name, _ in self]
        return sorted({name for name in names if names.count(name) > 1})


def fields_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any] | RepeatedFields:
    """Return a JSON object as a dictionary if each of its names stands there once, else as its pairs."""
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else RepeatedFields(pairs)


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """The fields of one kind of record, and what an absent field means.

    :param fields: Name of the field (and of its staging column) to how it is read.
    :param defaults: Value of a field that the source leaves out; only where there is one safe meaning.
    :param later: Fields that came with a later version: a record that leaves them out keeps the hash it had.
    """

    fields: Mapping[str, Kind]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    later: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read: typed values by field, what could not be read, and the hash of its content (32
    bytes).
    """

    values: dict[str, Any]
    defects: tuple[Defect, ...]
    content_hash: bytes


def read_record(spec: RecordSpec, item: object, found: tuple[Defect, ...] = ()) -> Record:
    """Return ``item`` read by ``spec``.

    :param item: A JSON object or a CSV row: field name to raw value. Anything else becomes a record of
        nothing with a defect. Fields that ``spec`` does not know are left out.
    :param found: Defects that were found before, as in joining the record's tables.
    """
    if not isinstance(item, Mapping):
        reason = f"not an object with named fields but a {type(item).__name__}"
        if isinstance(item, RepeatedFields):
            reason = f"names a field more than once: {printed(', '.join(item.repeated))}"
        defect = Defect("record", printed(item), reason)
        return Record(dict.fromkeys(spec.fields), (defect, *found), _hash({}, {"record": item}))
    values: dict[str, Any] = {}
    refused: dict[str, object] = {}
    defects = list(found)
    for name, kind in spec.fields.items():
        raw = item.get(name)
        try:
            value = kind.read(raw)
        except UnreadableValueError as error:
            value, refused[name] = None, raw
            defects.append(Defect(name, printed(raw), str(error)))
        else:
            if value is None and name in spec.defaults:
                value = spec.defaults[name]
        values[name] = value
    said = {name: value for name, value in values.items() if value is not None or name not in spec.later}
    return Record(values, tuple(defects), _hash(said, refused, found))


def _hash(values: Mapping[str, Any], refused: Mapping[str, object], found: tuple[Defect, ...] = ()) -> bytes:
    """Return the hash of what the record says; two records that differ anywhere have different hashes.

    Refused values enter as ASCII JSON of what was printed, in full: they may hold what no canonical form can.
    """
    content: dict[str, object] = {name: value for name, value in values.items() if name not in NOT_CONTENT}
    if refused or found:
        content["?"] = {
            "refused": {
                name: json.dumps(raw, sort_keys=True, ensure_ascii=True) for name, raw in refused.items()
            },
            "found": [defect.as_json() for defect in found],
        }
    return hashlib.sha256(canonical_bytes(content)).digest()
