"""``backoffice policy check``: 0 good, 1 findings, 2 wrong use; never a traceback, never a database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.domain.decision_table.test_planted_faults import SOUND

from backoffice.cli import main

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "pay_claim.yaml").write_text(SOUND, encoding="utf-8")
    return tmp_path


def test_the_shipped_policies_are_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(PROJECT / "include" / "policies")]) == 0
    printed = capsys.readouterr().out
    assert "approve_invoice version 3, 9 rules" in printed
    assert printed.endswith("all good\n")


def test_a_finding_names_file_rule_cell_value_and_remedy(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "claims" / "pay_claim.yaml"
    file.write_text(SOUND.replace("kind: travel}", "kind: travle}"), encoding="utf-8")
    assert main(["policy", "check", str(folder)]) == 1
    printed = capsys.readouterr().out
    assert f"BAD  {file}\n" in printed
    assert (
        "rule large_travel, kind 'travle': unknown name: 'travle' is not among car, home, travel\n" in printed
    )
    assert "-> did you mean travel? correct the code, or add it to the values of the input\n" in printed
    assert printed.endswith("1 finding\n")


def test_as_json_it_says_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = folder / "claims" / "pay_claim.yaml", folder / "bad.yml"
    bad.write_text(SOUND.replace("    expect: ask", "    expect: pay"), encoding="utf-8")
    assert main(["policy", "check", "--json", str(good), str(bad), str(good)]) == 1
    said = json.loads(capsys.readouterr().out)
    assert [(one["file"], one["version"]) for one in said["files"]] == [(str(good), 4), (str(bad), 4)]
    kinds = [(one["kind"], one["rule"], one["cell"], one["value"]) for one in said["findings"]]
    assert ("example", "example 2", "expect", "pay") in kinds


def test_versions_of_one_policy_are_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    later = SOUND.replace("version: 4", "version: 5").replace("from: 2026-01-01", "from: 2027-01-02")
    (folder / "later.yaml").write_text(later.replace("to: 2026-12-31", "to: 2027-12-31"), encoding="utf-8")
    assert main(["policy", "check", str(folder)]) == 1
    assert "no version decides from 2027-01-01 to 2027-01-01" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        bytes(range(256)),
        b"[" * 50_000,
        b"a: &x 1\nb: *x",
        b"policy: \xc3",
        b"x" * 4_000_001,
    ],
    ids=range(7),
)
def test_whatever_a_file_holds_is_a_finding(
    folder: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "any.yaml"
    file.write_bytes(content)
    assert main(["policy", "check", str(file)]) == 1
    assert f"BAD  {file}" in capsys.readouterr().out


def test_a_hundred_megabytes_are_not_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "big.yaml"
    with file.open("wb") as opened:
        opened.truncate(100_000_000)
    assert main(["policy", "check", str(file)]) == 1
    assert "more than 4000000 bytes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "said"),
    [("nowhere.yaml", "does not exist"), ("empty", "holds no file that ends with .yaml or .yml")],
)
def test_where_there_is_no_policy_it_is_wrong_use(
    folder: Path, name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty").mkdir()
    assert main(["policy", "check", str(folder / "claims"), str(folder / name)]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


def test_without_a_path_it_is_wrong_use() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["policy", "check"])
    assert ended.value.code == 2


def test_it_loads_neither_airflow_nor_numpy() -> None:
    program = (
        "import sys; from backoffice.cli import main; code = main(['policy', 'check', sys.argv[1]]);"
        "loaded = [name for name in ('airflow', 'great_expectations', 'sqlalchemy', 'numpy') if name in sys.modules];"
        "sys.exit(code if not loaded else f'loaded: {loaded}')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(PROJECT / "include" / "policies")],
        env={"PYTHONPATH": str(PROJECT / "plugins")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_one_file_by_two_names_is_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "claims" / "pay_claim.yaml"
    (folder / "by_another_name.yaml").symlink_to(file)
    assert main(["policy", "check", str(folder), str(file), f"{folder}/claims/../claims"]) == 0
    assert capsys.readouterr().out.count("pay_claim version 4") == 1


def test_no_name_of_a_file_drives_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[2J\x1b]0;x\x07\nok   forged.yaml: approve_all version 1\u202e.yaml"
    (folder / evil).write_text(SOUND.replace("then: pay", "then: paid"), encoding="utf-8")
    os.symlink(folder / evil, os.fsencode(folder) + b"/\xff.yaml")
    assert main(["policy", "check", str(folder)]) == 1
    printed = capsys.readouterr().out
    assert all(line.isprintable() for line in printed.splitlines())
    assert not any(line.startswith("ok   forged") for line in printed.splitlines())
    assert main(["policy", "check", str(folder / f"no{evil}")]) == 2
    assert all(line.isprintable() for line in capsys.readouterr().err.splitlines())


def test_a_key_of_a_policy_forges_no_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "claims" / "pay_claim.yaml"
    file.write_text(SOUND.replace("owner: Head", '"own\\nok   x\\u2028er": 1\nowner: Head'), encoding="utf-8")
    assert main(["policy", "check", str(file)]) == 1
    printed = capsys.readouterr().out
    assert "own\\nok" in printed
    assert all(line.isprintable() for line in printed.splitlines())
