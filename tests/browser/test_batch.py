"""A batch in a real browser: entries are taken out, the totals are there anew, and then it is signed."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.web.host import create_host, serve
from tests.web.test_batches import batch

__all__ = ["batch"]
pytestmark = pytest.mark.browser


def test_take_out_look_again_and_sign(open_page, batch, ledger, airflow_without_its_database):
    with serve(create_host(lambda: ledger.dsn("web"))) as base:
        page = open_page("manager", base, f"/backoffice/cases/{batch}")
        form = page.locator("#batch form")
        form.locator("button").click()
        expect(form.locator("[data-field=items] > .error")).to_have_text("Choose at least one entry.")
        form.locator("textarea").fill("not delivered")
        form.locator("input[value='2']").check()
        form.locator("button").click()
        expect(page.locator("#batch .totals")).to_contain_text("14,280.00 EUR")
        expect(page.locator("#entries")).to_contain_text("Max Manager: not delivered")
        page.click("label:has-text('Sign off')")
        page.select_option("#reason_code", "totals_checked")
        page.fill("#reason", "looked at the totals")
        page.click("button:text-is('Decide')")
        page.wait_for_selector("#done:visible")
    with ledger.connect("admin") as connection:
        assert connection.execute("SELECT action, final FROM review.answer").fetchall() == [("accept", True)]
