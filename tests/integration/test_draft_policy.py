"""A policy file that is not the active version decides nothing, and the run's report says so."""

from __future__ import annotations

import shutil

import pytest
from tests.night import environment, run_night

from backoffice import settings

pytestmark = pytest.mark.integration


def test_changed_policy_file_is_a_draft(ledger, company, tmp_path):
    company(3, 40, "clean")
    include = tmp_path / "include"
    shutil.copytree(settings.include_dir(), include)
    file = include / "policies" / "invoice_reconciliation" / "approve_invoice.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("100000.00", "0.01"), encoding="utf-8")
    with environment({"AIRFLOW__BACKOFFICE__INCLUDE_DIR": str(include)}):
        results = run_night("night")
    assert not isinstance(results["report"], BaseException), results["report"]
    with ledger.connect("auditor") as connection:
        report = connection.execute("SELECT report FROM ops.run_report").fetchone()[0]
    assert report["draft_policies"] == ["approve_invoice"]
    assert report["invoices"]["approve"] > 0  # by the active text, not by the draft's limit of one cent
