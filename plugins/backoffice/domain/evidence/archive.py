"""The one form that a set of files has as an evidence pack: a ZIP whose every byte follows from them.

Files in the order of their names, stored and not compressed, no time, no attributes, no comment. Who writes
the same files gets the same bytes; a ZIP with other bytes is no pack, whatever a program would unpack from
it. ``SHA256SUMS`` among the files lists the hash of each other one, in the form that ``sha256sum -c`` reads;
its own hash stands for the whole pack.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Mapping

SUMS = "SHA256SUMS"
MOST_FILES = 65_000
MOST_BYTES = 2**32 - 2**20  # what a ZIP can say without an extension of its form

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION, _DAY = 10, 0x21  # plain storing; 1980-01-01, the first day that the form knows


class PackError(ValueError):
    """Bytes that are no evidence pack; the message says where they cease to be one."""


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """Return the ZIP of these files.

    :raises PackError: A name is of another form than packs have, or there is too much for one ZIP.
    """
    if len(files) > MOST_FILES or sum(len(content) for content in files.values()) > MOST_BYTES:
        raise PackError("more than one ZIP can hold; ask for less at once")
    parts: list[bytes] = []
    index: list[bytes] = []
    place = 0
    for name in sorted(files):
        content, raw = files[name], _raw(name)
        told = (zlib.crc32(content), len(content), len(content))
        head = _LOCAL.pack(b"PK\x03\x04", _VERSION, 0, 0, 0, _DAY, *told, len(raw), 0) + raw
        tail = (len(raw), 0, 0, 0, 0, 0, place)
        index.append(_CENTRAL.pack(b"PK\x01\x02", _VERSION, _VERSION, 0, 0, 0, _DAY, *told, *tail) + raw)
        parts += [head, content]
        place += len(head) + len(content)
    listed = b"".join(index)
    end = _END.pack(b"PK\x05\x06", 0, 0, len(index), len(index), len(listed), place, 0)
    return b"".join([*parts, listed, end])


def read_archive(data: bytes) -> dict[str, bytes]:
    """Return the files of a pack, as far as its outline says where they are; ``first_difference`` says
    whether these bytes are all that there is.

    :raises PackError: The outline does not lead from the first byte to the list of files.
    """
    files: dict[str, bytes] = {}
    place = 0
    while data[place : place + 4] == b"PK\x03\x04":
        if len(data) < place + _LOCAL.size:
            raise PackError(f"it ends within a file, at byte {place}")
        fields = _LOCAL.unpack_from(data, place)
        size, length = fields[7], fields[9]
        start = place + _LOCAL.size + length
        name = data[place + _LOCAL.size : start].decode("ascii", "replace")
        if not _NAME.fullmatch(name) or name in files or len(data) < start + size:
            raise PackError(f"at byte {place} begins no file of a pack")
        files[name] = data[start : start + size]
        place = start + size
    if not files:
        raise PackError("this is no evidence pack")
    return files


def first_difference(files: Mapping[str, bytes], data: bytes) -> int:
    """Return the first byte in which ``data`` is not the ZIP of these files; -1 where it is."""
    expected = write_archive(files)
    if expected == data:
        return -1
    low, high = 0, min(len(expected), len(data))
    while low < high:  # the longest common beginning
        middle = (low + high + 1) // 2
        if expected[:middle] == data[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def write_sums(files: Mapping[str, bytes]) -> bytes:
    """Return the list of all files but itself with their hashes."""
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files) if name != SUMS)
    return "".join(lines).encode("ascii")


def wrong_sums(files: Mapping[str, bytes]) -> list[str]:
    """Return the names of the files that are not as ``SHA256SUMS`` says, are missing or too many there."""
    given = files.get(SUMS, b"").decode("ascii", "replace")
    expected = write_sums(files).decode("ascii")
    if given == expected:
        return []
    lines = set(given.splitlines()) ^ set(expected.splitlines())
    wrong = {line[66:] for line in lines}
    return sorted(name for name in wrong if name in files) or [SUMS]


def pack_hash(files: Mapping[str, bytes]) -> str:
    """Return what stands for the whole pack: the hash of its list of hashes."""
    return hashlib.sha256(files.get(SUMS, b"")).hexdigest()


def _raw(name: str) -> bytes:
    if not _NAME.fullmatch(name):
        raise PackError(f"{name!r} is no name of a file of a pack")
    return name.encode("ascii")
