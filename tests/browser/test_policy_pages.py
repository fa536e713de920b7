"""A change of a policy is signed in a real browser."""

from __future__ import annotations

import pytest
from tests.changing import INSTALLED, NEXT, limited, propose

pytestmark = pytest.mark.browser


@pytest.fixture
def proposal(ledger, books) -> int:
    """The next version with half the limit, proposed by the clerk."""
    with ledger.connect("web") as connection:
        return propose(connection, "clerk", limited(NEXT, "50000.00"))["proposal_id"]


def active(ledger) -> int:
    with ledger.connect("auditor") as connection:
        return connection.execute("SELECT version FROM ledger.active_policy").fetchone()[0]


def test_the_second_person_approves_on_the_page(open_page, host, proposal, ledger):
    page = open_page("manager", host, "/backoffice/cases")
    page.click("nav a:text-is('Policies')")
    page.click(f"a:has(strong:text-is('{proposal}'))")
    page.click("button:text-is('Approve')")
    assert "Say why" in page.inner_text("#form-error")
    assert active(ledger) == INSTALLED
    page.fill("textarea[name=reason]", "tried on October")
    page.click("button:text-is('Approve')")
    page.wait_for_selector("#done:visible")
    assert "It decides from now on." in page.inner_text("#done")
    assert active(ledger) == NEXT
    page.click("text=All policies")
    assert "active" in page.inner_text("main")


def test_who_proposed_it_finds_no_way_to_approve_it(open_page, host, proposal, ledger):
    page = open_page("clerk", host, f"/backoffice/policies/proposals/{proposal}")
    assert page.locator("button[type=submit]").all_inner_texts() == ["Withdraw"]
    page.fill("textarea[name=reason]", "a typing error")
    page.click("button:text-is('Withdraw')")
    page.wait_for_selector("#done:visible")
    assert "Nothing changes." in page.inner_text("#done")


def test_what_the_ledger_refuses_is_shown_and_nothing_typed_is_lost(open_page, host, proposal, ledger):
    page = open_page("manager", host, f"/backoffice/policies/proposals/{proposal}")
    with ledger.connect("admin") as connection:
        connection.execute("DELETE FROM review.authority WHERE role = 'policy_owner'")
    page.fill("textarea[name=reason]", "tried on October")
    page.click("button:text-is('Approve')")
    page.wait_for_selector("#form-error:visible")
    assert "no authority as policy owner" in page.inner_text("#form-error")
    assert page.input_value("textarea[name=reason]") == "tried on October"
    assert active(ledger) == INSTALLED
    page.complaints.clear()  # the browser itself notes the refused request


def test_a_text_is_checked_and_proposed_and_another_person_approves_it(
    open_page, host, books, ledger, tmp_path
):
    page = open_page("clerk", host, "/backoffice/policies")
    page.click("text=Propose a change of approve invoice")
    assert page.locator("button:text-is('Propose')").is_disabled()
    wrong = limited(NEXT, "50000.00").replace("receipt: missed", "receipt: lost", 1)
    (tmp_path / "wrong.yaml").write_text(wrong, encoding="utf-8")
    page.set_input_files("#file", tmp_path / "wrong.yaml")
    page.click("button:text-is('Check')")
    page.wait_for_selector("#findings:visible")
    row = page.locator("#findings tbody tr").first
    assert row.locator("[data-label=Cell]").inner_text() == "receipt"
    assert "receipt_overdue" in row.locator("[data-label=Rule]").inner_text()
    assert page.locator("button:text-is('Propose')").is_disabled()
    page.complaints.clear()  # the browser itself notes the refused request
    row.locator("button").click()
    chosen = page.evaluate("() => window.getSelection().toString()")
    assert "receipt: lost" in chosen
    page.fill("#policy-text", limited(NEXT, "50000.00"))
    page.click("button:text-is('Check')")
    page.wait_for_selector("#checked:visible")
    assert "+machine_limit: 50000.00 EUR" in page.inner_text("#checked-difference")
    assert page.locator("#findings").is_hidden()
    page.click("button:text-is('Propose')")
    assert "Say why" in page.inner_text("[data-field=reason] .error")
    page.fill("#reason", "tried on October")
    page.fill("#policy-text", limited(NEXT, "40000.00"))
    assert page.locator("button:text-is('Propose')").is_disabled(), "another text than was checked"
    page.fill("#policy-text", limited(NEXT, "50000.00"))
    page.click("button:text-is('Propose')")
    page.wait_for_selector("#done:visible")
    assert active(ledger) == INSTALLED
    page.click("text=Show the proposal")
    address = page.url.removeprefix(host)
    second = open_page("manager", host, address)
    second.fill("textarea[name=reason]", "agreed")
    second.click("button:text-is('Approve')")
    second.wait_for_selector("#done:visible")
    assert active(ledger) == NEXT


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "address",
    [
        "/policies",
        f"/policies/approve_invoice/versions/{INSTALLED}",
        "/policies/proposals/{}",
        "/policies/approve_invoice/propose",
    ],
)
def test_pages_fit_the_screen(open_page, host, proposal, address, width):
    page = open_page(
        "manager", host, "/backoffice" + address.format(proposal), viewport={"width": width, "height": 800}
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
