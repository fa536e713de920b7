"""The doctor sees a key that is open, a sealer that is silent, records that wait and anchors that are behind."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Ledger
from tests.sealing import connected_sealer, seal, sealer_config, write

from backoffice.runtime import doctor_sealer
from backoffice.runtime.findings import Finding
from backoffice.runtime.sealer.anchors import FileAnchor
from backoffice.runtime.sealer.fault import SealerFault
from backoffice.runtime.sealer.process import serve

pytestmark = pytest.mark.integration


def look(ledger: Ledger, check: Any) -> dict[str, Finding]:
    return {one.name: one for one in check(lambda login: ledger.dsn(login.removeprefix("backoffice_")))}


def only(found: Any) -> Finding:
    (one,) = found
    return one


@pytest.fixture
def folder(ledger: Ledger, tmp_path: Path) -> Path:
    seal(ledger, tmp_path)
    return sealer_config(ledger, tmp_path).key_file.parent


def test_a_sealer_that_is_well_is_good_throughout(ledger: Ledger, tmp_path: Path, folder: Path) -> None:
    with connected_sealer(sealer_config(ledger, tmp_path)) as sealer:
        sealer.connection.execute("SELECT pg_advisory_lock(hashtextextended('backoffice:sealer', 0))")
        found = [
            *doctor_sealer.key(folder), *doctor_sealer.heartbeat(folder),
            *look(ledger, doctor_sealer.sealing).values(), *look(ledger, doctor_sealer.anchors).values(),
        ]  # fmt: skip
    assert len(found) == 7
    assert [one for one in found if not one.ok] == []


def test_a_key_that_is_gone_or_open_is_found(folder: Path) -> None:
    (folder / "key.pem").chmod(0o640)
    first = next(doctor_sealer.key(folder))
    assert (first.ok, first.advice) == (False, f"chmod 600 {folder / 'key.pem'}")
    folder.chmod(0o755)
    assert [one.ok for one in doctor_sealer.key(folder)] == [False, False]
    (folder / "key.pem").unlink()
    assert "no " in only(doctor_sealer.key(folder)).seen


def test_a_heart_that_does_not_beat_is_found(folder: Path) -> None:
    assert only(doctor_sealer.heartbeat(folder)).ok
    long_ago = time.time() - 300
    os.utime(folder / "heartbeat", (long_ago, long_ago))
    assert "300 s ago" in only(doctor_sealer.heartbeat(folder)).seen
    assert not only(doctor_sealer.heartbeat(folder)).ok
    (folder / "heartbeat").unlink()
    assert only(doctor_sealer.heartbeat(folder)).seen == "never"


def test_records_that_wait_and_a_sealer_that_is_away_are_found(ledger: Ledger, folder: Path) -> None:
    write(ledger, '{"a":"1"}', '{"a":"2"}')
    found = look(ledger, doctor_sealer.sealing)
    assert not found["sealer"].ok
    assert found["records not sealed"].ok, "they have just been written"
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE audit.waiting SET since = now() - interval '1 hour'")
    told = look(ledger, doctor_sealer.sealing)["records not sealed"]
    assert (told.ok, told.seen) == (False, "2, the oldest for 3600 s")


def test_an_alert_of_the_log_is_told(ledger: Ledger, tmp_path: Path, folder: Path) -> None:
    (folder / "key.pem").unlink()
    with pytest.raises(SealerFault):
        serve(sealer_config(ledger, tmp_path))
    told = look(ledger, doctor_sealer.sealing)["alerts of the log"]
    assert not told.ok
    assert "Put it back" in told.seen


class Away:
    name = "away"

    def publish(self, note: str, keys: object) -> str:
        raise OSError("no route")


def test_an_anchor_that_fails_is_behind_or_was_changed_is_found(
    ledger: Ledger, tmp_path: Path, folder: Path
) -> None:
    place = FileAnchor(tmp_path / "anchors")
    write(ledger, '{"a":"1"}')
    seal(ledger, tmp_path, anchors=[Away()])
    found = look(ledger, doctor_sealer.anchors)
    assert "OSError: no route" in found["anchor away"].seen
    assert "has seal 1, newest is 2" in found[f"anchor {place.name}"].seen
    write(ledger, '{"a":"2"}')
    seal(ledger, tmp_path, anchors=[place])
    assert look(ledger, doctor_sealer.anchors)[f"anchor {place.name}"].ok
    (file,) = (tmp_path / "anchors").glob("*.jsonl")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]))
    assert (
        "does not hold the newest checkpoint"
        in look(ledger, doctor_sealer.anchors)[f"anchor {place.name}"].seen
    )
    file.unlink()
    assert not look(ledger, doctor_sealer.anchors)[f"anchor {place.name}"].ok


def test_a_log_without_seal_or_anchor_is_found(ledger: Ledger, tmp_path: Path) -> None:
    assert "nothing is sealed" in look(ledger, doctor_sealer.anchors)["anchors"].seen
    seal(ledger, tmp_path, anchors=[])
    told = look(ledger, doctor_sealer.anchors)["anchors"]
    assert (told.ok, told.seen) == (False, "none")
