"""The pictures of the documents: the real pages over a night of the sandbox company.

``BACKOFFICE_SCREENSHOTS=docs/img .venv/bin/python -m pytest tests/docs/test_pictures.py`` takes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.night import run_night
from tests.web.host import create_host, serve

pytestmark = [pytest.mark.integration, pytest.mark.browser]
SIZE = {"width": 1280, "height": 860}


def test_a_case_and_a_report_as_the_documents_show_them(
    open_page, company, ledger, airflow_without_its_database, tmp_path
) -> None:
    folder = Path(os.environ.get("BACKOFFICE_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    company(7, 60, "realistic")
    results = run_night("scheduled__2026-11-20")
    assert not [result for result in results.values() if isinstance(result, BaseException)]
    with ledger.connect("auditor") as connection:
        case_id, difference = connection.execute(
            "SELECT c.case_id, round(h.measured, 2) FROM review.case c JOIN review.case_item USING (case_id) "
            "JOIN ledger.hold h USING (hold_id) WHERE h.code = 'PRICE' AND c.amount < 25000 AND c.title NOT LIKE '%=%' "
            "ORDER BY (SELECT count(*) FROM review.case_item x WHERE x.case_id = c.case_id), h.measured DESC, c.case_id LIMIT 1"
        ).fetchone()
    with serve(create_host(lambda: ledger.dsn("web"))) as address:
        page = open_page(
            "buyer", address, f"/backoffice/cases/{case_id}", viewport=SIZE, color_scheme="light"
        )
        assert f"{difference:,.2f}" in page.inner_text("main")
        page.screenshot(path=folder / "case.png")
        page.goto("/backoffice/runs/invoice_reconciliation/scheduled__2026-11-20")
        assert "Totals tie" in page.inner_text("main")
        assert "Synthetic data" in page.inner_text("main")
        page.screenshot(path=folder / "report.png")
