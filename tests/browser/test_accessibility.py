"""WCAG 2.2 AA as far as axe-core can tell, and what it cannot: focus that is seen, in order, and never lost."""

from __future__ import annotations

import itertools
from importlib import resources

import pytest

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = {
    "inbox": "/cases",
    "no-case": "/cases?q=nothing-like-it",
    "wrong-filter": "/cases?amount_from=x",
    "case": "/cases/{price}",
    "case-quarantined": "/cases/{quarantined}",
    "runs": "/runs",
    "run": "/runs/{dag_id}/{airflow_run_id}",
    "activity": "/activity",
    "health": "/health",
    "audit": "/audit",
    "authority": "/authority",
    "audit-wrong-name": "/audit/evidence?ref=nothing",
    "policies": "/policies",
    "policy-propose": "/policies/approve_invoice/propose",
    "nothing-there": "/nothing/here",
}


@pytest.fixture(scope="module")
def axe() -> str:
    """The text of axe-core, which is injected past the page's policy by the browser's debugger."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return (resources.files(package) / "axe.min.js").read_text(encoding="utf-8")


def violations(page, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}}).then(result => result.violations)",
        RULES,
    )
    return [
        f"{one['impact']} {one['id']}: {one['help']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for one in found
        for node in one["nodes"][:3]
    ]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(scheme, width, open_page, standing_host, standing_books, axe):
    page = open_page(
        "clerk",
        standing_host,
        "/backoffice/cases",
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
    )
    for name, address in PAGES.items():
        page.goto("/backoffice" + address.format(**vars(standing_books)))
        assert violations(page, axe) == [], name
    page.complaints.clear()  # the browser logs the answers 404 and 422 itself


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_dialogs(scheme, open_page, standing_host, standing_books, axe):
    page = open_page("clerk", standing_host, "/backoffice/cases", color_scheme=scheme)
    page.keyboard.press("?")
    assert violations(page, axe) == []
    page.keyboard.press("Escape")
    page.check("#choose-all")
    page.click("#decide-chosen")
    page.check("#decide input[value=accept]")
    page.wait_for_selector("#decide-left-out:visible")
    page.fill("#decide-reason", "")
    page.click("#decide-confirm")
    assert violations(page, axe) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_where_officers_switch_measuring_on(width, open_page, host, books, axe):
    page = open_page("manager", host, "/backoffice/authority", viewport={"width": width, "height": 900})
    page.click("text=Ask to measure single persons")
    assert violations(page, axe) == []
    asking = page.locator("form.measure-form")
    asking.locator("button").click()
    assert "Say why" in asking.locator("[data-field=reason] .error").inner_text()
    asking.locator("[name=until]").fill("2026-12-01")
    asking.locator("textarea").fill("the works council agreed")
    asking.locator("button").click()
    page.wait_for_selector("form.measure-form .done:visible")
    other = open_page("admin", host, "/backoffice/authority", viewport={"width": width, "height": 900})
    assert violations(other, axe) == []
    other.locator("form.measure-form textarea").fill("as agreed")
    other.click("form.measure-form button:text-is('Approve')")
    other.wait_for_selector("form.measure-form .done:visible")
    page.goto("/backoffice/authority")
    assert "switched on" in page.inner_text("#content")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("form.measure-form textarea").first.fill("it is over")
    page.click("form.measure-form button:text-is('Switch off')")
    page.wait_for_selector("form.measure-form .done:visible")
    assert violations(page, axe) == []


def test_the_focus_goes_through_the_page_in_order_and_is_seen(open_page, standing_host, standing_books):
    page = open_page("clerk", standing_host, "/backoffice/cases")
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => { const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
                 return one === document.body ? null : [one.tagName, one.textContent.trim().slice(0, 30) || one.name || one.id,
                   Math.round(box.top + window.scrollY), box.width * box.height > 0, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2] }"""
        )
        if at is None:
            break
        assert at[3], f"{at} has the focus and no place"
        assert at[4], f"{at} has the focus and does not show it"
        seen.append(at)
    names = [at[1] for at in seen]
    assert names[0] == "To the content"
    assert names.index("Cases") < names.index("q") < names.index("choose-all") < len(names) - 1
    tops = [at[2] for at in seen[2:]]
    assert all(later >= earlier - 60 for earlier, later in itertools.pairwise(tops)), "the focus jumps up"


def test_the_first_link_leads_past_the_navigation(open_page, standing_host, standing_books):
    page = open_page("clerk", standing_host, "/backoffice/cases")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_a_dialog_keeps_the_focus_and_gives_it_back(open_page, standing_host, standing_books):
    page = open_page("clerk", standing_host, "/backoffice/cases")
    page.focus("#show-help")
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        inside = page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('#help')"
        )
        assert inside, "the focus left an open dialog"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "show-help"


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_what_is_pressed_is_large_enough(width, open_page, standing_host, standing_books):
    """2.5.8: at least 24 by 24, or as much room around it."""
    page = open_page("clerk", standing_host, "/backoffice/cases", viewport={"width": width, "height": 900})
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input:not([type=hidden]), nav a')].filter(one => one.offsetParent)
             .map(one => [one.id || one.name || one.textContent.trim(), one.closest('td, th') || one, one])
             .filter(([name, place]) => { const box = place.getBoundingClientRect(); return box.width < 24 || box.height < 24; })
             .map(([name]) => name)"""
    )
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
