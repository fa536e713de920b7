"""Acts about the log itself over the REST API: two log keepers, a checkpoint that was signed, nothing else."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient
from tests.conftest import Ledger
from tests.sealing import ORIGIN, restored_from_before, seal

from backoffice.domain.checkpoint import Checkpoint, VerifyingKey, read_note, sign
from backoffice.domain.personal_data import open_field

pytestmark = pytest.mark.integration

_keys = itertools.count(20_000_000)
KEEPERS = ("admin", "manager")


def post(client: TestClient, path: str, body: dict[str, str], key: str | None = None) -> Any:
    return client.post(
        f"/api/v1/log/{path}", json=body, headers={"Idempotency-Key": key or f"key-{next(_keys)}"}
    )


def restore(
    client: TestClient, note: str, reason: str = "disk failed, back-up of Monday", **more: str
) -> Any:
    return post(client, "restores", {"checkpoint": note, "reason": reason}, **more)


def confirm(client: TestClient, proposal: dict[str, Any], reason: str = "I was there", **more: Any) -> Any:
    return post(
        client,
        f"proposals/{proposal['proposal_id']}/confirmation",
        {"digest": proposal["digest"], "reason": reason},
        **more,
    )


def log_records(ledger: Ledger, kind: str) -> list[dict[str, Any]]:
    with ledger.connect("auditor") as connection:
        rows = connection.execute(
            "SELECT body FROM audit.record WHERE subject = 'log' AND kind = %s ORDER BY n", (kind,)
        ).fetchall()
    return [json.loads(bytes(body)) for (body,) in rows]


def words(ledger: Ledger) -> list[tuple[str, str, str, str]]:
    """Return step, person, log-in and reason of the log keepers' own records, opened as the auditor may."""
    found = []
    with ledger.connect("auditor") as connection:
        for record in log_records(ledger, "human"):
            field = record["principal_and_reason"]
            row = connection.execute("SELECT key FROM vault.reading_key(%s)", (field["subject"],)).fetchone()
            said = json.loads(open_field(row[0], field))
            assert field["subject"] == f"person:{record['person_id']}"
            found.append((record["step"], record["person_id"], said["principal"], said["reason"]))
    return found


@pytest.fixture
def given_up(ledger: Ledger, tmp_path: Path) -> str:
    return restored_from_before(ledger, tmp_path)


@pytest.fixture
def new_line() -> str:
    return VerifyingKey.of(ORIGIN, Ed25519PrivateKey.generate()).line()


def test_two_log_keepers_record_a_restore(ledger: Ledger, given_up: str, login) -> None:
    proposed = restore(login("manager"), given_up)
    assert proposed.status_code == 201, proposed.text
    proposal = proposed.json()["proposal"]
    lost, kept = read_note(given_up)[0], latest(ledger)
    assert (proposal["abandoned"], proposal["continued"]) == (lost.short, kept.short)
    assert log_records(ledger, "restore") == []
    done = confirm(login("admin"), proposal)
    assert done.status_code == 201, done.text
    (record,) = log_records(ledger, "restore")
    assert {
        name: record[name]
        for name in (
            "abandoned_size", "abandoned_root", "continued_size", "continued_root", "requested_by", "confirmed_by", "digest",
        )
    } == {
        "abandoned_size": str(lost.size), "abandoned_root": lost.root.hex(), "continued_size": str(kept.size), "continued_root": kept.root.hex(),
        "requested_by": "p-manager", "confirmed_by": "p-admin", "digest": proposal["digest"],
    }  # fmt: skip
    assert words(ledger) == [
        ("restore proposed", "p-manager", "airflow:manager", "disk failed, back-up of Monday"),
        ("restore confirmed", "p-admin", "airflow:admin", "I was there"),
    ]
    (listed,) = login("clerk").get("/api/v1/log/proposals").json()["proposals"]
    assert (listed["confirmed_by"], listed["hindrance"]) == ("Ada Admin", "it is confirmed")


def latest(ledger: Ledger) -> Checkpoint:
    with ledger.connect("auditor") as connection:
        return read_note(connection.execute("SELECT note FROM audit.latest_seal").fetchone()[0])[0]


