"""The last step of a run but one: what the run recorded is sealed, or the run says that it is not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.conftest import Ledger
from tests.night import run_night
from tests.sealing import sealer_config

from backoffice.domain.checkpoint import read_note
from backoffice.operators.seal import SealAuditLogOperator
from backoffice.runtime.sealer.process import serve

pytestmark = pytest.mark.integration


@contextmanager
def running_sealer(ledger: Ledger, folder: Path) -> Iterator[None]:
    ended = threading.Event()
    running = threading.Thread(target=serve, args=(sealer_config(ledger, folder), lambda: not ended.is_set()))
    running.start()
    try:
        yield
    finally:
        ended.set()
        with ledger.connect("app") as connection:
            connection.execute("SELECT audit.request_seal('the test ends')")
        running.join(timeout=30)


def report_of(ledger: Ledger) -> dict[str, Any]:
    with ledger.connect("auditor") as connection:
        return connection.execute(
            "SELECT report FROM ops.run_report ORDER BY run_id DESC LIMIT 1"
        ).fetchone()[0]


def test_a_night_ends_sealed_and_its_report_shows_the_checkpoint(
    company, ledger: Ledger, tmp_path: Path
) -> None:
    company(7, 40, "realistic")
    with running_sealer(ledger, tmp_path):
        results = run_night("sealed")
    assert results["seal_audit_log"]["sealed"] is True
    audit = report_of(ledger)["audit"]
    with ledger.connect("auditor") as connection:
        notes = {note.split("\n")[1]: note for (note,) in connection.execute("SELECT note FROM audit.seal")}
        unsealed = connection.execute(
            "SELECT count(*) FROM audit.waiting w JOIN audit.record r USING (record_id) WHERE r.kind IN ('decision', 'effect')"
        ).fetchone()
    shown = read_note(notes[audit["size"]])[0]
    assert audit["checkpoint"] == shown.short
    assert audit["root"] == shown.root.hex()
    assert unsealed == (0,)
    page = Path(results["report"]["file"]).read_text(encoding="utf-8")
    assert shown.short in page


def test_without_a_sealer_the_night_goes_on_and_says_so(company, ledger: Ledger) -> None:
    company(7, 40, "realistic")
    results = run_night("unsealed")
    assert results["seal_audit_log"] == {
        "sealed": False, "size": None, "root": None, "problem": "no sealer is connected to the ledger",
    }  # fmt: skip
    audit = report_of(ledger)["audit"]
    assert audit["checkpoint"] is None
    assert audit["sealer"] is False
    assert audit["waiting"] > 100
    page = Path(results["report"]["file"]).read_text(encoding="utf-8")
    assert "audit records are not sealed yet" in page
    with ledger.connect("auditor") as connection:
        (body,) = connection.execute("SELECT body FROM audit.record WHERE kind = 'alert'").fetchone()
    assert json.loads(bytes(body))["alert"] == "run not sealed"


class Events(dict[Any, Any]):
    def __missing__(self, asset: Any) -> SimpleNamespace:
        self[asset] = SimpleNamespace(extra={})
        return self[asset]


def test_airflow_is_told_the_checkpoint(product, ledger: Ledger, tmp_path: Path) -> None:
    from backoffice.assets import AUDIT_LOG

    events = Events()
    context = {
        "dag_run": SimpleNamespace(dag_id="some", run_id="one"),
        "params": {},
        "outlet_events": events,
    }
    with running_sealer(ledger, tmp_path):
        told = SealAuditLogOperator(task_id="seal", process="invoice_reconciliation").execute(context)
    assert told["sealed"] is True
    assert events[AUDIT_LOG].extra == {"size": told["size"], "root": told["root"]}
