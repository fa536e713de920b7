"""The forms of the authority page in a real browser: what is wrong stands at its field, and what was typed stays."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_what_is_missing_is_asked_for_at_its_field_and_nothing_typed_is_lost(open_page, host, books, ledger):
    page = open_page("admin", host, "/backoffice/authority")
    page.click("summary:text-is('Change: authority')")
    form = page.locator("form[data-access='authority']")
    typed = {"person_id": "p-clerk", "amount_limit": "12,50", "cost_centre": "CC-7"}
    for name, value in typed.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator("button").click()
    expect(form.locator("[data-field=reason] .error")).to_have_text("Say why, in at least three letters.")
    form.locator("[name=reason]").fill("takes over from Ben")
    form.locator("button").click()
    expect(form.locator("[data-field='row.role'] .error")).to_have_text("Choose a role.")
    expect(form.locator("[data-field='row.amount_limit'] .error")).to_have_text(
        "A number is needed, with a point before the decimals and no currency."
    )
    expect(form.locator("[name=role]")).to_have_attribute("aria-invalid", "true")
    for name, value in {**typed, "reason": "takes over from Ben"}.items():
        expect(form.locator(f"[name={name}]")).to_have_value(value)
    form.locator("[name=role]").fill("buyer")
    form.locator("[name=amount_limit]").fill("12.50")
    form.locator("button").click()
    expect(form.locator(".done")).to_contain_text("another administrator has to approve")
    with ledger.connect("admin") as connection:
        [(row, reason)] = connection.execute("SELECT after, reason FROM review.access_change").fetchall()
    assert (row["role"], row["amount_limit"], row["cost_centre"], reason) == (
        "buyer",
        12.5,
        "CC-7",
        "takes over from Ben",
    )
    page.complaints.clear()  # the browser itself notes the refused request
