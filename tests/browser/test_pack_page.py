"""The page of an evidence pack before a real browser: nothing runs, nothing is fetched, nothing runs off the screen."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import PROJECT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.integration
QUESTIONS = (
    *("What", "What came of it", "Who", "When (UTC)", "Why", "Why not otherwise", "By which rule"),
    *("On which inputs", "How old they were", "What was booked", "What this pack cannot prove"),
)
BEYOND = """[...document.querySelectorAll("body *")].filter(
  one => !one.closest(".wide") && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map(one => one.textContent.slice(0, 60))"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    with zipfile.ZipFile(PROJECT / "docs" / "example" / "evidence.zip") as pack:
        pack.extractall(folder)
    return folder / "summary.html"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_answers_and_fits(browser: Browser, page_file: Path, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    assert asked == [page_file.as_uri()]
    assert page.evaluate(BEYOND) == []
    shown = page.locator("table.pairs").first.locator("th").all_inner_texts()
    assert [one for one in QUESTIONS if one not in shown] == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 31)"}[scheme]
    context.close()
