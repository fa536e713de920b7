"""``verify-audit`` on a real ledger: exit codes, what it prints, anchors, keys, going on, export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.conftest import Ledger
from tests.sealing import seal, sealer_config, write

from backoffice.cli import main
from backoffice.domain.checkpoint import VerifyingKey, read_note, sign
from backoffice.runtime.sealer.signing_key import KeyFile

pytestmark = pytest.mark.integration


class Audited:
    """A sealed ledger, its anchors, and the command over it."""

    def __init__(self, ledger: Ledger, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.ledger, self.folder, self._capsys = ledger, folder, capsys
        self.dsn = folder / "auditor.dsn"
        self.dsn.write_text(ledger.dsn("auditor"), encoding="utf-8")
        self.seal()

    def seal(self) -> None:
        seal(self.ledger, self.folder)

    def run(self, *options: str, dsn: bool = True) -> tuple[int, str]:
        """Return exit code and output; a wrong use is 2 as for the shell."""
        self._capsys.readouterr()
        given = ["--dsn-file", str(self.dsn)] if dsn else []
        try:
            code = main(["verify-audit", *given, *options])
        except SystemExit as ended:
            code = int(str(ended.code))
        said = self._capsys.readouterr()
        return code, said.out + said.err

    def json(self, *options: str, **given: Any) -> tuple[int, dict[str, Any]]:
        """Return exit code and what ``--json`` prints."""
        code, said = self.run("--json", *options, **given)
        return code, json.loads(said)

    @property
    def anchors(self) -> tuple[str, str]:
        return "--anchors", str(self.folder / "anchors")

    def record(self, count: int = 1) -> None:
        """Write records that the next checkpoint covers."""
        with self.ledger.connect("app") as app:
            for number in range(count):
                app.execute("SELECT audit.raise_alert('test', %s)", (f"{self.folder} {number}",))

    def tamper(self) -> None:
        """Change a sealed record and its hash."""
        with self.ledger.connect("admin") as admin:
            admin.execute("ALTER TABLE audit.record DISABLE TRIGGER ALL")
            admin.execute(
                "UPDATE audit.record r SET body = n.body, leaf = sha256('\\x00' || n.body) "
                "FROM (SELECT record_id, convert_to(replace(convert_from(body, 'UTF8'), 'machine_limit', 'machine_limix'), 'UTF8') AS body FROM audit.record WHERE kind = 'policy') n "
                "WHERE n.record_id = r.record_id"
            )


@pytest.fixture
def audited(ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Audited]:
    with ledger.connect("sealer", autocommit=True) as there:
        there.execute("SELECT pg_advisory_lock(hashtextextended('backoffice:sealer', 0))")
        yield Audited(ledger, tmp_path, capsys)


def test_a_good_log(audited: Audited) -> None:
    code, said = audited.run(*audited.anchors)
    assert code == 0, said
    assert "\ngood (" in said
    assert "stolen key" not in said, "there is an anchor"
    code, said = audited.run()
    assert code == 0
    assert "cannot be seen: everything rewritten and signed with the stolen key" in said


def test_a_log_that_was_changed(audited: Audited) -> None:
    audited.tamper()
    code, said = audited.run(*audited.anchors)
    assert code == 1
    assert "FAILED: root, completeness (" in said
    code, found = audited.json(*audited.anchors)
    assert (code, found["ok"], found["failed"]) == (1, False, ["root", "completeness"])
    (root,) = [result for result in found["results"] if result["check"] == "root"]
    assert root["findings"][0]["seal_no"] == 1


def test_it_sees_without_being_able_to_change(audited: Audited) -> None:
    """The log-in of tasks will do as well; neither leaves a trace in the ledger."""
    audited.dsn.write_text(audited.ledger.dsn("app"), encoding="utf-8")
    with audited.ledger.connect("auditor") as connection:
        before = connection.execute("SELECT max(record_id) FROM audit.record").fetchone()
        assert audited.run(*audited.anchors)[0] == 0
        assert connection.execute("SELECT max(record_id) FROM audit.record").fetchone() == before
        assert connection.execute("SELECT count(*) FROM audit.verification").fetchone() == (0,)


@pytest.mark.parametrize("form", ["line", "file"])
def test_a_key_that_is_known(audited: Audited, form: str) -> None:
    (keys,) = (audited.folder / "anchors").glob("*.keys")
    line = keys.read_text().strip()
    code, said = audited.run("--key", line if form == "line" else str(keys))
    assert code == 0
    assert "taken from the log itself" not in said
    other = line.replace("backoffice.test", "backoffice.test2")
    assert audited.run("--key", other)[0] == 2, "its id is not that of its key"


@pytest.mark.parametrize(
    "options",
    [
        ("--key", "gibberish"),
        ("--from", "/nowhere/at/all"),
        ("--from", "x", "--export", "y"),
        ("--longest-wait", "-1"),
        ("--longest-wait", "soon"),
        ("--no-such-option",),
    ],
)
def test_wrong_use_is_2(audited: Audited, options: tuple[str, ...]) -> None:
    assert audited.run(*options)[0] == 2


def test_a_ledger_that_does_not_answer_is_1(audited: Audited) -> None:
    audited.dsn.write_text("postgresql://auditor:hush@127.0.0.1:1/none?connect_timeout=2")
    code, said = audited.run()
    assert code == 1
    assert "does not answer" in said
    assert "hush" not in said


def test_it_goes_on_from_the_last_good_one(audited: Audited) -> None:
    code, first = audited.json(*audited.anchors, "--since-checkpoint")
    assert code == 0
    assert first["full"] is True
    assert "everything was read" in first["remarks"][0]
    audited.record(3)
    audited.seal()
    code, second = audited.json(*audited.anchors, "--since-checkpoint")
    assert (code, second["full"], second["records"]) == (0, False, 4)
    assert any("were not read again" in attack for attack in second["unseen"])
    code, third = audited.json(*audited.anchors, "--since-checkpoint")
    assert (code, third["records"]) == (0, 0)
    audited.tamper()
    assert audited.json(*audited.anchors, "--since-checkpoint")[0] == 0
    assert audited.json(*audited.anchors)[0] == 1, "only the whole log shows it"


def test_how_far_it_came_is_an_anchor_of_its_own(audited: Audited, tmp_path: Path) -> None:
    """Kept where the auditor says, it shows a log that was rolled back; damaged, it is no missing one."""
    state = tmp_path / "mine.json"
    assert audited.run("--state", str(state))[0] == 0
    size = json.loads(state.read_text())["size"]
    audited.record()
    audited.seal()
    assert audited.run("--state", str(state))[0] == 0
    assert json.loads(state.read_text())["size"] == size + 2
    kept = state.read_text()
    state.write_text(kept.replace(f'"size": {size + 2}', '"size": 7'))
    code, found = audited.json("--state", str(state))
    assert (code, found["failed"]) == (1, ["anchor"])
    state.write_text(kept)
    with audited.ledger.connect("admin") as admin:
        for table in ("seal", "leaf", "record", "anchor"):
            admin.execute(f"ALTER TABLE audit.{table} DISABLE TRIGGER ALL")
        admin.execute("DELETE FROM audit.anchor WHERE seal_no = 2")
        admin.execute("DELETE FROM audit.seal WHERE seal_no = 2")
        admin.execute("DELETE FROM audit.leaf WHERE leaf_index >= %s", (size,))
        admin.execute("DELETE FROM audit.record WHERE record_id > %s", (size,))
    code, found = audited.json("--state", str(state))
    assert (code, found["failed"]) == (1, ["anchor"])
    assert audited.json()[0] == 0


@pytest.mark.parametrize("forged", ["edge", "keys", "note", "record_id"])
def test_a_forged_file_is_nothing_to_go_on_from(audited: Audited, tmp_path: Path, forged: str) -> None:
    """Who owns the database and can write the file changes an old record: all of it is read, and he is found."""
    state = tmp_path / "mine.json"
    audited.record(300)
    audited.seal()
    assert audited.run("--state", str(state))[0] == 0
    said = json.loads(state.read_text())
    other = Ed25519PrivateKey.generate()
    at = read_note(said["note"])[0]
    if forged == "edge":
        said["edge"][0] = "00" * 32
    elif forged == "note":
        said["note"] = sign(at, other)
    elif forged == "keys":
        said["note"] = sign(at, other)
        said["keys"] = [VerifyingKey.of(at.origin, other).line()]
    else:
        said["record_id"] = 10**9
    state.write_text(json.dumps(said))
    code, found = audited.json("--state", str(state), "--since-checkpoint")
    if forged == "record_id":
        assert (code, found["failed"]) == (1, ["anchor"]), "nothing that the file says of the ledger is taken"
        return
    assert (code, found["full"]) == (0, True)
    assert "is nothing to go on from" in found["remarks"][0]
    assert found["remarks"][0].endswith("everything was read")
    audited.tamper()
    state.write_text(json.dumps(said))
    assert audited.json("--state", str(state), "--since-checkpoint")[0] == 1


def test_it_goes_on_after_a_change_of_keys(audited: Audited, tmp_path: Path) -> None:
    """In a ledger and in an export of it the chain of keys is proved from the first one on."""
    state, file = str(tmp_path / "mine.json"), str(tmp_path / "log.jsonl")
    audited.record(300)
    audited.seal()
    KeyFile(sealer_config(audited.ledger, audited.folder).key_file).prepare_rotation()
    audited.seal()
    write(audited.ledger, '{"signed":"by the new key"}')
    audited.seal()
    assert audited.run("--state", state)[0] == 0
    write(audited.ledger, '{"later":"1"}', '{"later":"2"}')
    audited.seal()
    audited.run("--export", file)
    kept = Path(state).read_text()
    for source, dsn in ((("--from", file), False), ((), True)):
        Path(state).write_text(kept)
        code, found = audited.json(*source, "--state", state, "--since-checkpoint", dsn=dsn)
        assert (code, found["full"], found["records"], found["remarks"]) == (0, False, 3, [])


def test_records_that_wait_too_long(audited: Audited) -> None:
    audited.record()
    assert audited.run()[0] == 0
    code, found = audited.json("--longest-wait", "0")
    assert (code, found["failed"]) == (1, ["fresh"])


def test_an_export_is_verified_without_a_database(audited: Audited, tmp_path: Path) -> None:
    audited.record()
    file = tmp_path / "log.jsonl"
    code, said = audited.run("--export", str(file))
    assert code == 0
    assert str(file) in said
    _, there = audited.json(*audited.anchors)
    code, found = audited.json("--from", str(file), *audited.anchors, dsn=False)
    assert code == 0, found
    assert (found["root"], found["records"]) == (there["root"], there["records"])
    text = file.read_text()
    file.write_text(text.replace("installation", "somebody", 1))
    code, found = audited.json("--from", str(file), *audited.anchors, dsn=False)
    assert (code, found["failed"]) == (1, ["leaf", "root"])
    file.write_text(text[: len(text) // 2])
    code, said = audited.run("--from", str(file), dsn=False)
    assert code == 1
    assert "no whole export" in said


def test_an_export_that_cannot_be_written_leaves_nothing(audited: Audited, tmp_path: Path) -> None:
    code, said = audited.run("--export", str(tmp_path / "no" / "such" / "folder"))
    assert code == 1
    assert "cannot be written" in said
    assert list(tmp_path.glob("**/*.part")) == []


def test_the_options_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["verify-audit", "--help"])
    said = capsys.readouterr().out
    for option in ("--anchors", "--key", "--since-checkpoint", "--state", "--export", "--from", "--json"):
        assert option in said
