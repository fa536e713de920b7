"""``backoffice review batch``: look at a batch, take entries out of it, and sign it by ``review decide``."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.cli.test_review import as_user, run
from tests.conftest import Ledger
from tests.web.host import create_host, serve
from tests.web.test_batches import batch

__all__ = ["as_user", "batch"]


@pytest.fixture
def batch_api(
    ledger: Ledger, batch: int, airflow_without_its_database: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """The case of a batch that an API server shows."""
    for name in ("TOKEN", "USER", "PASSWORD", "HOME"):
        monkeypatch.delenv(f"BACKOFFICE_{name}", raising=False)
    with serve(create_host(lambda: ledger.dsn("web"))) as base:
        monkeypatch.setenv("BACKOFFICE_URL", base)
        yield batch


def test_look_take_out_and_sign(batch_api, as_user, capsys, ledger):
    case = str(batch_api)
    as_user("manager")
    assert run("batch", "list") == 0
    assert capsys.readouterr().out.splitlines()[1].split(maxsplit=3) == [
        case,
        "open",
        "controller",
        "Batch 1: 120 entries, 14,400.00 EUR",
    ]
    assert run("batch", "show", case, "--limit", "3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"Batch 1, case {case}", "to be signed for: 120 entries, 14400 EUR"]
    assert [line.split()[1] for line in lines[3:6]] == ["R-000", "R-001", "R-002"]
    assert lines[-1] == "there are more than 3 entries; raise --limit"
    assert run("batch", "take-out", case, "2", "3", "--reason", "not delivered") == 0
    assert capsys.readouterr().out.splitlines() == [
        "taken out: 2; nothing is signed by this",
        "to be signed for: 118 entries, 14160 EUR (2 taken out)",
    ]
    assert run("batch", "take-out", case, "2", "--reason", "again") == 1
    assert "taken out already: 2" in capsys.readouterr().err
    assert run("batch", "take-out", case, "4", "4", "--reason", "twice") == 2
    assert "named twice" in capsys.readouterr().err
    assert run("batch", "show", case, "--json", "--limit", "200") == 0
    shown = json.loads(capsys.readouterr().out)
    assert [entry["item_no"] for entry in shown["entries"] if entry["state"] == "taken_out"] == [2, 3]
    words = ["decide", case, "--action", "accept", "--reason-code", "totals_checked", "--reason", "as listed"]
    as_user("clerk")
    assert run(*words) == 1
    assert "no authority as controller for 14,160.00 EUR" in capsys.readouterr().err
    as_user("manager")
    assert run(*words) == 0
    assert "recorded as answer" in capsys.readouterr().out
    assert run("batch", "list") == 0
    assert capsys.readouterr().out == "no batch waits\n"
    with ledger.connect("admin") as connection:
        assert connection.execute("SELECT action, final FROM review.answer").fetchall() == [("accept", True)]