@pytest.mark.parametrize("user", ["clerk", "buyer", "manager", "admin"])
@pytest.mark.parametrize("second", ["clerk", "buyer", "manager", "admin"])
def test_who_may_and_who_may_not(ledger: Ledger, given_up: str, new_line: str, login, user, second) -> None:
    for proposed in (
        restore(login(user), given_up),
        post(login(user), "keys", {"key": new_line, "reason": "the disk with the key is gone"}),
    ):
        assert proposed.status_code == (201 if user in KEEPERS else 403), proposed.text
        if user in KEEPERS:
            confirmed = confirm(login(second), proposed.json()["proposal"])
            lawful = second in KEEPERS and second != user
            assert confirmed.status_code == (201 if lawful else 403), confirmed.text
            if second == user:
                assert "another person confirms" in confirmed.json()["detail"]
        else:
            assert "log keeper" in proposed.json()["detail"]


@pytest.mark.parametrize(
    ("statement", "detail"),
    [
        ("UPDATE review.authority SET effective_to = '2001-01-01' WHERE role = 'log_keeper'", "log keeper"),
        ("UPDATE review.authority SET entity = '1000' WHERE role = 'log_keeper'", "log keeper"),
        ("UPDATE review.authority SET process = 'payment_run' WHERE role = 'log_keeper'", "log keeper"),
        ("UPDATE review.person SET active = false", "in the back office yet"),
        ("DELETE FROM review.identity WHERE system = 'airflow'", "in the back office yet"),
    ],
)
def test_authority_is_of_today_of_the_whole_log_and_of_an_active_person(
    ledger: Ledger, given_up: str, login, statement: str, detail: str
) -> None:
    proposal = restore(login("manager"), given_up).json()["proposal"]
    with ledger.connect("admin") as connection:
        connection.execute(statement)
    refused = confirm(login("admin"), proposal)
    assert refused.status_code == 403
    assert detail in refused.json()["detail"]
    assert log_records(ledger, "restore") == []


def test_two_log_ins_of_one_person_are_one_person(ledger: Ledger, given_up: str, login) -> None:
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.identity SET person_id = 'p-manager' WHERE user_id = 'admin'")
    proposal = restore(login("manager"), given_up).json()["proposal"]
    refused = confirm(login("admin"), proposal)
    assert (refused.status_code, log_records(ledger, "restore")) == (403, [])


def test_the_checkpoint_must_be_one_that_this_log_signed(ledger: Ledger, given_up: str, login) -> None:
    checkpoint = read_note(given_up)[0]
    private = Ed25519PrivateKey.generate()
    stranger = sign(checkpoint, private)
    other_log = sign(Checkpoint("other/log", 9, b"\1" * 32, bytes(32), checkpoint.sealed_at), private)
    lines = given_up.split("\n")
    lines[1] = str(checkpoint.size + 1)
    for note in (stranger, other_log, "\n".join(lines), "no note", given_up.split("\n\n")[0] + "\n\n"):
        refused = restore(login("manager"), note)
        assert refused.status_code == 422, note
        assert [error["field"] for error in refused.json()["errors"]] == ["checkpoint"]
    assert log_records(ledger, "human") == []


def test_a_checkpoint_that_the_log_holds_was_not_given_up(ledger: Ledger, tmp_path: Path, login) -> None:
    note = seal(ledger, tmp_path)
    refused = restore(login("manager"), note)
    assert refused.status_code == 409
    assert "the log holds that checkpoint" in refused.json()["detail"]


def test_the_key_must_be_one_for_this_log(ledger: Ledger, given_up: str, new_line: str, login) -> None:
    with ledger.connect("auditor") as connection:
        known = connection.execute("SELECT line FROM audit.sealing_key").fetchone()[0]
    other_log = VerifyingKey.of("other/log", Ed25519PrivateKey.generate()).line()
    name, key_id, public = new_line.split("+", 2)
    for key, status in (
        (known, 409), (other_log, 422), (f"{name}+00000000+{public}", 422), (f"{name}+{key_id}+{'A' * 44}", 422), ("nonsense", 422),
    ):  # fmt: skip
        assert post(login("manager"), "keys", {"key": key, "reason": "lost it"}).status_code == status, key


def test_two_log_keepers_introduce_a_key_for_a_lost_one(
    ledger: Ledger, given_up: str, new_line: str, login
) -> None:
    proposal = post(login("admin"), "keys", {"key": new_line, "reason": "gone with the disk"}).json()[
        "proposal"
    ]
    with ledger.connect("auditor") as connection:
        (before,) = connection.execute("SELECT key_id FROM audit.sealing_key").fetchone()
    assert confirm(login("manager"), proposal).status_code == 201
    record = log_records(ledger, "key")[-1]
    assert words(ledger) == [
        ("lost key proposed", "p-admin", "airflow:admin", "gone with the disk"),
        ("lost key confirmed", "p-manager", "airflow:manager", "I was there"),
    ]
    assert {name: record[name] for name in ("step", "lost", "key", "before", "requested_by", "confirmed_by")} == {
        "step": "key introduced", "lost": "true", "key": new_line, "before": before, "requested_by": "p-admin", "confirmed_by": "p-manager",
    }  # fmt: skip
    with ledger.connect("auditor") as connection:
        assert connection.execute(
            "SELECT convert_from(r.body, 'UTF8')::jsonb ->> 'lost' FROM audit.sealing_key k JOIN audit.record r USING (record_id) WHERE k.line = %s",
            (new_line,),
        ).fetchone() == ("true",)


