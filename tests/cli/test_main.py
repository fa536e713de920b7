"""The command line's fixed interface: commands, exit codes, and what it never prints."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backoffice.cli import main

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BACKOFFICE_HOME", str(tmp_path / "var"))
    monkeypatch.delenv("BACKOFFICE_ADMIN_DSN", raising=False)
    return tmp_path / "var"


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nonsense"],
        ["dsn", "--role", "owner"],
        ["dsn", "--role", "web"],
        ["dsn", "--role", "migrator"],
        ["up", "x"],
        ["migrate", "--admin-dsn", "postgresql://boss@db.example/postgres"],
        ["migrate", "--dsn-file", ""],
        ["migrate", "--dsn-file", os.devnull],
        ["migrate", "--dsn-file", "/nowhere/at/all"],
    ],
)
def test_wrong_use_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["file", "standard input"])
def test_the_administrators_dsn_is_read_and_never_shown(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that does not answer; what is tried is what was read, and the password is in no message."""
    dsn = "postgresql://boss:hush-hush@127.0.0.1:1/postgres?connect_timeout=2"
    file = tmp_path / "admin.dsn"
    file.write_text(f"{dsn}\n", encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(dsn))
    assert main(["migrate", "--dsn-file", str(file) if given == "file" else "-"]) == 1
    said = "".join(capsys.readouterr())
    assert "the server refuses" in said
    assert "127.0.0.1" in said
    assert "hush" not in said


def test_every_command_of_the_fixed_interface_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for command in ("up", "down", "status", "migrate", "doctor", "dsn", "review"):
        assert f"\n    {command} " in text


def test_status_of_nothing_is_1(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 1
    assert "nothing runs" in capsys.readouterr().out
    assert main(["status", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["running"] is False
    assert said["strays"] == []
    assert not state.exists(), "looking leaves no trace"


def test_down_of_nothing_is_0(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down"]) == 0
    assert "nothing runs" in capsys.readouterr().out


def test_dsn_before_the_first_start_is_1(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dsn"]) == 1
    assert "nothing was ever started here" in capsys.readouterr().err


def test_doctor_of_nothing_is_1_and_says_what_to_do(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    bad = [number for number, line in enumerate(lines) if line.startswith("BAD")]
    assert bad
    for number in bad:
        assert lines[number + 1].strip().startswith("-> ")


def test_it_runs_as_a_program_from_anywhere(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "backoffice.cli", "status"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "plugins"), "BACKOFFICE_HOME": str(tmp_path / "var")},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 1
    assert "nothing runs" in answer.stdout


def test_ctrl_c_is_130_as_in_shells(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("backoffice.cli.ledger._migrate", interrupted)
    assert main(["migrate"]) == 130
