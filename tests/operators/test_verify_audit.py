"""The operator of the daily verification: what it records, and when it raises the alarm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.conftest import Ledger
from tests.sealing import seal

from backoffice.exceptions import AuditLogError, ConfigurationError, TransientError
from backoffice.operators.verify_audit import VerifyAuditOperator

pytestmark = pytest.mark.integration


@pytest.fixture
def sealed(books: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A sealed ledger with a sealer that is there, and its anchors where the operator looks."""
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__ANCHOR_DIR", str(tmp_path / "anchors"))
    seal(books, tmp_path)
    with books.connect("sealer", autocommit=True) as there:
        there.execute("SELECT pg_advisory_lock(hashtextextended('backoffice:sealer', 0))")
        yield books


def run(**params: Any) -> dict[str, Any]:
    context = {"dag_run": SimpleNamespace(dag_id="audit_verification", run_id="one"), "params": params}
    return VerifyAuditOperator(task_id="verify").execute(context)


def kept(ledger: Ledger) -> list[tuple[Any, ...]]:
    with ledger.connect("auditor") as connection:
        return connection.execute(
            "SELECT extent, records, size, failed, left_out, by_whom FROM audit.verification ORDER BY verification_id"
        ).fetchall()


def alerts(ledger: Ledger) -> list[tuple[str, str]]:
    with ledger.connect("auditor") as connection:
        rows = connection.execute("SELECT body FROM audit.record WHERE kind = 'alert' ORDER BY n").fetchall()
    said = [json.loads(bytes(body)) for (body,) in rows]
    return [(one["alert"], one["detail"]) for one in said]


def test_a_good_log_is_kept_as_good(sealed: Ledger) -> None:
    found = run()
    with sealed.connect("auditor") as connection:
        (records,) = connection.execute("SELECT count(*) FROM audit.record").fetchone()
    assert (found["extent"], found["records"]) == ("full", records)
    assert run(incremental=True)["extent"] == "incremental"
    assert kept(sealed) == [
        ("full", records, records, [], [], "backoffice_app"),
        ("incremental", 0, records, [], ["completeness"], "backoffice_app"),
    ]
    assert alerts(sealed) == []


BACKDATE = "UPDATE audit.record SET recorded_at = recorded_at - interval '1 day' WHERE subject = 'policy:approve_invoice'"


def test_a_changed_log_that_takes_no_alert_fails_the_task_and_says_so(sealed: Ledger) -> None:
    with sealed.connect("admin") as admin:
        admin.execute("ALTER TABLE audit.record DISABLE TRIGGER ALL")
        admin.execute(BACKDATE)
    with pytest.raises(AuditLogError, match=r"content: its bytes say.*takes no alert"):
        run()
    assert (kept(sealed), alerts(sealed)) == ([], [])


def test_a_changed_log_fails_the_task_and_is_an_alert_in_the_log(sealed: Ledger) -> None:
    with sealed.connect("admin") as admin:
        admin.execute("ALTER TABLE audit.record DISABLE TRIGGER nothing_but_purge")
        admin.execute(BACKDATE)
    with pytest.raises(AuditLogError, match="content: its bytes say"):
        run()
    (row,) = kept(sealed)
    assert row[3] == ["content"]
    (alert,) = alerts(sealed)
    assert alert[0] == "verification failed"
    assert "subject policy:" in alert[1]
    with pytest.raises(AuditLogError):
        run()
    assert len(kept(sealed)) == 2
    assert len(alerts(sealed)) == 1, "the same once a day"


def test_no_seal_is_an_alarm_of_its_own(sealed: Ledger, tmp_path: Path) -> None:
    with sealed.connect("app") as app:
        app.execute("SELECT audit.raise_alert('test', 'something waits')")
    with sealed.connect("admin") as admin:
        admin.execute("UPDATE audit.waiting SET since = now() - interval '16 minutes'")
    with pytest.raises(AuditLogError, match="1 records wait for a checkpoint, the oldest for 16 minutes"):
        run()
    assert alerts(sealed)[-1][0] == "no seal came"


def test_a_missing_sealer_is_an_alarm(books: Ledger, tmp_path: Path) -> None:
    seal(books, tmp_path)
    with pytest.raises(AuditLogError, match="no sealer is connected"):
        run()
    assert kept(books)[0][4] == ["anchor"], "and it is kept that there was no anchor to compare with"


def test_the_keys_that_are_trusted_come_from_a_file(
    sealed: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (keys,) = (tmp_path / "anchors").glob("*.keys")
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__AUDIT_KEYS", str(keys))
    monkeypatch.delenv("AIRFLOW__BACKOFFICE__ANCHOR_DIR")
    assert not any("another key" in attack for attack in run()["unseen"])
    for text in ("gibberish", "\x00"):
        keys.write_text(text)
        with pytest.raises(ConfigurationError, match="audit_keys"):
            run()
    keys.unlink()
    with pytest.raises(ConfigurationError, match="audit_keys"):
        run()


def test_a_ledger_that_is_away_is_tried_again(sealed: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = json.dumps({"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "x", "password": "x", "schema": "x"})  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_BACKOFFICE_LEDGER", connection)
    with pytest.raises(TransientError):
        run()


def test_anchors_that_are_configured_and_gone_are_an_alarm(sealed: Ledger, tmp_path: Path) -> None:
    run()
    (tmp_path / "anchors").rename(tmp_path / "elsewhere")
    with pytest.raises(AuditLogError, match="anchor"):
        run()
    (tmp_path / "anchors").mkdir()
    with pytest.raises(AuditLogError, match="anchor"):
        run()
    assert [row[3] for row in kept(sealed)] == [[], ["anchor"], ["anchor"]]
