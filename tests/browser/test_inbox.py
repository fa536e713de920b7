"""The inbox in a real browser: filters without reload, keys, one answer to several cases, counts that follow."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.browser.test_review_pages import answers
from tests.web.books import Books

pytestmark = pytest.mark.browser
LIST = "tr[data-case]"


def shown(page) -> list[int]:
    return [
        int(number) for number in page.locator(LIST).evaluate_all("rows => rows.map(row => row.dataset.case)")
    ]


def routine(ledger, number: int) -> list[int]:
    """Turn every case into one for the clerk and copy one of them, so that as many wait."""
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.case SET state = 'superseded' WHERE state = 'open'")
        rows = connection.execute(
            """INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, title, amount, currency, due_date, evidence_hash, handover)
               SELECT c.process, c.subject_kind, c.subject_id, c.subject_key || n, c.role, c.entity, 'Document ' || n, 10, 'EUR', date '2026-12-01' + n, c.evidence_hash,
                 jsonb_set(c.handover, '{actions}', '[{"action": "accept", "label": "Accept", "needs_second_person": false, "reason_codes": ["approved"], "effect": "Nothing"},
                   {"action": "reject", "label": "Reject", "needs_second_person": false, "reason_codes": ["duplicate"], "effect": "Nothing"}]')
               FROM (SELECT * FROM review.case WHERE subject_kind = 'quarantine') c CROSS JOIN generate_series(1, %s) n
               ON CONFLICT DO NOTHING RETURNING case_id""",
            (number,),
        ).fetchall()
    return [row[0] for row in rows]


@pytest.fixture
def many(books: Books, ledger) -> list[int]:
    """Twenty-five cases that a clerk decides as a matter of routine."""
    with ledger.connect("admin") as connection:
        connection.execute(
            "DROP INDEX review.one_open_case"
        )  # copies of one subject stand for many documents
    return routine(ledger, 25)


def test_keys_move_choose_and_help(open_page, host, many):
    page = open_page("clerk", host, "/backoffice/cases")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("x")
    page.keyboard.press("k")
    expect(page.locator("#chosen")).to_have_text("2 selected")
    assert page.evaluate("document.activeElement.closest('tr').dataset.case") == str(many[1])
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("jxa")
    assert page.input_value("#q") == "jxa", "what is typed into a field is no command"
    expect(page.locator("#decide")).to_be_hidden()


def test_single_keys_can_be_switched_off(open_page, host, many):
    page = open_page("clerk", host, "/backoffice/cases")
    page.keyboard.press("?")
    page.uncheck("#keys-on")
    page.click("#help button:text-is('Close')")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('tr')") is None
    page.reload()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('tr')") is None
    page.click("#show-help")
    expect(page.locator("#keys-on")).not_to_be_checked()


def test_several_cases_at_once_leave_out_and_name_what_exceeds_the_limit(open_page, host, many, ledger):
    page = open_page("clerk", host, "/backoffice/cases")
    # what exceeds the limit when the list is read cannot be selected; the guard also sees what changes later
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.case SET amount = 99999999 WHERE case_id = %s", (many[1],))
    for case_id in many[:3]:
        page.check(f"[data-case='{case_id}'] .choose-case")
    page.click("#decide-chosen")
    page.check("#decide input[value=accept]")
    expect(page.locator("#decide-left-out")).to_contain_text("2 will be decided. Left out:")
    expect(page.locator("#decide-left-out")).to_contain_text(
        "no authority as accounts payable clerk for 99,999,999.00 EUR"
    )
    expect(page.locator("#decide-reason")).to_have_value("")  # of several cases there is no one cause
    page.select_option("#decide-code", "approved")
    page.fill("#decide-reason", "a week's catalogues")
    page.click("#decide-confirm")
    expect(page.locator("#decide-error")).to_have_text("Confirm again to decide the others.")
    assert answers(ledger) == [], "nobody confirms what they have not read"
    expect(page.locator("#decide-confirm")).to_be_focused()
    page.click("#decide-confirm")
    expect(page.locator("#decide")).to_be_hidden()
    expect(page.locator("#left-out")).to_contain_text(f"{many[1]} · Document 2: ")
    assert [row[3] for row in answers(ledger)] == ["a week's catalogues"] * 2
    assert many[1] in shown(page)


def test_errors_stand_at_their_fields_and_what_was_typed_stays(open_page, host, many, ledger):
    page = open_page("clerk", host, "/backoffice/cases")
    page.check(f"[data-case='{many[0]}'] .choose-case")
    page.click("#decide-chosen")
    page.fill("#decide-reason", "no")
    page.click("#decide-confirm")
    said = page.locator("#decide .error:visible").all_inner_texts()
    assert said == ["Choose what should be done.", "Choose a reason.", "Say why, in at least three letters."]
    page.check("#decide input[value=accept]")
    page.fill("#decide-reason", "agreed by phone")
    page.route("**/cases/answers", lambda route: route.abort(), times=1)
    page.click("#decide-confirm")
    expect(page.locator("#decide-error")).to_contain_text("What you typed is still here")
    assert page.input_value("#decide-reason") == "agreed by phone"
    page.click("#decide-confirm")
    expect(page.locator("#decide")).to_be_hidden()
    assert len(answers(ledger)) == 1
    page.complaints.clear()  # the browser logs the broken request itself


def test_filters_change_the_list_and_the_address_without_a_reload(open_page, standing_host, standing_books):
    page = open_page("clerk", standing_host, "/backoffice/cases?mine=false")
    page.evaluate("window.notReloaded = true")
    page.select_option("select[name=role]", "buyer")
    expect(page.locator(LIST)).to_have_count(2)
    assert page.url.endswith("/backoffice/cases?state=open&role=buyer&sort=due&mine=false")
    page.fill("#q", "RE-1005")
    expect(page.locator(LIST)).to_have_count(1)
    page.click("summary:text-is('More filters')")
    page.fill("[name=amount_from]", "12,5")
    page.keyboard.press("Tab")
    expect(page.locator("#error-amount_from")).to_contain_text("A number is needed")
    expect(page.locator("[name=amount_from]")).to_have_attribute("aria-invalid", "true")
    page.fill("[name=amount_from]", "12.5")
    page.keyboard.press("Tab")
    expect(page.locator("#error-amount_from")).to_be_hidden()
    expect(page.locator("[name=amount_from]:not([aria-invalid])")).to_have_count(1)
    assert page.evaluate("window.notReloaded") is True
    page.reload()
    assert page.input_value("#q") == "RE-1005"
    assert shown(page) == [standing_books.own_order]


def test_the_counts_follow_without_a_reload(open_page, host, many, ledger):
    page = open_page("clerk", host, "/backoffice/cases?sort=amount")
    expect(page.locator("#counts")).to_contain_text("For everybody (25)")
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.case SET state = 'superseded' WHERE case_id = %s", (many[0],))
    page.evaluate("htmx.trigger('#counts', 'refresh')")
    expect(page.locator("#counts")).to_contain_text("For everybody (24)")
    assert "every 20s" in page.get_attribute("#counts", "hx-trigger")
    assert "sort=amount" in page.locator("#counts a").first.get_attribute("href"), "the filters stay"


def test_a_ledger_that_is_away_is_said_and_nothing_typed_is_lost(open_page, standing_host, standing_books):
    page = open_page("clerk", standing_host, "/backoffice/cases?mine=false")
    page.route("**/backoffice/cases?*", lambda route: route.fulfill(status=503, body="away"))
    page.fill("#q", "nordwind")
    expect(page.locator("#told")).to_contain_text("could not be read just now")
    assert page.input_value("#q") == "nordwind"
    assert page.locator(LIST).count() == 6
    page.complaints.clear()  # the browser logs the 503 itself


def test_htmx_runs_without_eval_and_keeps_no_history_of_cases(open_page, standing_host, standing_books):
    page = open_page("clerk", standing_host, "/backoffice/cases?mine=false")
    config = page.evaluate(
        "[htmx.config.allowEval, htmx.config.includeIndicatorStyles, htmx.config.historyCacheSize]"
    )
    assert config == [False, False, 0]
    page.select_option("select[name=role]", "buyer")
    expect(page.locator(LIST)).to_have_count(2)
    assert "htmx-history-cache" not in page.evaluate(
        "Object.keys(localStorage).concat(Object.keys(sessionStorage)).join()"
    )
