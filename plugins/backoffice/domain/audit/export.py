"""The log as a stream of lines: written from a ledger, verified without one.

Each line is a JSON list whose first element says what it is: ``log`` (form and number of the highest
record), ``key``, ``laid`` (where a checkpoint lies outside), ``seal``, ``block``, ``purged``, ``waiting``,
``record``, in this order, and ``end`` with the number of lines before it. Hashes are hex, moments UTC; a
record's bytes are its text, or a list of ``base64`` and that where they are no text.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from typing import Any, TypeVar

import orjson

from backoffice.domain.audit.findings import Findings
from backoffice.domain.audit.log import AuditLog, KeyRow, LaidDown, Progress, Row, Seal
from backoffice.domain.canonical import time_text
from backoffice.domain.merkle import Frontier

FORM = "audit log export 1"
Built = TypeVar("Built")
_ORDER = ("log", "key", "laid", "seal", "block", "purged", "waiting", "record", "end")


class ExportError(ValueError):
    """The file is no whole export of an audit log."""


def export_lines(log: AuditLog) -> Iterator[bytes]:
    """Yield the export of a log, line by line, in constant memory."""
    count = 0
    for line in _lines(log):
        yield orjson.dumps(line) + b"\n"
        count += 1
    yield orjson.dumps(["end", count]) + b"\n"


def _lines(log: AuditLog) -> Iterator[list[Any]]:
    yield ["log", FORM, log.last_record()]
    yield from (["key", *row] for row in log.sealing_keys())
    for seal_no, anchor, receipt, size, root in log.laid_down():
        yield ["laid", seal_no, anchor, receipt, size, root.hex()]
    for seal in log.seals(0):
        edge = [one.hex() for one in seal.edge]
        yield ["seal", seal.seal_no, seal.size, seal.root.hex(), edge, *seal[4:7], time_text(seal.sealed_at)]
    for number, root in log.blocks(0):
        yield ["block", number, root.hex()]
    yield from (["purged", *row] for row in log.purged(0))
    for name, rows in (("waiting", log.waiting()), ("record", log.rows(0))):
        for row in rows:
            yield [name, *_written(row)]


def _written(row: Row) -> list[Any]:
    *known, recorded_at, body, leaf = row
    at = time_text(recorded_at) if recorded_at else None
    return [*known, at, None if body is None else _text(body), leaf.hex() if leaf is not None else None]


def _text(body: bytes) -> Any:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return ["base64", base64.b64encode(body).decode()]


class ExportedAuditLog:
    """An export as a log that can be verified, read line by line from the start of each part.

    Counting the records of each subject takes some hundred bytes per subject; nothing else grows.

    :param open_lines: Opens the file anew and yields its lines.
    :raises ExportError: It is no whole export.
    """

    def __init__(self, open_lines: Callable[[], Iterable[bytes]]) -> None:
        self._open = open_lines
        self._counted: dict[int, int] = {}
        self._gaps: list[tuple[str, int, int, int]] = []
        self._ended = False
        first = next(iter(self._read()), None)
        if first is None or first[:2] != ["log", FORM]:
            raise ExportError(f"it does not begin as {FORM!r} does")
        self._last_record = _built(lambda _, number: _whole(number), first)

    def rows(self, first: int) -> Iterator[Row]:
        """Yield the sealed records from a place on, by place, and count those of each subject."""
        for line in self._read(after="waiting"):
            if line[0] == "record":
                row = _built(_row, line)
                self._count(row)
                if row[0] >= first:
                    yield row

    def waiting(self) -> Iterator[Row]:
        """Yield the records without a checkpoint."""
        for row in self._part("waiting", _row):
            self._count(row)
            yield row

    def seals(self, after: int) -> Generator[Seal, None, None]:
        """Yield the checkpoints that cover more than ``after`` records, by number."""
        yield from (seal for seal in self._part("seal", _seal) if seal.size > after)

    def seal_of_size(self, size: int) -> Seal | None:
        """Return the checkpoint that covers so many records."""
        return next((seal for seal in self.seals(0) if seal.size == size), None)

    def blocks(self, first: int) -> Iterator[tuple[int, bytes]]:
        """Yield number and root of each kept block from a number on."""
        return (block for block in self._part("block", _block) if block[0] >= first)

    def purged(self, first: int) -> Iterator[tuple[int, int]]:
        """Yield each place, from one on, that lost its bytes to a purge, with the record that says so."""
        return (one for one in self._part("purged", _purged) if one[0] >= first)

    def sealing_keys(self) -> list[KeyRow]:
        """Return every key, in the order of introduction."""
        return list(self._part("key", _key))

    def introductions(self) -> Iterator[tuple[int, bytes]]:
        """Yield place and bytes of each sealed record that introduces a key, by place."""
        for place, _, _, _, kind, _, body, _ in self._part("record", _row):
            if kind == "key" and body is not None:
                yield place, body

    def root_with(self, size: int, place: int, leaf: bytes) -> bytes | None:
        """Return the root over ``size`` records with this hash at a place; None where the tree has gaps."""
        tree = Frontier()
        for at, *_, kept in self._part("record", _row):
            if at != tree.size or kept is None:
                return None
            tree.append(leaf if at == place else kept)
            if tree.size == size:
                return tree.root()
        return None

    def laid_down(self) -> list[LaidDown]:
        """Return where the ledger says its checkpoints lie outside."""
        return list(self._part("laid", _laid))

    def last_record(self) -> int:
        """Return the highest record id."""
        return self._last_record

    def examine(self, findings: Findings, since: Progress | None) -> None:
        """Tell of the counters; an export has no tables to compare with, and nothing seals it."""
        if not self._ended:
            raise ExportError("its end is missing")
        for subject, n, record_id, place in self._gaps:
            what = f"its record number {place} calls itself {n}"
            findings.add("counter", what, record_id=record_id, subject=subject, n=n)
        findings.leave_out("completeness", "an export has no tables to compare the log with")
        findings.leave_out("fresh", "an export is not sealed any further")

    # -- parts --

    def _count(self, row: Row) -> None:
        subject, n = row[2], row[3]
        if subject is None or n is None:
            return
        place = self._counted.get(hash(subject), 0) + 1
        if n != place and place > 0:
            self._gaps.append((subject, n, row[1], place))
            place = -(2**40)  # told once
        self._counted[hash(subject)] = place

    def _part(self, name: str, build: Callable[..., Built]) -> Iterator[Built]:
        for line in self._read():
            if line[0] == name:
                yield _built(build, line)
            elif _ORDER.index(line[0]) > _ORDER.index(name):
                return

    def _read(self, after: str = "") -> Iterator[list[Any]]:
        part, skipped = 0, f'["{after}"'.encode()
        for count, text in enumerate(self._open()):
            if after and text.startswith(skipped):
                continue
            line = _parsed(text, count)
            if line[0] not in _ORDER[part:]:
                raise ExportError(f"line {count + 1} is {line[0]!r} and does not belong there")
            part = _ORDER.index(line[0])
            if line[0] == "end":
                if line[1:] != [count]:
                    raise ExportError(f"its end says {line[1:]} lines, there are {count}")
                self._ended = True
                return
            yield line


def _parsed(text: bytes, count: int) -> list[Any]:
    try:
        line = orjson.loads(text)
    except ValueError:
        raise ExportError(f"line {count + 1} is no JSON") from None
    if not isinstance(line, list) or not line or not isinstance(line[0], str):
        raise ExportError(f"line {count + 1} is no line of an export")
    return line


def _built(build: Callable[..., Built], line: list[Any]) -> Built:
    try:
        return build(*line[1:])
    except (ValueError, TypeError, AttributeError, IndexError):
        raise ExportError(f"{line[:3]} is no {line[0]} of an export") from None


def _row(place: int, record_id: int, subject: Any, n: Any, kind: Any, at: Any, body: Any, leaf: Any) -> Row:
    moment = None if at is None else _moment(at)
    hashed = None if leaf is None else _hash(leaf)
    texts = [None if one is None else _line(one) for one in (subject, kind)]
    number = None if n is None else _whole(n)
    return _whole(place), _whole(record_id), texts[0], number, texts[1], moment, _body(body), hashed


def _seal(
    number: int, size: int, root: str, edge: list[str], note: str, key_id: str, reason: str, at: str
) -> Seal:
    hashes = tuple(_hash(one) for one in edge)
    texts = _line(note), _line(key_id), _line(reason)
    return Seal(_whole(number), _whole(size), _hash(root), hashes, *texts, _moment(at))


def _block(number: int, root: str) -> tuple[int, bytes]:
    return _whole(number), _hash(root)


def _purged(place: int, said_by: int) -> tuple[int, int]:
    return _whole(place), _whole(said_by)


def _key(key_id: str, line: str, record_id: int) -> KeyRow:
    return KeyRow(_line(key_id), _line(line), _whole(record_id))


def _laid(seal_no: int, anchor: str, receipt: str, size: int, root: str) -> LaidDown:
    return LaidDown(_whole(seal_no), _line(anchor), _line(receipt), _whole(size), _hash(root))


def _body(body: Any) -> bytes | None:
    if isinstance(body, str):
        return body.encode()
    return None if body is None else base64.b64decode(body[1], validate=True)


def _whole(number: Any) -> int:
    if type(number) is not int:
        raise ValueError(number)
    return number


def _line(text: Any) -> str:
    if not isinstance(text, str):
        raise ValueError(text)
    return text


def _hash(text: str) -> bytes:
    raw = bytes.fromhex(text)
    if raw.hex() != text:
        raise ValueError(text)
    return raw


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if time_text(moment) != text:
        raise ValueError(text)
    return moment
