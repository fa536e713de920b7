"""The middle of the case page: dates of a changed order, what stays booked, why there is no Accept, and which reason is first."""

from __future__ import annotations

from decimal import Decimal

import lxml.html
import pytest
from tests.books import Books
from tests.conftest import BUSINESS_DATE
from tests.seeded_cases import write_seeded_cases

from backoffice.web.case_middle import stays_open, view_lines
from backoffice.web.hypotheses import view_hypotheses

EVIDENCE = [
    {
        "what": "order line",
        "reference": "PO-1",
        "quantity": "20",
        "uom": "EA",
        "price": "96",
        "currency": "EUR",
    }
]
ORDER_PRICE = {"billed": "12", "currency": "EUR", "old_version": "1", "old_at": "2026-10-11", "new_version": "2", "new_price": "11.5",
               "known_at": "2026-11-25T19:42:00Z", "invoice_date": "2026-11-12", "buyer": "Bilal Demir"}  # fmt: skip


def words(element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def test_seeded_cases_say_whether_the_total_is_right_and_what_stays_booked(ledger, login):
    with ledger.connect("app") as connection:
        answers = write_seeded_cases(connection, BUSINESS_DATE)
        cases = connection.execute(
            "SELECT handover #>> '{document,number}', case_id, role FROM review.case WHERE state = 'open' ORDER BY case_id DESC"
        ).fetchall()
    of = {number: case_id for number, case_id, _ in cases}
    client = login("manager")
    seen = set()
    for answer in answers:
        page = lxml.html.document_fromstring(client.get(f"/cases/{of[answer.number]}").text)
        text = words(page.find(".//main"))
        seen.add(answer.cause)
        right = answer.cause in ("unit_factor", "swapped_values")
        assert ("The amount of line 1 is right" in text) is right, answer
        assert ("and no price variance. Accept pays what is due but corrects neither" in text) is right, (
            answer
        )
        assert ("GR/IR of order" in text and "as received." in text) is (
            right or answer.cause in ("multiple_billed", "partial_delivery", "receipt_elsewhere")
        ), answer
        assert ("You may also wait" in text) is (answer.cause in ("partial_delivery", "receipt_elsewhere")), (
            answer
        )
        assert ("This cannot be accepted" in text) is (answer.cause == "other_currency"), answer
        assert " EA" not in text, answer
    assert {"multiple_billed", "other_currency", "older_order_price"} <= seen
    # one document with two cases: each leads to the other
    twice = next(number for number, _, _ in cases if sum(one[0] == number for one in cases) == 2)
    first, second = sorted(case_id for number, case_id, _ in cases if number == twice)
    head = client.get(f"/cases/{first}").text
    assert f"/cases/{second}" in head


def test_reasons_that_fit_come_first_and_are_data(ledger, login):
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.reason_code SET offered = false WHERE code = 'wrong_supplier'")
    with ledger.connect("app") as connection:
        books = Books(connection).open_run()
        books.supplier()
        books.order("PO-1", 1, 10, 10)
        books.receive("PO-1", 1, 10)
        books.invoice("R-1", [("PO-1", 1, 10, 10)], currency="USD")
        books.invoice("R-2", [("PO-1", 1, 10, 14)])
        books.night()
        connection.commit()
        cases = dict(
            connection.execute("SELECT handover #>> '{document,number}', case_id FROM review.case").fetchall()
        )
    reasons = {
        (number, action["action"]): action["reason_codes"]
        for number, case_id in cases.items()
        for action in login("manager").get(f"/api/v1/cases/{case_id}").json()["actions"]
    }
    assert reasons["R-1", "reject"][0] == "wrong_currency"
    assert reasons["R-2", "reject"][0] == "wrong_price"
    assert reasons["R-2", "accept"][0] == "agreed_with_supplier"
    assert all("wrong_supplier" not in codes for codes in reasons.values())


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {},
            "The source says neither when nor by whom it was changed: it was known here 2026-11-25 19:42 UTC",
        ),
        (
            {"changed_at": "2026-10-20T09:00:00Z", "after_invoice": "false"},
            "It was changed 2026-10-20 09:00 UTC, before the invoice of 2026-11-12, to 11.50 EUR",
        ),
        (
            {"changed_at": "2026-11-20T09:00:00Z", "after_invoice": "true"},
            "still so when the invoice was written on 2026-11-12. It was changed after that, 2026-11-20 09:00 UTC",
        ),
    ],
)
def test_an_older_price_says_when_it_was_so_and_when_it_was_known(facts, said):
    told = {
        "hypothesis": "older_order_price",
        "score": "1",
        "facts": {**ORDER_PRICE, **facts},
        "evidence": EVIDENCE,
    }
    (view,) = view_hypotheses([told])
    assert said in view.sentence
    assert "not known" not in view.sentence
    assert view.evidence[0].value == "20 pcs at 96.00 EUR"


def test_a_changed_order_is_marked_when_it_is_later_than_the_invoice():
    changed = {
        "what": "order changed",
        "reference": "PO-1",
        "quantity": "5",
        "uom": "EA",
        "price": "2",
        "currency": "EUR",
    }
    (line,) = view_lines(
        [{"events": [
            {**changed, "at": "2026-11-01T00:00:00Z", "known_at": "2026-11-25T19:42:00Z"},
            {**changed, "at": "2026-11-20T00:00:00Z", "known_at": "2026-11-25T19:42:00Z"},
            {**changed, "at": "2026-11-25T19:42:00Z", "known_at": "2026-11-25T19:42:00Z", "undated": True},
        ]}],
        "2026-11-12",
    )  # fmt: skip
    assert [event["late"] for event in line["events"]] == [
        None,
        "after the invoice was written",
        "known only after the invoice was written",
    ]
    assert line["events"][0]["text"] == "5 pcs at 2.00 EUR"
    assert (
        line["events"][2]["notes"]
        == "PO-1 · the source does not say when; known here since 2026-11-25 19:42 UTC"
    )


def test_what_stays_open_in_gr_ir_is_told_with_its_side():
    line = {
        "order": "PO-1",
        "order_line": "1",
        "uom": "EA",
        "currency": "EUR",
        "received": "20",
        "billed": "240",
    }
    assert stays_open([{**line, "received_value": "1920.00", "billed_value": "23040.00"}]) == [
        "GR/IR of order PO-1 line 1 stands at 21,120.00 EUR debit: 240 pcs are booked as billed, 20 pcs as received."
    ]
    assert stays_open([{**line, "received_value": "1920.00", "billed_value": str(Decimal("1920"))}]) == []
