"""The runbooks of the signing key: what the sealer says is on the page, and what is on the page works."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.conftest import Ledger
from tests.docs.desk import Desk, ask, sealer_environment
from tests.docs.pages import blocks, marked_table, page
from tests.sealing import restored_from_before, seal, sealer_config, write
from tests.web.conftest import airflow_without_its_database
from tests.web.host import create_host, log_in, serve

from backoffice.domain.checkpoint import VerifyingKey, open_note, read_note
from backoffice.runtime.sealer.fault import SealerFault
from backoffice.runtime.sealer.process import SealerConfig
from backoffice.runtime.sealer.process import serve as serve_sealer
from backoffice.runtime.sealer.signing_key import KeyFile

__all__ = ["airflow_without_its_database"]
pytestmark = pytest.mark.integration

LOST, ROTATE = "replace-a-lost-signing-key.md", "rotate-the-signing-key.md"
SAID = marked_table(page(f"docs/how-to/{LOST}"), "what the sealer says").column("it says")


@pytest.fixture
def config(ledger: Ledger, tmp_path: Path) -> SealerConfig:
    """A sealer that has sealed twice."""
    seal(ledger, tmp_path)
    write(ledger, '{"a":"1"}')
    seal(ledger, tmp_path)
    return sealer_config(ledger, tmp_path)


@pytest.fixture
def desk(config: SealerConfig, tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk", sealer_environment(config, tmp_path / "anchors"))


def keys(ledger: Ledger) -> dict[str, VerifyingKey]:
    parsed = [
        VerifyingKey.parse(line) for (line,) in ask(ledger, "auditor", "SELECT line FROM audit.sealing_key")
    ]
    return {key.key_id: key for key in parsed}


def sealed_on(ledger: Ledger, folder: Path) -> str:
    """Seal something new; return the id of the key that signed it."""
    write(ledger, '{"after":"the accident"}', subject="test:after")
    note = seal(ledger, folder)
    assert ask(ledger, "auditor", "SELECT count(*) FROM audit.waiting") == [(0,)]
    return open_note(note or "", keys(ledger))[1]


# -- what the sealer says --


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def other_key(path: Path) -> None:
    pem = Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem)


def foreign_key(path: Path) -> None:
    path.unlink()
    KeyFile(path).create()


def other_log(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace("backoffice.test/log", "other.example/log"))


def newer(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join([lines[0], str(int(lines[1]) + 100), *lines[2:]]), encoding="utf-8")


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")


KEY: list[tuple[Callable[[Path], object], str]] = [
    (Path.unlink, "the log was signed with a key that is not in"),
    (nothing, "cannot be read"),
    (cut, "cannot be read"),
    (no_text, "cannot be read"),
    (other_key, "holds no Ed25519 key"),
    (lambda path: path.chmod(0o640), "is open to others"),
    (lambda path: path.chmod(0o604), "is open to others"),
    (foreign_key, "is none of this log's"),
]
MEMORY: list[tuple[Callable[[Path], object], str]] = [
    (Path.unlink, "is gone; put the newest anchored checkpoint there"),
    (nothing, "is damaged; put the newest anchored checkpoint there"),
    (cut, "is damaged; put the newest anchored checkpoint there"),
    (no_text, "is damaged; put the newest anchored checkpoint there"),
    (newer, "the log does not hold checkpoint"),
    (other_log, "the sealer has another ledger's address"),
]
EDGE = "the edge of the tree is not that of the last checkpoint"
FOREIGN = {"was not signed here", "another size or root"}  # provoked in tests/runtime/test_sealer_newer.py


def test_every_row_of_the_page_is_provoked() -> None:
    assert {said for _, said in (*KEY, *MEMORY)} | {EDGE, *FOREIGN} == set(SAID)


@pytest.mark.parametrize(
    ("file", "damage", "said"),
    [("key", *one) for one in KEY] + [("last-checkpoint", *one) for one in MEMORY],
)
def test_a_damaged_file_stops_the_sealer_which_says_what_to_do(
    ledger: Ledger,
    tmp_path: Path,
    config: SealerConfig,
    file: str,
    damage: Callable[[Path], object],
    said: str,
) -> None:
    damage(config.key_file if file == "key" else config.memory.path)
    write(ledger, '{"waits":"1"}')
    before = ask(ledger, "auditor", "SELECT count(*) FROM audit.seal")
    with pytest.raises(SealerFault) as fault:
        serve_sealer(config)
    assert said in str(fault.value)
    assert ask(ledger, "auditor", "SELECT count(*) FROM audit.seal") == before
    alerts = ask(
        ledger, "auditor",
        "SELECT convert_from(body, 'UTF8')::jsonb ->> 'detail' FROM audit.record WHERE kind = 'alert'",
    )  # fmt: skip
    assert alerts == [(str(fault.value),)]
    named = [part for part in str(fault.value).split() if part.startswith("docs/how-to/")]
    for name in named:
        assert page(name.rstrip(".;,:")), "the page that it names is there"


def test_a_stored_checkpoint_that_was_changed(ledger: Ledger, tmp_path: Path, config: SealerConfig) -> None:
    with ledger.connect("admin") as connection:
        connection.execute("ALTER TABLE audit.seal DISABLE TRIGGER append_only")
        connection.execute("UPDATE audit.seal SET edge[1] = sha256('x')")
    write(ledger, '{"waits":"1"}')
    with pytest.raises(SealerFault, match=EDGE):
        seal(ledger, tmp_path)


def test_an_older_last_checkpoint_is_no_fault(ledger: Ledger, tmp_path: Path, config: SealerConfig) -> None:
    (first,) = ask(ledger, "auditor", "SELECT note FROM audit.seal WHERE seal_no = 1")
    config.memory.path.write_text(first[0], encoding="utf-8")
    assert sealed_on(ledger, tmp_path) in keys(ledger)
    assert config.memory.last() is not None
    assert config.memory.last().size > read_note(first[0])[0].size  # type: ignore[union-attr]


# -- putting back --


def test_a_copy_of_the_key_is_put_back(ledger: Ledger, tmp_path: Path, config: SealerConfig) -> None:
    copy = config.key_file.read_bytes()
    config.key_file.unlink()
    with pytest.raises(SealerFault):
        seal(ledger, tmp_path)
    config.key_file.write_bytes(copy)
    config.key_file.chmod(0o600)
    assert sealed_on(ledger, tmp_path) in keys(ledger)


@pytest.mark.parametrize("damage", [Path.unlink, nothing, cut])
def test_the_last_checkpoint_is_put_back_from_an_anchor(
    ledger: Ledger, tmp_path: Path, config: SealerConfig, desk: Desk, damage: Callable[[Path], object]
) -> None:
    damage(config.memory.path)
    desk.follow(LOST, "The last checkpoint is gone or damaged")
    assert sealed_on(ledger, tmp_path) in keys(ledger)


def test_the_anchor_finds_a_roll_back_that_came_with_the_loss(ledger: Ledger, tmp_path: Path) -> None:
    restored_from_before(ledger, tmp_path)
    config = sealer_config(ledger, tmp_path)
    desk = Desk(tmp_path / "desk", sealer_environment(config, tmp_path / "anchors"))
    config.memory.path.unlink()
    desk.follow(LOST, "The last checkpoint is gone or damaged")
    with pytest.raises(SealerFault, match="the log does not hold checkpoint"):
        seal(ledger, tmp_path)


# -- a new key, a change of keys --


def test_a_lost_key_is_replaced_as_described(
    ledger: Ledger, tmp_path: Path, config: SealerConfig, desk: Desk, airflow_without_its_database: None
) -> None:
    config.key_file.unlink()
    line = desk.follow(LOST, "2. Make a new key").strip()
    assert desk.follow(LOST, "2. Make a new key").strip() == line
    with serve(create_host(lambda: ledger.dsn("web"))) as address:
        three = "3. Two log keepers introduce it"
        manager = {"BACKOFFICE_URL": address, "BACKOFFICE_TOKEN": log_in("manager"), "LINE": line}
        assert "has to confirm" in desk.follow(LOST, three, block=0, **manager)
        with pytest.raises(SealerFault, match="none of this log's"):
            seal(ledger, tmp_path)
        assert desk.attempt(LOST, three, block=1, **manager).returncode == 1
        desk.follow(LOST, three, block=1, **{**manager, "BACKOFFICE_TOKEN": log_in("admin")})
    assert sealed_on(ledger, tmp_path) == VerifyingKey.parse(line).key_id


def test_the_key_is_changed_while_the_sealer_runs(
    ledger: Ledger, tmp_path: Path, config: SealerConfig, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backoffice.runtime.sealer.process.LOOK_EVERY", 0.2)
    (old,) = keys(ledger)
    ended = threading.Event()
    running = threading.Thread(target=serve_sealer, args=(config, lambda: not ended.is_set()))
    running.start()
    try:
        desk.follow(ROTATE, "Change it")
        end = time.monotonic() + 30
        while len(keys(ledger)) == 1 or KeyFile(config.key_file).next.exists():
            assert time.monotonic() < end, "it did not change over"
            time.sleep(0.1)
    finally:
        ended.set()
        running.join(timeout=30)
    assert not running.is_alive()
    (new,) = set(keys(ledger)) - {old}
    assert sealed_on(ledger, tmp_path) == new
    vouching = ask(
        ledger, "auditor",
        f"SELECT s.key_id FROM audit.sealing_key k JOIN audit.leaf l USING (record_id) JOIN audit.seal s ON s.size > l.leaf_index WHERE k.key_id = '{new}' ORDER BY s.size LIMIT 1",
    )  # fmt: skip
    assert vouching == [(old,)]


def test_anchor_and_ledger_can_be_compared(ledger: Ledger, config: SealerConfig, desk: Desk) -> None:
    printed = desk.follow(ROTATE, "Somebody else has the key")
    (statement,) = blocks(page(f"docs/how-to/{ROTATE}"), "sql")
    newest = ask(ledger, "auditor", statement)[0]
    assert str(newest[1]) in printed
    assert newest[2].replace("\n", "") in printed


def test_systemd_takes_the_unit() -> None:
    (unit,) = blocks(page("docs/how-to/run-on-an-existing-airflow.md"), "ini")
    for line in unit.splitlines():
        assert line == "" or line.startswith("[") or "=" in line
    assert "ExecStart=/opt/backoffice/bin/python -m backoffice.runtime.sealer\n" in unit
    variables = {part.split("=")[0].strip('"') for part in unit.split("Environment=")[1:]}
    text = page("docs/reference/settings.md")
    assert len(variables) == 6
    for variable in variables:
        assert f"`{variable}`" in text
    if subprocess.run(["which", "systemd-analyze"], capture_output=True).returncode == 0:
        verify_unit(unit)


def verify_unit(unit: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "backoffice-sealer.service"
        file.write_text(unit.replace("/opt/backoffice/bin/python", "/usr/bin/env"))
        done = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True)
    wrong = [line for line in done.stderr.splitlines() if "backoffice-sealer.service" in line]
    assert wrong == []