def test_the_same_act_again_is_the_same_act(ledger: Ledger, given_up: str, login) -> None:
    first = restore(login("manager"), given_up, key="one-restore")
    again = restore(login("manager"), given_up, key="one-restore")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["proposal"] == again.json()["proposal"]
    assert restore(login("manager"), given_up, reason="another", key="one-restore").status_code == 409
    proposal = first.json()["proposal"]
    for _ in range(2):
        assert confirm(login("admin"), proposal, key="one-confirmation").status_code == 201
    assert confirm(login("admin"), proposal, reason="another", key="one-confirmation").status_code == 409
    assert confirm(login("admin"), proposal).status_code == 409
    assert len(log_records(ledger, "restore")) == 1
    assert [one["step"] for one in log_records(ledger, "human")] == ["restore proposed", "restore confirmed"]


def test_only_what_was_shown_is_confirmed(ledger: Ledger, given_up: str, login) -> None:
    proposal = restore(login("manager"), given_up).json()["proposal"]
    for digest in ("00" * 32, "zz"):
        refused = confirm(login("admin"), {**proposal, "digest": digest})
        assert refused.status_code == (409 if digest != "zz" else 422)
    assert confirm(login("admin"), {**proposal, "proposal_id": 999}).status_code == 404
    assert log_records(ledger, "restore") == []


def test_a_proposal_that_nobody_confirmed_ends_after_seven_days(ledger: Ledger, given_up: str, login) -> None:
    proposal = restore(login("manager"), given_up).json()["proposal"]
    with ledger.connect("admin") as connection:
        connection.execute("ALTER TABLE audit.log_proposal DISABLE TRIGGER append_only")
        connection.execute("UPDATE audit.log_proposal SET proposed_at = now() - interval '8 days'")
    refused = confirm(login("admin"), proposal)
    assert refused.status_code == 409
    assert "older than seven days" in refused.json()["detail"]


@pytest.mark.parametrize("path", ["restores", "keys", "proposals/1/confirmation"])
def test_every_act_needs_a_reason_and_an_idempotency_key(
    given_up: str, new_line: str, login, path: str
) -> None:
    right = {
        "restores": {"checkpoint": given_up}, "keys": {"key": new_line}, "proposals/1/confirmation": {"digest": "00" * 32},
    }[path]  # fmt: skip
    client = login("manager")
    for reason in ({}, {"reason": "  "}, {"reason": "a\x00b"}, {"reason": "x" * 2001}):
        assert post(client, path, {**right, **reason}).status_code == 422
    assert post(client, path, {**right, "reason": "a good one", "person": "p-admin"}).status_code == 422
    assert client.post(f"/api/v1/log/{path}", json={**right, "reason": "a good one"}).status_code == 422


def test_after_a_restore_no_number_is_given_a_second_time(ledger: Ledger, given_up: str, login) -> None:
    """Every numbering of the ledger goes on far above whatever the part that was given up may have reached."""
    with ledger.connect("admin") as connection:
        kinds = connection.execute(
            "SELECT DISTINCT s.seqtypid::regtype::text FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relowner = 'backoffice_owner'::regrole"
        ).fetchall()
    assert kinds == [("bigint",)]
    proposal = restore(login("manager"), given_up).json()["proposal"]
    assert confirm(login("admin"), proposal).status_code == 201
    with ledger.connect("app") as connection:
        run_id = connection.execute(
            "SELECT ops.open_run('invoice_reconciliation', 'invoice_reconciliation', 'after', false, '{}', '0')"
        ).fetchone()[0]
    assert run_id == 1_000_000_001
    with ledger.connect("admin") as connection:
        below = connection.execute(
            "SELECT s.schemaname, s.sequencename FROM pg_sequences s WHERE s.sequenceowner = 'backoffice_owner' AND coalesce(s.last_value, 0) < 1000000000"
        ).fetchall()
    assert below == []
