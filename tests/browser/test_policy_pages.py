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


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "address", ["/policies", f"/policies/approve_invoice/versions/{INSTALLED}", "/policies/proposals/{}"]
)
def test_pages_fit_the_screen(open_page, host, proposal, address, width):
    page = open_page(
        "manager", host, "/backoffice" + address.format(proposal), viewport={"width": width, "height": 800}
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
