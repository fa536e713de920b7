"""What the sealer makes of a restored ledger and of a lost key: nothing, until two log keepers agreed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from tests.conftest import Ledger
from tests.copies import Copies
from tests.log_keeping import confirm, propose_lost_key, propose_restore
from tests.sealing import connected_sealer, restored_from_before, seal, sealer_config, write

from backoffice.cli import main
from backoffice.domain.checkpoint import VerifyingKey, open_note, read_note
from backoffice.runtime.sealer.fault import SealerFault
from backoffice.runtime.sealer.lost_key import new_key
from backoffice.runtime.sealer.process import serve
from backoffice.runtime.sealer.signing_key import KeyFile

pytestmark = pytest.mark.integration

FORGED = """
SELECT audit.append('restore', 'log', audit.object('abandoned_size', audit.text(%s::text), 'abandoned_root', audit.text(%s::text),
  'continued_size', audit.text('1'), 'continued_root', audit.text('00'), 'requested_by', audit.text('p-manager'), 'confirmed_by', audit.text('p-admin')))
"""


def known_keys(ledger: Ledger) -> dict[str, VerifyingKey]:
    with ledger.connect("auditor") as connection:
        lines = connection.execute("SELECT line FROM audit.sealing_key ORDER BY record_id").fetchall()
    parsed = [VerifyingKey.parse(line) for (line,) in lines]
    return {key.key_id: key for key in parsed}


def seals(ledger: Ledger) -> int:
    with ledger.connect("auditor") as connection:
        return connection.execute("SELECT count(*) FROM audit.seal").fetchone()[0]


def latest(ledger: Ledger) -> str:
    with ledger.connect("auditor") as connection:
        return connection.execute("SELECT note FROM audit.latest_seal").fetchone()[0]


def refuses(ledger: Ledger, folder: Path, message: str) -> None:
    before = seals(ledger)
    write(ledger, '{"more":"to seal"}', subject=f"test:{before}")
    with pytest.raises(SealerFault, match=message):
        seal(ledger, folder)
    assert seals(ledger) == before


# -- a restore --


def test_a_restored_log_is_sealed_on_once_two_log_keepers_agreed(ledger: Ledger, tmp_path: Path) -> None:
    given_up = restored_from_before(ledger, tmp_path)
    kept = latest(ledger)
    refuses(ledger, tmp_path, "back-up-and-restore.md")
    proposal = propose_restore(ledger, given_up)
    refuses(ledger, tmp_path, "rolled back or rewritten")
    confirm(ledger, proposal)
    note = seal(ledger, tmp_path)
    checkpoint, _ = open_note(note, known_keys(ledger))
    assert checkpoint.previous == read_note(kept)[0].root
    assert sealer_config(ledger, tmp_path).memory.last() == checkpoint
    (anchored,) = (tmp_path / "anchors").glob("*.jsonl")
    shorts = [read_note(json.loads(line)["note"])[0].short for line in anchored.read_text().splitlines()]
    assert shorts == [read_note(one)[0].short for one in (kept, given_up, note)]
    with ledger.connect("auditor") as connection:
        unsealed = connection.execute(
            "SELECT count(*) FROM audit.record r LEFT JOIN audit.leaf l USING (record_id) WHERE l.record_id IS NULL"
        ).fetchone()
    assert unsealed == (0,), "the restore itself is in the log"


def test_a_crash_between_seal_and_memory_changes_nothing(ledger: Ledger, tmp_path: Path) -> None:
    given_up = restored_from_before(ledger, tmp_path)
    confirm(ledger, propose_restore(ledger, given_up))
    seal(ledger, tmp_path)
    sealer_config(ledger, tmp_path).memory.path.write_text(given_up, encoding="utf-8")
    write(ledger, '{"later":"1"}')
    assert read_note(seal(ledger, tmp_path))[0].size > read_note(given_up)[0].size


def test_a_record_of_one_restore_excuses_no_other(ledger: Ledger, tmp_path: Path) -> None:
    """The log goes on after a lawful restore, is rolled back to just after it, and that is found."""
    given_up = restored_from_before(ledger, tmp_path)
    confirm(ledger, propose_restore(ledger, given_up))
    restored_from_before(ledger, tmp_path)
    refuses(ledger, tmp_path, "rolled back or rewritten")


def test_a_forged_record_is_not_taken_for_the_act(ledger: Ledger, tmp_path: Path) -> None:
    """The owner of the database writes a record, of this checkpoint and of another; no log keeper acted."""
    given_up = read_note(restored_from_before(ledger, tmp_path))[0]
    with ledger.connect("admin") as connection:
        connection.execute(FORGED, (given_up.size, given_up.root.hex()))
        connection.execute(FORGED, (given_up.size + 1, given_up.root.hex()))
    refuses(ledger, tmp_path, "rolled back or rewritten")


def test_an_act_about_another_checkpoint_or_by_one_person_is_not_taken(
    ledger: Ledger, tmp_path: Path
) -> None:
    given_up = restored_from_before(ledger, tmp_path)
    proposal = propose_restore(ledger, given_up)
    confirm(ledger, proposal)
    with ledger.connect("admin") as connection:
        for table in ("log_proposal", "log_confirmation", "record"):
            connection.execute(f"ALTER TABLE audit.{table} DISABLE TRIGGER append_only")
        connection.execute("UPDATE audit.log_confirmation SET person_id = 'p-manager'")
        connection.commit()
        refuses(ledger, tmp_path, "rolled back or rewritten")
        connection.execute("UPDATE audit.log_confirmation SET person_id = 'p-admin'")
        connection.execute("UPDATE audit.log_proposal SET abandoned_size = abandoned_size + 1")
        connection.commit()
        refuses(ledger, tmp_path, "rolled back or rewritten")
        connection.execute("UPDATE audit.log_proposal SET abandoned_size = abandoned_size - 1")
        connection.execute("UPDATE audit.log_proposal SET continued_root = sha256('another')")
        connection.commit()
        refuses(ledger, tmp_path, "rolled back or rewritten")


def test_a_ledger_restored_to_before_its_first_seal_keeps_its_name(ledger: Ledger, tmp_path: Path) -> None:
    """Even the first key is gone from the ledger then: two people introduce it again, then record the restore."""
    with Copies(ledger.admin).scratch(ledger.database) as database:
        given_up = seal(Ledger(ledger.admin, database), tmp_path)
    refuses(ledger, tmp_path, "rolled back or rewritten")
    with pytest.raises(psycopg.DatabaseError, match="has no key"):
        propose_restore(ledger, given_up)
    line = new_key(sealer_config(ledger, tmp_path))
    confirm(ledger, propose_lost_key(ledger, line))
    confirm(ledger, propose_restore(ledger, given_up))
    note = seal(ledger, tmp_path)
    assert read_note(note)[0].origin == read_note(given_up)[0].origin
    assert read_note(note)[0].previous == bytes(32)


def test_a_ledger_restored_to_before_a_change_of_keys(ledger: Ledger, tmp_path: Path) -> None:
    seal(ledger, tmp_path)
    with Copies(ledger.admin).scratch(ledger.database) as database:
        gone = Ledger(ledger.admin, database)
        KeyFile(sealer_config(gone, tmp_path).key_file).prepare_rotation()
        seal(gone, tmp_path)
        write(gone, '{"by":"the new key"}')
        given_up = seal(gone, tmp_path)
    refuses(ledger, tmp_path, "rolled back or rewritten")
    confirm(ledger, propose_lost_key(ledger, new_key(sealer_config(ledger, tmp_path))))
    confirm(ledger, propose_restore(ledger, given_up))
    note = seal(ledger, tmp_path)
    assert open_note(note, known_keys(ledger))[1] == open_note(given_up, known_keys(ledger))[1]


# -- what the verifier makes of it --


def verified(
    ledger: Ledger, folder: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[set[str], str]:
    """Verify with the anchors; return the checks that failed, but for the one that wants a running sealer."""
    dsn = folder / "auditor.dsn"
    dsn.write_text(ledger.dsn("auditor"))
    capsys.readouterr()
    anchors = ("--anchors", str(folder / "anchors"))
    main(["verify-audit", "--dsn-file", str(dsn), "--json", *anchors, *options])
    said = capsys.readouterr().out
    return set(json.loads(said)["failed"]) - {"fresh"}, said


def test_the_verifier_lists_a_restore_and_finds_a_roll_back(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given_up = restored_from_before(ledger, tmp_path)
    assert verified(ledger, tmp_path, capsys)[0] == {"anchor"}
    confirm(ledger, propose_restore(ledger, given_up))
    seal(ledger, tmp_path)
    failed, said = verified(ledger, tmp_path, capsys)
    assert failed == set()
    assert "confirmed_by p-admin" in said
    assert "were given up by a lawful restore" in said


def test_the_verifier_finds_a_forged_restore(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The owner writes the record alone: the sealer refuses, no act is behind it, and it goes on at no checkpoint."""
    given_up = read_note(restored_from_before(ledger, tmp_path))[0]
    with ledger.connect("admin") as connection:
        connection.execute(FORGED, (given_up.size, given_up.root.hex()))
    assert verified(ledger, tmp_path, capsys)[0] == {"anchor", "restore", "completeness"}


