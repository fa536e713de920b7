"""The inbox and the case page in a real browser."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from tests.web.books import HOSTILE
from tests.web.host import serve

from backoffice.operators.run_report import render_run_report

pytestmark = pytest.mark.browser
WIDTHS = (1280, 390)
SANDBOX = "allow-scripts allow-same-origin allow-forms allow-downloads"  # as Airflow embeds a plugin's pages


def answers(ledger) -> list[tuple]:
    with ledger.connect("admin") as connection:
        return connection.execute(
            "SELECT person_id, action, reason_code, reason, idempotency_key FROM review.answer ORDER BY answer_id"
        ).fetchall()


def fill(page, action: str, code: str, reason: str) -> None:
    page.check(f"input[name=action][value={action}]")
    page.select_option("select[name=reason_code]", code)
    page.fill("textarea[name=reason]", reason)


def test_a_clerk_decides_from_the_inbox(open_page, host, books, ledger):
    page = open_page("clerk", host, "/backoffice/cases?mine=true")
    page.click(f"a.case-link:has(strong:text-is('{books.duplicate}'))")
    listed = page.locator("select[name=reason_code] option")
    assert listed.all_inner_texts() == ["First choose what should be done"], "first what, then why"
    page.check("input[name=action][value=reject]")
    offered = page.locator("select[name=reason_code] option").all_inner_texts()
    assert offered[1:] == [
        "Duplicate",
        "Wrong supplier",
        "Wrong price",
        "Wrong quantity or unit",
        "Wrong currency",
        "Wrong tax",
        "Not ordered",
        "Not received",
        "Arithmetic",
    ]
    fill(page, "reject", "duplicate", "the same scan came by mail last week")
    page.click("button:text-is('Decide')")
    page.wait_for_selector("#done:visible")
    assert "It is booked within minutes" in page.inner_text("#done")
    assert not page.is_visible("#answer")
    assert [row[:4] for row in answers(ledger)] == [
        ("p-clerk", "reject", "duplicate", "the same scan came by mail last week")
    ]
    page.click("text=Show this case again")
    assert "decided, not yet booked" in page.inner_text("main")
    page.goto("/backoffice/cases?mine=true")
    assert page.locator("table.list tbody tr").count() == 2


def test_errors_stand_at_their_fields_and_nothing_typed_is_lost(open_page, host, books, ledger):
    page = open_page("buyer", host, f"/backoffice/cases/{books.price}")
    page.fill("textarea[name=reason]", "no")
    page.click("button:text-is('Decide')")
    shown = page.locator(".error:visible").all_inner_texts()
    assert shown == ["Choose what should be done.", "Choose a reason.", "Say why, in at least three letters."]
    assert page.get_attribute("textarea[name=reason]", "aria-invalid") == "true"
    assert page.input_value("textarea[name=reason]") == "no"
    fill(page, "accept", "approved", "agreed by phone")
    with ledger.connect("admin") as connection:
        connection.execute(
            "UPDATE review.case SET evidence_hash = '\\x99' WHERE case_id = %s", (books.price,)
        )
    page.click("button:text-is('Decide')")
    page.wait_for_selector("#form-error:visible")
    assert "changed since they were shown" in page.inner_text("#form-error")
    assert page.locator(".error:visible").count() == 0, "the earlier errors are gone"
    assert page.input_value("textarea[name=reason]") == "agreed by phone"
    assert page.is_checked("input[name=action][value=accept]")
    assert answers(ledger) == []
    page.complaints.clear()  # the browser logs the 409 itself


def test_an_error_the_ledger_names_stands_at_its_field(open_page, host, books, ledger):
    page = open_page("buyer", host, f"/backoffice/cases/{books.price}")
    fill(page, "accept", "approved", "agreed by phone")
    with ledger.connect("admin") as connection:
        connection.execute(
            "UPDATE review.case SET handover = jsonb_set(handover, '{actions,0,reason_codes}', '[\"receipt_confirmed\"]') "
            "WHERE case_id = %s",
            (books.price,),
        )
    page.click("button:text-is('Decide')")
    page.wait_for_selector("[data-field=reason_code] .error:visible")
    assert "Receipt confirmed" in page.inner_text("[data-field=reason_code] .error")
    page.complaints.clear()  # the browser logs the 422 itself


def test_a_broken_connection_loses_nothing_and_counts_once(open_page, host, books, ledger):
    page = open_page("buyer", host, f"/backoffice/cases/{books.price}")
    fill(page, "accept", "approved", "agreed by phone")
    delivered = []

    def deliver_but_lose_the_answer(route) -> None:
        delivered.append(route.fetch().status)
        route.abort()

    page.route("**/answers", deliver_but_lose_the_answer, times=1)
    page.click("button:text-is('Decide')")
    page.wait_for_selector("#form-error:visible")
    assert "did not answer" in page.inner_text("#form-error")
    assert delivered == [201]
    page.click("button:text-is('Decide')")
    page.wait_for_selector("#done:visible")
    assert len(answers(ledger)) == 1, "the same answer sent twice is one answer"
    page.complaints.clear()  # the browser logs the broken request itself


def test_the_second_person_finishes_what_the_first_began(open_page, host, books, ledger):
    first = open_page("clerk", host, f"/backoffice/cases/{books.quarantined}")
    fill(first, "discard", "advertising", "a catalogue")
    first.click("button:text-is('Decide')")
    first.wait_for_selector("#done:visible")
    assert "A second person has to agree" in first.inner_text("#done")
    first.reload()
    assert "You gave the first of two answers" in first.inner_text("main")
    assert first.locator("form#answer").count() == 0
    second = open_page("manager", host, f"/backoffice/cases/{books.quarantined}")
    assert "a catalogue" in second.inner_text("main")
    fill(second, "discard", "advertising", "agreed")
    second.click("button:text-is('Decide')")
    second.wait_for_selector("#done:visible")
    assert [row[0] for row in answers(ledger)] == ["p-clerk", "p-manager"]


def test_deciding_needs_no_mouse(open_page, host, books, ledger):
    page = open_page("buyer", host, f"/backoffice/cases/{books.price}")
    page.focus("input[name=action][value=accept]")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Entry: Invoice", "what it would book"
    assert not page.is_visible(".journal"), "closed until it is asked for"
    page.keyboard.press("Enter")
    page.wait_for_selector(".journal:visible")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "scroll", "its table, on narrow screens"
    page.keyboard.press("Tab")
    page.keyboard.press("a")  # agreed with supplier
    page.keyboard.press("Tab")
    page.keyboard.type("agreed by phone")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#done:visible")
    assert [row[1:4] for row in answers(ledger)] == [("accept", "agreed_with_supplier", "agreed by phone")]


def test_it_works_inside_airflows_frame(open_page, host, books, ledger):
    page = open_page("buyer", host, "/backoffice/cases")
    page.route(
        "**/airflow",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<link rel="icon" href="data:,"><iframe sandbox="{SANDBOX}" src="/backoffice/cases/{books.price}" width="1000" height="900"></iframe>',
        ),
    )
    page.goto("/airflow")
    frame = page.frame_locator("iframe")
    frame.locator("input[value=accept]").check()
    frame.locator("select[name=reason_code]").select_option("approved")
    frame.locator("#reason").fill("agreed by phone")
    frame.locator("button:text-is('Decide')").click()
    frame.locator("#done").wait_for(state="visible")
    assert len(answers(ledger)) == 1


def test_the_page_that_asks_for_a_log_in_keeps_its_looks_under_its_policy(browser, standing_host):
    context = browser.new_context(base_url=standing_host)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto("/backoffice/cases/7")
    button = page.locator("a:text-is('Log in')")
    assert button.get_attribute("href") == "/api/v2/auth/login?next=%2Fbackoffice%2Fcases%2F7"
    assert button.evaluate("link => getComputedStyle(link).borderRadius") == "7px"
    assert all("401" in text for text in complaints), complaints
    context.close()


def test_no_other_site_may_frame_it(open_page, standing_host, standing_books):
    other = FastAPI()

    @other.get("/", response_class=HTMLResponse)
    def frame_it() -> str:
        return f'<link rel="icon" href="data:,"><iframe src="{standing_host}/backoffice/cases"></iframe>'

    with serve(other) as elsewhere:  # another port: another origin, though the log-in cookie is sent to it
        page = open_page("clerk", elsewhere, "/")
        page.wait_for_timeout(300)
    assert any("frame-ancestors" in text for text in page.complaints)
    assert page.frames[-1].url == "chrome-error://chromewebdata/"
    page.complaints.clear()


def test_hostile_text_runs_nowhere(open_page, standing_host, standing_books):
    for case_id in (standing_books.duplicate, standing_books.quarantined):
        page = open_page("clerk", standing_host, f"/backoffice/cases/{case_id}")
        page.click("summary") if page.locator("summary").count() else None
        assert HOSTILE in page.inner_text("main")
        assert page.evaluate("document.querySelectorAll('main script').length") == 0


def test_the_policy_stops_a_script_that_got_in_all_the_same(open_page, standing_host, standing_books):
    page = open_page("clerk", standing_host, "/backoffice/cases")
    page.evaluate(
        "() => { const made = document.createElement('img'); made.setAttribute('onerror', 'window.ran = true');"
        " made.src = '/nothing.png'; document.body.append(made);"
        " const script = document.createElement('script'); script.textContent = 'window.ran = true'; document.body.append(script); }"
    )
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in page.complaints)
    page.complaints.clear()


def test_the_original_is_saved_and_not_shown(open_page, standing_host, standing_books, tmp_path):
    page = open_page("clerk", standing_host, f"/backoffice/cases/{standing_books.quarantined}")
    with page.expect_download() as download:
        page.click("a:text-is('Original')")
    assert download.value.suggested_filename == "scan 2026fdp.exe"
    download.value.save_as(tmp_path / "original")
    assert (tmp_path / "original").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_readable_wide_and_narrow_light_and_dark(
    scheme, width, open_page, standing_host, standing_books, tmp_path
):
    addresses = {
        "inbox": "/backoffice/cases",
        "case-price": f"/backoffice/cases/{standing_books.price}",
        "case-duplicate": f"/backoffice/cases/{standing_books.duplicate}",
        "case-quarantined": f"/backoffice/cases/{standing_books.quarantined}",
        "inbox-wrong-filter": "/backoffice/cases?amount_from=x&q=nordwind",
        "activity": "/backoffice/activity",
        "health": "/backoffice/health",
        "audit": "/backoffice/audit",
        "authority": "/backoffice/authority",
        "audit-wrong-name": "/backoffice/audit/evidence?ref=nothing",
        "policies": "/backoffice/policies",
        "policy": "/backoffice/policies/approve_invoice/versions/3",
        "runs": "/backoffice/runs",
        "report": f"/backoffice/runs/{standing_books.dag_id}/{standing_books.airflow_run_id}",
    }
    folder = Path(os.environ.get("BACKOFFICE_SCREENSHOTS") or tmp_path)
    page = open_page(
        "clerk",
        standing_host,
        "/backoffice/cases",
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
    )
    for name, address in addresses.items():
        page.goto(address)
        page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (
            f"{name} is wider than the screen"
        )
        ground, text = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        assert (brightness(ground) > brightness(text)) == (scheme == "light")
        assert abs(brightness(ground) - brightness(text)) > 150
    page.goto("/backoffice/cases")
    page.check("#choose-all")
    page.click("#decide-chosen")
    page.check("#decide input[value=accept]")
    page.wait_for_selector("#decide-left-out:visible")
    page.screenshot(path=folder / f"inbox-decide-{scheme}-{width}.png")
    page.complaints.clear()  # the browser logs the answer 422 itself


def brightness(color: str) -> float:
    red, green, blue = (float(part) for part in color[color.index("(") + 1 : -1].split(",")[:3])
    return 0.299 * red + 0.587 * green + 0.114 * blue


@pytest.mark.parametrize(("chosen", "scheme"), [("dark", "light"), ("light", "dark")])
def test_the_pages_take_airflows_colour_mode_over_the_systems(
    chosen, scheme, open_page, standing_host, standing_books
):
    page = open_page("clerk", standing_host, "/backoffice/cases", color_scheme=scheme)
    page.evaluate("mode => localStorage.setItem('theme', mode)", chosen)
    page.reload()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (brightness(ground) > 128) == (chosen == "light")


def test_the_report_file_opens_offline(browser, standing_ledger, standing_books, tmp_path):
    with standing_ledger.connect("admin") as connection:
        report = connection.execute("SELECT report FROM ops.run_report").fetchone()[0]
    file = tmp_path / "report.html"
    file.write_text(render_run_report(json.loads(json.dumps(report))), encoding="utf-8")
    context = browser.new_context(offline=True)
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    assert asked == [file.as_uri()]
    assert page.locator("svg.chart rect").count() >= 4
    assert "Synthetic data" in page.inner_text("main")
    assert page.evaluate("getComputedStyle(document.querySelector('.tile')).borderRadius") == "10px", (
        "its style is inside"
    )
    context.close()
