"""Small files of state: private, whole, locked by one process."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from backoffice.runtime.errors import tail
from backoffice.runtime.files import FileLock, read_json, rotate, write_json, write_private


def test_a_private_file_is_for_its_owner_even_when_it_replaces_an_open_one(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path) == {"a": 1}


@pytest.mark.parametrize("text", ["", "{", "[1]", "null"])
def test_what_is_no_object_reads_as_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    assert read_json(tmp_path / "x.json") is None
    assert read_json(tmp_path / "absent.json") is None


def test_the_kernel_frees_a_lock_with_its_holder(tmp_path: Path, child_environment: dict[str, str]) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys; from pathlib import Path; from backoffice.runtime.files import FileLock\n"
        "lock = FileLock(Path(sys.argv[1])); print(lock.acquire(), flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        env=child_environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    lock = FileLock(path)
    assert not lock.acquire()
    assert not lock.probe()
    assert lock.holder() == str(holder.pid)
    holder.kill()
    holder.communicate()
    assert lock.probe()
    assert lock.acquire()
    assert lock.holder() == str(os.getpid())
    lock.release()


def test_a_log_is_emptied_only_when_it_has_grown_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"12345")
        rotate(log, limit=5)
        assert log.read_text() == "12345"
        rotate(log, limit=4)
        assert log.read_text() == ""
        assert (tmp_path / "x.log.1").read_text() == "12345"
        writer.write(b"6")
    assert log.read_text() == "6"


def test_the_tail_of_a_log_survives_any_bytes(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"first\n" + b"\xff\xfe" * 40_000 + b"\nlast")
    assert tail(log, 1) == "  | last"
    assert "no log" in tail(tmp_path / "absent.log")