def test_the_verifier_wants_the_key_for_a_lost_one_from_outside(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seal(ledger, tmp_path)
    config = sealer_config(ledger, tmp_path)
    (first,) = (key.line() for key in known_keys(ledger).values())
    config.key_file.unlink()
    line = new_key(config)
    confirm(ledger, propose_lost_key(ledger, line))
    seal(ledger, tmp_path)
    failed, said = verified(ledger, tmp_path, capsys)
    assert failed == {"signature"}
    assert "introduced by p-manager, confirmed by p-admin" in said
    assert verified(ledger, tmp_path, capsys, "--key", first, "--key", line)[0] == set()


# -- a lost key --


def test_a_new_key_signs_once_two_log_keepers_agreed(ledger: Ledger, tmp_path: Path) -> None:
    seal(ledger, tmp_path)
    config = sealer_config(ledger, tmp_path)
    config.key_file.unlink()
    refuses(ledger, tmp_path, "replace-a-lost-signing-key.md")
    line = new_key(config)
    assert new_key(config) == line, "asked again it is the same key"
    assert config.key_file.stat().st_mode & 0o777 == 0o600
    refuses(ledger, tmp_path, "none of this log's")
    proposal = propose_lost_key(ledger, line)
    refuses(ledger, tmp_path, "none of this log's")
    confirm(ledger, proposal)
    note = seal(ledger, tmp_path)
    assert open_note(note, known_keys(ledger))[1] == VerifyingKey.parse(line).key_id
    with pytest.raises(SealerFault, match="change it with `rotate`"):
        new_key(config)


def test_a_log_without_a_key_needs_no_new_one(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(SealerFault, match="makes the first one itself"):
        new_key(sealer_config(ledger, tmp_path))
    assert not sealer_config(ledger, tmp_path).key_file.exists()


def test_a_key_that_is_not_there_is_not_rotated(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(SealerFault, match="no key"):
        KeyFile(sealer_config(ledger, tmp_path).key_file).prepare_rotation()


def test_the_waiting_sealer_takes_up_what_was_agreed_without_being_told(
    ledger: Ledger, tmp_path: Path
) -> None:
    """A supervisor starts the sealer again and again; the start after the confirmation works."""
    given_up = restored_from_before(ledger, tmp_path)
    config = sealer_config(ledger, tmp_path)
    with pytest.raises(SealerFault):
        serve(config)
    confirm(ledger, propose_restore(ledger, given_up))
    with connected_sealer(config) as sealer:
        assert sealer.look("started again")


def test_by_command(ledger: Ledger, tmp_path: Path, child_environment: dict[str, str]) -> None:
    seal(ledger, tmp_path)
    config = sealer_config(ledger, tmp_path)
    settings = {
        **child_environment,
        "BACKOFFICE_SEALER_DSN": config.dsn,
        "BACKOFFICE_SEALER_KEY_FILE": str(config.key_file),
    }

    def sealer(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "backoffice.runtime.sealer", *arguments],
            env={**settings, **changed}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    assert sealer("new-key").returncode == 1
    config.key_file.unlink()
    told = sealer("rotate")
    assert (told.returncode, "no key" in told.stderr) == (1, True)
    made = sealer("new-key")
    assert made.returncode == 0, made.stderr
    assert VerifyingKey.parse(made.stdout).name == "backoffice.test/log"
    told = sealer()
    assert (told.returncode, "none of this log's" in told.stderr) == (1, True)
    assert sealer("something").returncode == 2
    away = sealer("new-key", BACKOFFICE_SEALER_DSN="postgresql://nobody@127.0.0.1:1/none")
    assert (away.returncode, "does not answer" in away.stderr) == (1, True)
