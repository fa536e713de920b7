"""``backoffice evidence`` on a real ledger: what is written, what is printed, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.books import Books
from tests.conftest import Ledger
from tests.sealing import seal

from backoffice.cli import main
from backoffice.domain.evidence.check import check_archive

pytestmark = pytest.mark.integration


@pytest.fixture
def books(ledger: Ledger, tmp_path: Path) -> Ledger:
    """Two invoices of one number, all sealed."""
    with ledger.connect("app") as app:
        books = Books(app).open_run()
        books.supplier()
        books.order("PO-1", 1, 100, 10)
        books.receive("PO-1", 1, 100)
        books.invoice("R-1", [("PO-1", 1, 10, 10)])
        books.invoice("R-2", [("PO-1", 1, 11, 10)])
        books.invoice("R-2", [("PO-1", 1, 12, 10)], payee_iban="DE2")
        books.night()
    seal(ledger, tmp_path)
    return ledger


@pytest.fixture
def dsn_file(books: Ledger, tmp_path: Path) -> str:
    file = tmp_path / "auditor.dsn"
    file.write_text(books.dsn("auditor"), encoding="utf-8")
    return str(file)


def test_a_pack_is_written_and_told(dsn_file, tmp_path, capsys) -> None:
    file = tmp_path / "pack.zip"
    assert main(["evidence", "R-1", "-o", str(file), "--dsn-file", dsn_file]) == 0
    outcome = check_archive(file.read_bytes())
    said = capsys.readouterr().out.splitlines()
    assert outcome.broken == ()
    assert said == [
        f"{file}: {outcome.records} records under checkpoint {outcome.checkpoint}, signed by {outcome.key_id}",
        f"pack {outcome.pack}",
    ]


def test_what_is_not_sealed_yet_is_said(books, dsn_file, tmp_path, capsys) -> None:
    with books.connect("app") as app:
        later = Books(app).open_run("later")
        later.order("PO-1", 1, 100, 5, version=2)
        later.match()
        later.decide()
    assert main(["evidence", "R-1", "-o", str(tmp_path / "pack.zip"), "--dsn-file", dsn_file]) == 0
    assert "records are not sealed yet; make it again after the next checkpoint" in capsys.readouterr().out


@pytest.mark.parametrize("ref", ["nothing of this name", "R-2", "entry:999"])
def test_a_name_that_means_nothing_or_several_things_is_wrong_use(dsn_file, tmp_path, capsys, ref) -> None:
    file = tmp_path / "pack.zip"
    with pytest.raises(SystemExit) as ended:
        main(["evidence", ref, "-o", str(file), "--dsn-file", dsn_file])
    assert ended.value.code == 2
    assert not file.exists()
    assert ref in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["R-1", "--period", "2026"], ["--period", "2026", "--population", "postings", "--sample", "3"], ["--period", "2026"],
        ["--period", "nonsense", "--population", "postings", "--sample", "3", "--seed", "s"],
        ["--period", "2026", "--population", "nothing", "--sample", "3", "--seed", "s"],
        ["--period", "2026", "--population", "postings", "--sample", "0", "--seed", "s"],
        ["--period", "2026", "--population", "postings", "--sample", "-1", "--seed", "s"],
    ],
)  # fmt: skip
def test_wrong_use_is_2(dsn_file, tmp_path, arguments) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["evidence", *arguments, "-o", str(tmp_path / "pack.zip"), "--dsn-file", dsn_file])
    assert ended.value.code == 2


def sample(dsn_file: str, file: Path, population: str = "postings") -> int:
    return main(
        ["evidence", "--period", "2026-11", "--population", population, "--sample", "2", "--seed", "s", "-o", str(file), "--dsn-file", dsn_file]
    )  # fmt: skip


def test_a_sample_says_what_it_ties_to(books, dsn_file, tmp_path, capsys) -> None:
    file = tmp_path / "sample.zip"
    with books.connect("auditor") as auditor:
        count, debit = auditor.execute(
            "SELECT count(DISTINCT entry_id), sum(debit) FROM ledger.journal_line"
        ).fetchone()
    assert sample(dsn_file, file) == 0
    assert check_archive(file.read_bytes()).broken == ()
    said = capsys.readouterr().out
    assert f"population postings of 2026-11-01 to 2026-11-30: {count} items, {debit:.2f} EUR" in said
    assert "ties to the journal, by its credits" in said


def test_a_population_that_does_not_tie_writes_nothing(books, dsn_file, tmp_path, capsys) -> None:
    with books.connect("admin") as connection:
        connection.execute(
            "UPDATE ledger.payment_proposal SET amount = amount + 1, proposed_at = '2026-11-20'"
        )
    file = tmp_path / "sample.zip"
    assert sample(dsn_file, file, "payments") == 1
    assert not file.exists()
    assert (
        "it does not tie: the journal, by what it owes for these documents, says" in capsys.readouterr().out
    )


def test_a_log_that_was_changed_gives_no_pack(books, dsn_file, tmp_path, capsys) -> None:
    """Whoever owns the database rewrote a record and its hash: nothing is handed out that does not hold."""
    with books.connect("admin") as connection:
        connection.execute("ALTER TABLE audit.record DISABLE TRIGGER USER")
        connection.execute("ALTER TABLE audit.record DISABLE TRIGGER append_only")
        connection.execute(
            "UPDATE audit.record SET body = x.body, leaf = sha256('\\x00'::bytea || x.body) FROM (SELECT record_id, convert_to(replace(convert_from(body, 'UTF8'), "
            "'\"payment proposed\"', '\"payment block raised\"'), 'UTF8') AS body FROM audit.record WHERE kind = 'effect') x WHERE x.record_id = record.record_id"
        )
    file = tmp_path / "pack.zip"
    assert main(["evidence", "R-1", "-o", str(file), "--dsn-file", dsn_file]) == 1
    assert not file.exists()
    said = capsys.readouterr().out
    assert "broken at record" in said
    assert "nothing was written: the ledger does not prove this" in said


def test_a_file_that_cannot_be_written_is_1(dsn_file, tmp_path, capsys) -> None:
    assert main(["evidence", "R-1", "-o", str(tmp_path / "no" / "pack.zip"), "--dsn-file", dsn_file]) == 1
    assert "cannot be written" in capsys.readouterr().err
