"""What the files of a pack say, read into records and items; nothing here decides whether it is true."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FORM = "backoffice evidence pack 1"
PACK, LOG, NOTE, PAGE = "pack.json", "log/log.json", "log/checkpoint.txt", "summary.html"
ALL, CHOSEN = "all", "chosen"
NOT_SIGNED = "listed_not_signed"


@dataclass(frozen=True)
class Record:
    """One record of the audit log, and where it stands in the hash tree.

    :param no: Its number in the pack; ``records/0001.json`` is the file of number 1.
    :param subject: What it is about.
    :param n: Its number within the subject.
    :param place: Its place in the tree; None while no checkpoint covers it.
    :param proof: Hashes that lead from its leaf to the root.
    :param body: The bytes that are hashed; None where they were purged from the log.
    :param said: The same, read; empty where they were purged.
    """

    no: int
    subject: str
    n: int
    kind: str
    place: int | None
    leaf: bytes
    proof: tuple[bytes, ...]
    body: bytes | None
    said: Mapping[str, Any]

    @property
    def at(self) -> str:
        """Return the moment that it says."""
        return str(self.said.get("at") or self.said.get("recorded_at") or "")


@dataclass(frozen=True)
class KeyLink:
    """One public key of the log; from the second on, what the key before it says of it.

    :param line: The key in its one-line form.
    :param record: Number in the pack of the record that introduced it; None for the first.
    :param note: The first checkpoint that covers that record.
    :param proof: Hashes that lead from the record to that checkpoint's root.
    """

    line: str
    record: int | None
    note: str
    proof: tuple[bytes, ...]


@dataclass(frozen=True)
class Item:
    """What the pack is about, or one thing of the sample.

    :param ref: Its name; of whatever can be named so, a name that stands in signed records.
    :param subjects: Subjects of the log of which every record up to the pack's making is in it.
    :param records: Numbers of the records that belong to it, those it rests on included.
    :param signed: What the ledger's tables say and signed records say too.
    :param listed: What the ledger's tables say and no record: no signature covers that.
    """

    ref: str
    subjects: tuple[str, ...]
    records: tuple[int, ...]
    signed: Mapping[str, Any]
    listed: Mapping[str, Any]


@dataclass(frozen=True)
class Pack:
    """A pack, read."""

    files: Mapping[str, bytes]
    about: Mapping[str, Any]
    note: str | None
    records: Mapping[int, Record]
    subjects: Mapping[str, str]
    keys: tuple[KeyLink, ...]
    anchored: Mapping[str, Any] | None
    items: tuple[Item, ...]

    @property
    def sample(self) -> Mapping[str, Any] | None:
        """Return what a sample was drawn from; nothing in a pack about one thing."""
        sample: Mapping[str, Any] | None = self.about[NOT_SIGNED].get("sample")
        return sample

    def below(self, folder: str) -> list[str]:
        """Return the names of the files in a folder."""
        return sorted(name for name in self.files if name.startswith(f"{folder}/"))


def read_pack(files: Mapping[str, bytes]) -> Pack:
    """Return what the files say.

    :raises ValueError: They are not of the form of a pack; the message names the file.
    """
    name = PACK
    try:
        about = json.loads(files[PACK])
        if about["form"] != FORM:
            raise ValueError(f"it is of the form {about['form']!r}, this program reads {FORM!r}")
        name = LOG
        log = json.loads(files[LOG])
        records = {one["no"]: _record(one, files) for one in log["records"]}
        keys = tuple(_key(one) for one in log["keys"])
        subjects = {str(subject): str(how) for subject, how in log["subjects"].items()}
        anchored = log["anchored"]
        note = files[NOTE].decode("utf-8") if NOTE in files else None
        about[NOT_SIGNED].get("sample")
        items = []
        for name in about["items"]:
            items.append(_item(json.loads(files[name])))
    except KeyError as error:
        raise ValueError(f"file {name}: {error} is missing") from None
    except (TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"file {name}: {error}") from None
    return Pack(files, about, note, records, subjects, keys, anchored, tuple(items))


def record_file(no: int) -> str:
    """Return the name of a record's file."""
    return f"records/{no:04d}.json"


def _record(one: Mapping[str, Any], files: Mapping[str, bytes]) -> Record:
    no, place = one["no"], one["place"]
    if not isinstance(no, int) or not isinstance(one["n"], int) or not isinstance(place, (int, type(None))):
        raise ValueError("a number is none")
    body = None if one["purged"] is True else files.get(record_file(no))
    if body is None and one["purged"] is not True:
        raise ValueError(f"record {no} has no file")
    said = {} if body is None else json.loads(body)
    if not isinstance(said, dict):
        raise ValueError(f"record {no} says nothing")
    return Record(
        no,
        str(one["subject"]),
        one["n"],
        str(one["kind"]),
        place,
        bytes.fromhex(one["leaf"]),
        _hashes(one["proof"]),
        body,
        said,
    )


def _key(one: Mapping[str, Any]) -> KeyLink:
    return KeyLink(str(one["line"]), one["record"], str(one["note"]), _hashes(one["proof"]))


def _item(one: Mapping[str, Any]) -> Item:
    return Item(
        str(one["ref"]),
        tuple(map(str, one["subjects"])),
        tuple(map(int, one["records"])),
        dict(one["signed"]),
        dict(one[NOT_SIGNED]),
    )


def _hashes(given: Any) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(one) for one in given)
