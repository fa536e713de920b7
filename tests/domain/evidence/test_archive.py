"""One set of files, one ZIP: readable by every program, and by this one only in its one form."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.domain.evidence.archive import (
    SUMS,
    PackError,
    first_difference,
    pack_hash,
    read_archive,
    write_archive,
    write_sums,
    wrong_sums,
)

NAMES = st.from_regex(r"[a-z0-9]{1,6}(/[A-Za-z0-9_.-]{1,3}){0,2}", fullmatch=True).filter(
    lambda name: all(part[0] not in ".-" for part in name.split("/"))
)
FILES = st.dictionaries(NAMES, st.binary(max_size=60), min_size=1, max_size=6)


@given(FILES)
def test_every_program_reads_the_same_files_from_it(files) -> None:
    data = write_archive(files)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {one.filename: archive.read(one) for one in archive.infolist()} == files
        assert {one.compress_type for one in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert read_archive(data) == files
    assert write_archive(dict(reversed(files.items()))) == data
    assert first_difference(files, data) == -1


@given(FILES, st.data())
def test_no_byte_of_it_is_free(files, data) -> None:
    whole = {**files, SUMS: write_sums(files)}
    archive = bytearray(write_archive(whole))
    place = data.draw(st.integers(0, len(archive) - 1))
    archive[place] ^= data.draw(st.integers(1, 255))
    try:
        read = read_archive(bytes(archive))
    except PackError:
        return
    assert wrong_sums(read) or first_difference(read, bytes(archive)) >= 0


def test_another_zip_of_the_same_files_is_no_pack() -> None:
    files = {"a.txt": b"1", "b/c.txt": b"2"}
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        other = io.BytesIO()
        with zipfile.ZipFile(other, "w", compression) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        try:
            read = read_archive(other.getvalue())
        except PackError:
            continue
        assert first_difference(read, other.getvalue()) >= 0


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "../a", "a/../b", "a\\b", "ä", "a b", ".hidden", "a\0b", "C:x", "-rf"]
)
def test_names_that_could_lead_elsewhere_are_refused(name) -> None:
    with pytest.raises(PackError):
        write_archive({name: b""})


def test_the_first_difference_is_told() -> None:
    files = {"a": b"12345"}
    data = write_archive(files)
    assert first_difference(files, data + b"x") == len(data)
    assert first_difference(files, data[:-2]) == len(data) - 2
    assert first_difference(files, b"X" + data[1:]) == 0


def test_the_list_of_hashes_is_that_of_sha256sum() -> None:
    files = {"b": b"2", "a": b"1"}
    sums = write_sums(files)
    assert sums.decode() == "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in "ab")
    whole = {**files, SUMS: sums}
    assert wrong_sums(whole) == []
    assert pack_hash(whole) == hashlib.sha256(sums).hexdigest()
    assert wrong_sums({**whole, "a": b"3"}) == ["a"]
    assert wrong_sums({**whole, "c": b"3"}) == ["c"]
    assert wrong_sums({SUMS: sums, "a": b"1"}) == [SUMS]
    assert wrong_sums({**whole, SUMS: sums + b"\n"}) == [SUMS]
    assert wrong_sums(files) == ["a", "b"]


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"\x1f\x8b", bytes(100)]
)
def test_what_is_no_pack_is_refused(data) -> None:
    with pytest.raises(PackError):
        read_archive(data)
