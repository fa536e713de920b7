"""A real browser before the pages, embedded the way Airflow embeds them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from tests.web.conftest import (
    airflow_without_its_database,
    books,
    host,
    standing_books,
    standing_host,
    standing_ledger,
)
from tests.web.host import log_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = [
    "airflow_without_its_database",
    "books",
    "host",
    "standing_books",
    "standing_host",
    "standing_ledger",
]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium, gone after the module: Playwright keeps an event loop running in this thread,
    in which no test of asynchronous code could start its own.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if executable is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page logged in as a user; the test fails when a page breaks its own policy or a script fails."""
    contexts, complaints = [], []

    def open_as(user: str, base: str, address: str, **options: Any) -> Page:
        context = browser.new_context(base_url=base, **options)
        context.add_cookies([{"name": "_token", "value": log_in(user), "url": base}])
        contexts.append(context)
        context.set_default_timeout(8000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.on("dialog", lambda dialog: complaints.append(f"a dialog opened: {dialog.message}"))
        page.complaints = complaints  # type: ignore[attr-defined]
        page.goto(address)
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert complaints == []
