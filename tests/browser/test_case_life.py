"""Taking, asking, answering, commenting and attaching in a real browser."""

from __future__ import annotations

import pytest
from tests.web.books import HOSTILE

pytestmark = pytest.mark.browser


def test_take_ask_answer_decide(open_page, host, books, ledger):
    """A manager takes a case and asks the buyer, who answers on the same page; it comes back to the manager."""
    manager = open_page("manager", host, f"/backoffice/cases/{books.price}")
    manager.click("button:text-is('Take this case')")
    manager.wait_for_selector("text=You have this case since")
    manager.click("summary:text-is('Ask for information')")
    manager.click("button:text-is('Ask')")
    assert manager.locator("#life .error:visible").all_inner_texts() == ["Please write your question."]
    manager.fill("#question", f"Agreed on 11? {HOSTILE}")
    manager.click("button:text-is('Ask')")
    manager.wait_for_selector("text=waits for information from Ben Buyer")

    buyer = open_page("buyer", host, f"/backoffice/cases/{books.price}")
    assert HOSTILE in buyer.inner_text("#life")
    assert buyer.locator("button:text-is('Take this case')").count() == 0
    buyer.fill("#information", "Yes, by telephone")
    buyer.click("button:text-is('Answer')")
    # the page said before whose case it is: what was answered stands there only when it is stored
    buyer.wait_for_selector(".said:text-is('Yes, by telephone')")
    buyer.wait_for_selector("text=Max Manager has this case")
    buyer.complaints.clear()

    manager.reload()
    assert "Yes, by telephone" in manager.inner_text("#life")
    manager.check("input[name=action][value=accept]")
    manager.select_option("select[name=reason_code]", "agreed_with_supplier")
    manager.fill("textarea[name=reason]", "Ben agreed to it")
    manager.click("button:text-is('Decide')")
    manager.wait_for_selector("#done:visible")
    with ledger.connect("admin") as connection:
        acts = connection.execute("SELECT act, person_id FROM review.case_act ORDER BY act_id").fetchall()
    assert acts == [("claim", "p-manager"), ("ask", "p-manager"), ("inform", "p-buyer")]


def test_who_comes_second_is_told_who_has_it_and_loses_nothing(open_page, host, books):
    second = open_page("manager", host, f"/backoffice/cases/{books.duplicate}")
    first = open_page("clerk", host, f"/backoffice/cases/{books.duplicate}")
    first.click("button:text-is('Take this case')")
    first.wait_for_selector("text=You have this case")
    second.fill("textarea[name=reason]", "half a thought")
    second.click("button:text-is('Take this case')")
    second.wait_for_selector("#life .error:visible")
    assert "Clara Clerk has claimed case" in second.inner_text("#life .error:visible")
    assert second.input_value("textarea[name=reason]") == "half a thought"
    second.complaints.clear()  # the browser logs the 409 itself


def test_a_file_is_attached_and_saved(open_page, host, books, tmp_path):
    offer = tmp_path / "offer <b>.pdf"
    offer.write_bytes(b"%PDF-1.7\nan offer")
    page = open_page("buyer", host, f"/backoffice/cases/{books.price}")
    page.click("summary:text-is('Attach a file')")
    page.click("button:text-is('Attach')")
    assert page.locator("#life .error:visible").all_inner_texts() == ["Choose a file."]
    page.set_input_files("#file", offer)
    page.click("button:text-is('Attach')")
    page.wait_for_selector("#life a:text-is('Download')")
    with page.expect_download() as saved:
        page.click("#life a:text-is('Download')")
    assert saved.value.suggested_filename == "offer _b_.pdf"
    assert saved.value.path().read_bytes() == offer.read_bytes()


@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits(open_page, host, books, width):
    page = open_page(
        "manager", host, f"/backoffice/cases/{books.price}", viewport={"width": width, "height": 900}
    )
    for summary in page.locator("#life summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
