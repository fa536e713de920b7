"""Deciding by keyboard in a real browser: keys are counted, and nothing is recorded that was not to be seen before."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.browser.test_review_pages import answers

pytestmark = pytest.mark.browser
LIST = "tr[data-case]"
ACCEPT = {
    "action": "accept",
    "label": "Accept",
    "needs_second_person": False,
    "effect": "Releases these holds. No journal entry.",
    "reason_codes": [
        "not_a_duplicate",
        "agreed_with_supplier",
        "receipt_confirmed",
        "correct_as_billed",
        "approved",
    ],
}
REJECT = {
    "action": "reject",
    "label": "Reject",
    "needs_second_person": False,
    "effect": "The invoice is refused; nothing is booked.",
    "reason_codes": [
        "duplicate",
        "wrong_supplier",
        "wrong_price",
        "not_ordered",
        "not_received",
        "arithmetic",
    ],
}
PRICE = {
    "code": "PRICE",
    "effect": "P",
    "title": "Price above the order",
    "measured": "100",
    "limit": "50",
    "unit": "currency",
    "facts": {
        "net_amount": "1100",
        "quantity": "100",
        "order_uom": "EA",
        "order_price": "10",
        "price_base_quantity": "1",
        "reference_amount": "1000",
        "limit_pct": "2",
        "limit_abs": "50",
        "currency": "EUR",
    },
}
TWICE = {
    "code": "DUP_EXACT",
    "effect": "B",
    "title": "Same invoice again",
    "facts": {"other_number": "RE-7", "other_date": "2026-11-01", "other_gross": "119 EUR"},
}
LESS = {
    "code": "QTY_REC",
    "effect": "P",
    "title": "Billed more than received",
    "measured": "10",
    "limit": "0",
    "unit": "order unit",
    "facts": {"billed_after": "100", "order_uom": "EA", "received": "90"},
}
NOT_RELEASABLE = {
    "code": "PO_MISSING",
    "effect": "B",
    "title": "No order number on the invoice",
    "facts": {},
}


def cause(name: str, **facts: str) -> dict[str, Any]:
    return {
        "hypothesis": name,
        "score": "1",
        "facts": facts,
        "evidence": [{"what": "order line"}],
        "line_id": "1",
    }


DEARER = cause("dearer_price", billed="11", percent="10", order_price="10", currency="EUR", difference="100")
AGAIN = cause(
    "repeated_document",
    other_number="RE-7",
    other_date="2026-11-01",
    other_gross="119",
    currency="EUR",
    other_state="booked",
    other_received_at="2026-11-02T08:00:00Z",
)
ELSEWHERE = cause(
    "receipt_elsewhere",
    receipt="R-1",
    quantity="10",
    uom="EA",
    other_order="4500000102",
    other_line="10",
    free="10",
    missing="10",
)


@dataclass(frozen=True)
class Routine:
    """A kind of case, and what a person who knows it does: the keys, and what is on record then."""

    holds: list[dict[str, Any]]
    hypotheses: list[dict[str, Any]]
    keys: str
    code: str
    actions: list[dict[str, Any]] = field(default_factory=lambda: [ACCEPT, REJECT])


KINDS = [
    Routine([PRICE], [DEARER], "r", "wrong_price"),
    Routine([TWICE], [AGAIN], "r", "duplicate"),
    Routine([LESS], [ELSEWHERE], "a", "correct_as_billed"),
    Routine([PRICE], [DEARER], "aa", "agreed_with_supplier"),
    Routine([NOT_RELEASABLE], [], "r", "not_ordered", [REJECT]),
    Routine([TWICE], [], "an", "not_a_duplicate"),
]


def lay_out(ledger, kinds: list[Routine]) -> list[int]:
    """Put these cases before the clerk, and no others."""
    with ledger.connect("admin") as connection:
        connection.execute(
            "DROP INDEX review.one_open_case"
        )  # copies of one subject stand for many documents
        connection.execute("UPDATE review.case SET state = 'superseded' WHERE state = 'open'")
        cases = [
            connection.execute(
                """INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, title, amount, currency, due_date, evidence_hash, handover)
                   SELECT c.process, c.subject_kind, c.subject_id, c.subject_key || %(n)s, c.role, c.entity, 'Document ' || %(n)s, 100 + %(n)s, 'EUR', date '2026-12-01' + %(n)s,
                     c.evidence_hash, c.handover || %(handover)s FROM review.case c WHERE c.case_id = (SELECT min(q.case_id) FROM review.case q WHERE q.subject_kind = 'quarantine') RETURNING case_id""",
                {
                    "n": n,
                    "handover": json.dumps(
                        {
                            "holds": kind.holds,
                            "hypotheses": kind.hypotheses,
                            "actions": kind.actions,
                            "findings": [],
                            "supplier": {"id": "S-1", "name": f"Müller {n}"},
                            "document": {
                                "kind": "invoice",
                                "number": f"RE-{n}",
                                "date": "2026-11-15",
                                "due_date": None,
                                "po_number": None,
                                "source": None,
                                "received_at": None,
                                "gross": str(100 + n),
                                "currency": "EUR",
                            },
                        }
                    ),
                },
            ).fetchone()[0]
            for n, kind in enumerate(kinds)
        ]
        for case_id, kind in zip(cases, kinds, strict=True):
            connection.execute(
                "INSERT INTO review.case_item (case_id, item_no, quarantine_id, code) SELECT %s, 1, q.quarantine_id, %s FROM intake.quarantine q",
                (case_id, kind.holds[0]["code"]),
            )
    return cases


@pytest.fixture
def twenty(books, ledger) -> list[int]:
    return lay_out(ledger, [KINDS[n % len(KINDS)] for n in range(20)])


def shown_in_dialog(page) -> tuple[str, str]:
    """Return reason code and words as they stand in the dialog, which are in sight."""
    assert page.locator("#decide-code").is_visible()
    assert page.locator("#decide-reason").is_visible()
    return page.input_value("#decide-code"), page.input_value("#decide-reason")


def test_twenty_routine_cases_in_at_most_three_keys_each(open_page, host, twenty, ledger):
    page = open_page("clerk", host, "/backoffice/cases")
    expect(page.locator(LIST)).to_have_count(20)
    page.keyboard.press("j")
    seen, counted = [], []
    for n in range(20):
        kind = KINDS[n % len(KINDS)]
        for key in kind.keys:
            page.keyboard.press(key)
        expect(page.locator("#decide")).to_be_visible()
        told = page.inner_text("#decide")
        for wanted in (f"Müller {n}", f"{100 + n}.00 EUR", kind.holds[0]["title"]):
            assert wanted in told
        seen.append((kind.keys[0], *shown_in_dialog(page)))
        page.keyboard.press("Enter")
        counted.append(len(kind.keys) + 1)
        expect(page.locator(LIST)).to_have_count(19 - n)
        expect(page.locator("#decide")).to_be_hidden()
    assert max(counted) <= 3
    given = answers(ledger)
    assert [(action[0], code, words) for _, action, code, words, _ in given] == seen, (
        "what is recorded is what stood there"
    )
    assert [code for _, _, code, _, _ in given] == [KINDS[n % len(KINDS)].code for n in range(20)]
    assert {row[0] for row in given} == {"p-clerk"}
    with ledger.connect("admin") as connection:
        decided = connection.execute("SELECT case_id FROM review.answer ORDER BY answer_id").fetchall()
    assert [row[0] for row in decided] == twenty
    expect(page.locator("#told")).to_have_text(
        f"1 case decided (Reject, duplicate): {twenty[-1]} · Invoice RE-19 · Müller 19."
    )
    expect(page.locator("#told")).to_be_in_viewport()


def test_the_dialog_says_what_disagrees_why_and_what_is_booked(open_page, host, books, ledger):
    lay_out(ledger, [KINDS[0]])
    page = open_page("clerk", host, "/backoffice/cases")
    page.keyboard.press("j")
    page.keyboard.press("r")
    told = page.inner_text("#decide")
    for wanted in (
        "Invoice RE-0",
        "Müller 0",
        "100.00 EUR",
        "Price above the order",
        "Only the price differs",
        "10 % above",
        "The invoice is refused; nothing is booked.",
    ):
        assert wanted in told
    assert page.input_value("#decide-reason").startswith("The quantity needs no other explanation")
    expect(page.locator("#decide-confirm")).to_be_focused()


def test_words_that_are_proposed_are_written_over_and_own_words_stay(open_page, host, books, ledger):
    lay_out(ledger, [KINDS[0], KINDS[1]])
    page = open_page("clerk", host, "/backoffice/cases")
    page.keyboard.press("j")
    page.keyboard.press("r")
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#decide-reason")).to_be_focused()
    page.keyboard.type("They billed the new list")
    assert page.input_value("#decide-reason") == "They billed the new list"
    page.check("#decide input[value=accept]")
    assert page.input_value("#decide-reason") == "They billed the new list"
    assert page.input_value("#decide-code") == "", "the reason of the other action does not stay"
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    assert "They billed" not in page.input_value("#decide-reason"), "what was cancelled is gone"
    assert page.input_value("#decide-code") == "wrong_price"
    page.fill("#decide-reason", "They billed the new list")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#decide")).to_be_hidden()
    page.keyboard.press("a")
    assert "They billed" not in page.input_value("#decide-reason"), "one case's words are not the next one's"
    assert answers(ledger)[0][1:4] == ("reject", "wrong_price", "They billed the new list")


def test_accept_where_only_reject_is_possible_says_so_and_one_key_does_not_reject(
    open_page, host, books, ledger
):
    lay_out(ledger, [KINDS[4]])
    page = open_page("clerk", host, "/backoffice/cases")
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator("#decide-note")).to_contain_text(
        "This cannot be accepted, because no person may release it: no order number on the invoice."
    )
    expect(page.locator("#decide input[value=reject]")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator("#decide .error:visible")).to_have_text("Choose a reason.")
    assert answers(ledger) == []
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    expect(page.locator("#decide")).to_be_hidden()
    assert answers(ledger)[0][1:3] == ("reject", "not_ordered")


def test_the_last_reason_for_such_a_case_is_proposed_where_no_cause_says_one(open_page, host, books, ledger):
    lay_out(ledger, [KINDS[5], KINDS[5]])
    page = open_page("clerk", host, "/backoffice/cases")
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator("#decide-code")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#decide .error:visible")).to_have_text("Choose a reason.")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    expect(page.locator(LIST)).to_have_count(1)
    page.keyboard.press("a")
    assert page.input_value("#decide-code") == "not_a_duplicate"
    page.keyboard.press("Enter")
    expect(page.locator(LIST)).to_have_count(0)
    assert [row[2] for row in answers(ledger)] == ["not_a_duplicate"] * 2


def test_what_one_may_not_decide_cannot_be_selected_and_opens_with_the_refusal_alone(
    open_page, host, books, ledger
):
    page = open_page("clerk", host, f"/backoffice/cases?mine=false&q=case+{books.price}")
    expect(page.locator(".choose-case:visible")).to_be_disabled()
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator("#decide-note")).to_contain_text("no authority as")
    assert "buyer" in page.inner_text("#decide-note").lower()
    expect(page.locator("#decide-fields")).to_be_hidden()
    expect(page.locator("#decide-confirm")).to_be_hidden()
    expect(page.locator("#decide-cancel")).to_have_text("Close")
    page.keyboard.press("Enter")
    expect(page.locator("#decide")).to_be_hidden()
    assert answers(ledger) == []


def test_after_a_search_enter_goes_to_the_first_hit_and_escape_leaves(open_page, host, twenty):
    page = open_page("clerk", host, "/backoffice/cases")
    page.keyboard.press("/")
    page.keyboard.type("muller re17")
    page.keyboard.press("Enter")
    expect(page.locator(LIST)).to_have_count(1)
    expect(page.locator(f"{LIST} a.case-link")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    expect(page.locator(f"{LIST} a.case-link")).to_be_focused()
    assert page.input_value("#q") == "muller re17"


def test_the_case_page_takes_the_same_keys_and_walks_through_the_list(open_page, host, books, ledger):
    cases = lay_out(ledger, KINDS[:5])
    page = open_page("clerk", host, "/backoffice/cases?mine=true&sort=due")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{cases[0]}")
    expect(page.locator("#walk-place")).to_have_text("1 of 5")
    expect(page.locator("#to-previous")).to_be_hidden()
    page.keyboard.press("j")
    page.wait_for_url(f"**/cases/{cases[1]}")
    page.keyboard.press("k")
    page.wait_for_url(f"**/cases/{cases[0]}")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    assert page.input_value("#reason_code") == "wrong_price"
    assert page.input_value("#reason").startswith("The quantity needs no other explanation")
    expect(page.locator("#answer button[type=submit]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#done")).to_be_visible()
    expect(page.locator("#go-on")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{cases[1]}")
    page.keyboard.press("u")
    page.wait_for_url("**/cases?mine=true&sort=due")
    expect(page.locator(LIST)).to_have_count(4)
    assert answers(ledger)[0][1:3] == ("reject", "wrong_price")


def test_the_case_page_says_why_a_key_is_of_no_use(open_page, host, books, ledger):
    cases = lay_out(ledger, [KINDS[4]])
    page = open_page("clerk", host, f"/backoffice/cases/{cases[0]}")
    page.keyboard.press("a")
    expect(page.locator("#form-error")).to_contain_text(
        "This cannot be accepted, because no person may release it"
    )
    page.focus("#reason")
    page.keyboard.type("raj")
    assert page.input_value("#reason") == "raj", "what is typed into a field is no command"
