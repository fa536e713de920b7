"""The pictures of the documents: the real pages over a night of the sandbox company.

``BACKOFFICE_SCREENSHOTS=docs/img .venv/bin/python -m pytest tests/docs/test_pictures.py`` takes them anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.docs.pages import PROJECT, all_pages
from tests.night import run_night
from tests.web.host import create_host, serve

pytestmark = [pytest.mark.integration, pytest.mark.browser]
WIDE, LONG = {"width": 1280, "height": 860}, {"width": 1280, "height": 930}
NARROW = {"width": 390, "height": 780}
MOST_BYTES = 250_000


@dataclass
class Studio:
    """A night of the sandbox company behind its pages, and a folder for the pictures."""

    ledger: Any
    address: str
    folder: Path
    open_page: Callable[..., Any]

    def sit(self, user: str, address: str, size: dict[str, int] = WIDE, scheme: str = "light") -> Any:
        """Open a page as a user."""
        return self.open_page(user, self.address, address, viewport=size, color_scheme=scheme)

    def take(self, of: Any, name: str) -> None:
        """Keep a picture of a page, or of a part of one."""
        of.screenshot(path=self.folder / name)
        assert (self.folder / name).stat().st_size < MOST_BYTES


@pytest.fixture
def studio(
    open_page: Any, company: Any, ledger: Any, airflow_without_its_database: Any, tmp_path: Path
) -> Iterator[Studio]:
    folder = Path(os.environ.get("BACKOFFICE_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    company(7, 120, "realistic")
    results = run_night("scheduled__2026-11-20")
    assert not [result for result in results.values() if isinstance(result, BaseException)]
    with serve(create_host(lambda: ledger.dsn("web"))) as address:
        yield Studio(ledger, address, folder, open_page)


def test_the_pages_as_the_documents_show_them(studio: Studio) -> None:
    a_case_and_its_life(studio)
    the_inbox(studio)
    a_report(studio)
    who_may_do_what(studio)


def a_case_and_its_life(studio: Studio) -> None:
    with studio.ledger.connect("auditor") as connection:
        case_id, difference = connection.execute(
            "SELECT c.case_id, round(h.measured, 2) FROM review.case c JOIN review.case_item USING (case_id) "
            "JOIN ledger.hold h USING (hold_id) WHERE h.code = 'PRICE' AND c.amount < 25000 AND c.title NOT LIKE '%=%' "
            "ORDER BY (SELECT count(*) FROM review.case_item x WHERE x.case_id = c.case_id), h.measured DESC, c.case_id LIMIT 1"
        ).fetchone()
    address = f"/backoffice/cases/{case_id}"
    buyer = studio.sit("buyer", address, LONG)
    assert f"{difference:,.2f}" in buyer.inner_text("main")
    studio.take(buyer, "case.png")
    buyer.click("button:text-is('Take this case')")
    buyer.wait_for_selector("text=You have this case since")
    buyer.click("summary:text-is('Ask for information')")
    buyer.select_option("#whom", "person:p-clerk")
    buyer.fill("#question", "Did the supplier send a new price list?")
    buyer.click("button:text-is('Ask')")
    buyer.wait_for_selector("text=waits for information from Clara Clerk")
    clerk = studio.sit("clerk", address)
    clerk.fill("#information", "Yes, it is valid from November.")
    clerk.click("button:text-is('Answer')")
    clerk.wait_for_selector(".said:text-is('Yes, it is valid from November.')")
    buyer.reload()
    assert "valid from November" in buyer.inner_text("#life")
    studio.take(buyer.locator("#life"), "case-life.png")


def the_inbox(studio: Studio) -> None:
    address = "/backoffice/cases?q=GmbH&role=buyer&sort=amount"
    page = studio.sit("clerk", address)
    assert page.locator("tr[data-case]").count() >= 6
    assert page.inner_text("#synthetic") == "Synthetic data"
    assert "Ben Buyer" in page.inner_text("#list"), "somebody has taken one"
    studio.take(page, "inbox.png")
    narrow = studio.sit("clerk", address, NARROW, "dark")
    narrow.evaluate("document.getElementById('list').scrollIntoView()")
    studio.take(narrow, "inbox-narrow.png")


def a_report(studio: Studio) -> None:
    page = studio.sit("clerk", "/backoffice/runs/invoice_reconciliation/scheduled__2026-11-20")
    assert "Totals tie" in page.inner_text("main")
    assert "Synthetic data" in page.inner_text("main")
    studio.take(page, "report.png")


def who_may_do_what(studio: Studio) -> None:
    """One administrator proposes four eyes above a limit; the other sees what it would change."""
    one = studio.sit("admin", "/backoffice/authority")
    one.click("summary:text-is('Change: quorum rule')")
    form = one.locator("form[data-access=quorum_rule]")
    for name, value in {
        "name": "four eyes",
        "amount_from": "5000",
        "currency": "EUR",
        "persons": "2",
        "reason": "as the board decided",
    }.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator("button[type=submit]").click()
    form.locator(".done").wait_for(state="visible")
    other = studio.sit("manager", "/backoffice/authority", LONG)
    assert "quorum rule" in other.inner_text("main")
    other.click("main table a >> nth=0")
    other.wait_for_selector("button:text-is('Approve')")
    assert "From amount" in other.inner_text("main")
    studio.take(other, "authority.png")


def test_every_picture_is_shown_and_small() -> None:
    """A picture that no page shows, or that is slow to load, is one too many."""
    shown = {
        Path(target).name
        for file in all_pages()
        for words, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", file.read_text(encoding="utf-8"))
        if len(words) > 40
    }
    pictures = sorted((PROJECT / "docs" / "img").iterdir())
    assert {file.name for file in pictures} == shown
    for file in pictures:
        assert file.stat().st_size < MOST_BYTES, file.name
