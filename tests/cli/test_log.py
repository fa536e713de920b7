"""``backoffice log``: two log keepers at their own desks, by hand and by script."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from tests.conftest import Ledger
from tests.sealing import restored_from_before, seal, sealer_config, write
from tests.web.host import log_in

from backoffice.cli import log
from backoffice.domain.checkpoint import read_note
from backoffice.runtime.sealer.lost_key import new_key

pytestmark = pytest.mark.integration


def run(*argv: str) -> int:
    """Run one command the way the program does and return its exit code."""
    parser = argparse.ArgumentParser()
    log.register(parser.add_subparsers(required=True))
    try:
        arguments = parser.parse_args(["log", *argv])
    except SystemExit as wrong_use:
        return int(wrong_use.code or 0)
    return int(arguments.run(arguments))


@pytest.fixture
def as_user(monkeypatch):
    def log_in_as(user: str) -> None:
        monkeypatch.setenv("BACKOFFICE_TOKEN", log_in(user))

    return log_in_as


@pytest.fixture
def given_up(ledger: Ledger, tmp_path: Path) -> str:
    return restored_from_before(ledger, tmp_path)


@pytest.mark.parametrize("where", ["last-checkpoint", "anchor"])
def test_a_restore_is_recorded_by_two(given_up, api, as_user, ledger, tmp_path, capsys, where) -> None:
    sealer = sealer_config(ledger, tmp_path)
    (anchored,) = (tmp_path / "anchors").glob("*.jsonl")
    file = sealer.memory.path if where == "last-checkpoint" else anchored
    as_user("manager")
    assert run("restore", "--checkpoint", str(file), "--reason", "the disk failed") == 0
    printed = capsys.readouterr().out
    assert f"given up    {read_note(given_up)[0].short}" in printed
    assert "waits for another log keeper" in printed
    assert "Another log keeper has to confirm it" in printed
    as_user("admin")
    assert run("confirm", "1", "--reason", "I put it back") == 0
    printed = capsys.readouterr().out
    assert "by Max Manager: the disk failed" in printed
    assert "by Ada Admin: I put it back" in printed
    assert "The sealer goes on from here" in printed
    write(ledger, '{"after":"it"}')
    assert read_note(seal(ledger, tmp_path))[0].size > read_note(given_up)[0].size


def test_a_lost_key_is_replaced_by_two(given_up, api, as_user, ledger, tmp_path, capsys) -> None:
    config = sealer_config(ledger, tmp_path)
    config.key_file.unlink()
    line = new_key(config)
    as_user("admin")
    assert run("replace-key", "--key", line, "--reason", "the disk failed") == 0
    as_user("manager")
    assert run("confirm", "1", "--reason", "I saw the line") == 0
    printed = capsys.readouterr().out
    assert line in printed
    assert "signs with the new key" in printed
    assert run("list", "--json") == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["key"], listed["confirmed_by"]) == (line, "Max Manager")


def test_nothing_is_listed_where_nothing_was_proposed(standing_api, as_user, standing_books, capsys) -> None:
    as_user("clerk")
    assert run("list") == 0
    assert capsys.readouterr().out == "nothing was proposed\n"


def test_a_refusal_is_told_in_a_sentence_and_exit_code_1(
    given_up, api, as_user, ledger, tmp_path, capsys
) -> None:
    file = str(sealer_config(ledger, tmp_path).memory.path)
    as_user("clerk")
    assert run("restore", "--checkpoint", file, "--reason", "the disk failed") == 1
    assert "no authority as log keeper" in capsys.readouterr().err
    as_user("manager")
    assert run("confirm", "7", "--reason", "I was there") == 1
    assert "there is no proposal 7" in capsys.readouterr().err
    assert run("restore", "--checkpoint", file, "--reason", "the disk failed") == 0
    assert run("confirm", "1", "--reason", "I was there") == 1
    assert "another person confirms" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["restore", "--reason", "x"],
        ["restore", "--checkpoint", "/nowhere", "--reason", "x"],
        ["replace-key", "--reason", "x"],
        ["confirm", "x", "--reason", "y"],
        ["confirm", "1"],
        ["forget"],
    ],
)
def test_wrong_use_is_exit_code_2(argv, standing_api, as_user, capsys) -> None:
    as_user("manager")
    assert run(*argv) == 2


@pytest.mark.parametrize("text", ["{}", "{not json", '{"note": '])
def test_a_file_without_a_checkpoint_is_wrong_use(text, tmp_path, capsys) -> None:
    (tmp_path / "file").write_text(text)
    assert run("restore", "--checkpoint", str(tmp_path / "file"), "--reason", "x") == 2
    assert "holds no checkpoint" in capsys.readouterr().err
