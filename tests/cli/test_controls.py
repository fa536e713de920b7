"""``backoffice controls`` on a real ledger: exit codes, what is printed, data and page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conftest import Ledger

from backoffice.cli import main
from backoffice.governance.controls.catalogue import load_catalogue

pytestmark = pytest.mark.integration
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def dsn_file(ledger: Ledger, tmp_path: Path) -> str:
    """A file with the auditor's DSN of a ledger that is closed to strangers and has no simulated day."""
    with ledger.connect("admin", autocommit=True) as connection:
        connection.execute(f"REVOKE ALL ON DATABASE {ledger.database} FROM PUBLIC")
        connection.execute("DELETE FROM ops.simulated_clock")
    file = tmp_path / "auditor.dsn"
    file.write_text(ledger.dsn("auditor"), encoding="utf-8")
    return str(file)


def change(ledger: Ledger, statement: str) -> None:
    with ledger.connect("admin") as connection:
        connection.execute(statement)


def test_no_exceptions_is_0(dsn_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["controls", "--period", "2026-11", "--dsn-file", dsn_file, "--control", "ledger_ties", "--control", "database_rights"]) == 0  # fmt: skip
    said = capsys.readouterr().out
    assert "Controls of 2026-11: 2026-11-01 to 2026-11-30" in said
    assert "ledger_ties      no population  The journal balances and ties (detective)" in said
    assert "database_rights  effective" in said
    assert "2 controls, 0 with exceptions" in said


def test_exceptions_are_1_and_are_named(
    ledger: Ledger, dsn_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(ledger, "UPDATE ledger.tolerance SET up_pct = 50 WHERE code = 'PRICE'")
    assert main(["controls", "--period", "2000-01-01..9000-12-31", "--dsn-file", dsn_file, "--control", "rule_changes"]) == 1  # fmt: skip
    said = capsys.readouterr().out
    assert "rule_changes  EXCEPTIONS" in said
    assert (
        "changed_by_the_owner: ledger.tolerance PRICE | row changed: before up_pct 2; after up_pct 50 | by postgres |"
        in said
    )
    assert "1 with exceptions: rule_changes" in said


def test_the_data_names_everything(ledger: Ledger, dsn_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(30):
        change(ledger, f"INSERT INTO purchasing.uom_factor VALUES ('X{number}', 'EA', '*', 12, 1)")
    command = [
        "controls",
        "--period",
        "2000-01-01..9000-12-31",
        "--dsn-file",
        dsn_file,
        "--control",
        "rule_changes",
    ]
    assert main(command) == 1
    assert "and 10 more" in capsys.readouterr().out
    assert main([*command, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["period"] == {
        "name": "2000-01-01..9000-12-31",
        "first_day": "2000-01-01",
        "last_day": "9000-12-31",
    }
    assert said["good"] is False
    [control] = said["controls"]
    assert control["outcome"] == "exceptions"
    assert len(control["exceptions"]) == 30
    first = control["exceptions"][0]
    assert first["check"] == "changed_by_the_owner"
    assert first["meaning"].startswith("The owner of the database changed")
    assert first["who"] == "postgres"
    assert first["at"].endswith("Z")


def test_all_controls_are_tested_unless_some_are_named(
    dsn_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["controls", "--period", "2026", "--dsn-file", dsn_file, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in said["controls"]] == [control.id for control in load_catalogue()]


def test_the_page_shows_what_is_on_the_books_as_text(
    ledger: Ledger, dsn_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(ledger, f"INSERT INTO ledger.setting VALUES ('x', '{HOSTILE}')")
    file = tmp_path / "controls.html"
    assert (
        main(["controls", "--period", "2000-01-01..9000-12-31", "--dsn-file", dsn_file, "--html", str(file)])
        == 1
    )
    page = file.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in page
    assert HOSTILE not in page
    assert "<script" not in page
    for control in load_catalogue():
        assert control.id in page


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--period"],
        ["--period", "2026-13"],
        ["--period", "last month"],
        ["--period", "2026-11-20..2026-11-01"],
        ["--period", "2026", "--control", "nonsense"],
        ["--period", "2026", "--catalogue"],
    ],
)
def test_wrong_use_is_2(argv: list[str], dsn_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["controls", *argv, "--dsn-file", dsn_file])
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_ledger_that_does_not_answer_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "auditor.dsn"
    file.write_text(
        "postgresql://auditor:hush-hush@127.0.0.1:1/backoffice?connect_timeout=2", encoding="utf-8"
    )
    assert main(["controls", "--period", "2026", "--dsn-file", str(file)]) == 1
    said = "".join(capsys.readouterr())
    assert "does not answer" in said
    assert "hush" not in said


def test_a_page_that_cannot_be_written_is_1(
    dsn_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = str(tmp_path / "no" / "such" / "folder.html")
    assert main(["controls", "--period", "2026", "--dsn-file", dsn_file, "--html", nowhere]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_the_catalogue_needs_no_ledger(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["controls", "--catalogue"]) == 0
    assert capsys.readouterr().out.startswith("# Controls\n")


def test_who_may_not_read_sees_every_test_fail(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log-in without rights: no control is called good."""
    file = tmp_path / "sealer.dsn"
    file.write_text(ledger.dsn("sealer"), encoding="utf-8")
    assert main(["controls", "--period", "2026", "--dsn-file", str(file)]) == 1
    assert "does not say its fiscal periods" in capsys.readouterr().err
