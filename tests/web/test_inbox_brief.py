"""A case in short: the cause, what would be booked, and the reason that fits."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from psycopg.rows import dict_row
from tests.conftest import BUSINESS_DATE
from tests.seeded_cases import write_seeded_cases

from backoffice.settings import include_dir
from backoffice.web.auth import Person
from backoffice.web.case_view import view_hold
from backoffice.web.hypotheses import view_hypotheses
from backoffice.web.inbox_brief import fitting_reason, read_briefs

REJECT = {"action": "reject", "reason_codes": ["duplicate", "wrong_price", "arithmetic"]}


def rows(name: str) -> list[dict[str, str]]:
    with (include_dir() / "reference" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cause(name: str) -> Any:
    return view_hypotheses(
        [{"hypothesis": name, "score": "1", "facts": {}, "evidence": [{"what": "order"}]}]
    )[0]


def test_every_fitting_reason_is_one_of_a_known_cause_and_a_known_answer():
    causes = {row["variant"].partition("/")[0] for row in rows("hypotheses.csv")}
    holds = {row["code"] for row in rows("hold_codes.csv")}
    offered = {(row["action"], row["code"]) for row in rows("reason_codes.csv")}
    fitting = rows("fitting_reasons.csv")
    assert {row["cause"] for row in fitting} <= causes | holds
    assert {(row["action"], row["reason_code"]) for row in fitting} <= offered
    assert len({tuple(row.values()) for row in fitting}) == len(fitting)


def test_a_claim_that_nothing_proves_is_never_proposed():
    """That somebody agreed, or that goods were received, only a person can know."""
    claims = {"agreed_with_supplier", "receipt_confirmed", "not_a_duplicate"}
    assert not claims & {row["reason_code"] for row in rows("fitting_reasons.csv")}


@pytest.mark.parametrize(
    ("hypothesis", "hold", "code"),
    [
        ("dearer_price", "QTY_ORD", "wrong_price"),
        ("repeated_document", None, "duplicate"),
        ("other_tax_rate", "TAX_TOTAL", "arithmetic"),  # the case offers no reason of tax
        ("partial_delivery", "QTY_REC", None),  # nor one of receipts
        ("credit_too_large", "DUP_EXACT", "duplicate"),
        (None, "PRICE", "wrong_price"),
        (None, None, None),
        ("a_later_one", "A_LATER_ONE", None),
    ],
)
def test_the_reason_goes_with_the_cause_else_with_the_hold(hypothesis, hold, code):
    held = view_hold({"code": hold, "effect": "B"}, {}, {}) if hold else None
    assert fitting_reason(cause(hypothesis) if hypothesis else None, held, REJECT) == code


def briefs(books, ledger, person: str, *case_ids: int) -> dict[int, dict[str, Any]]:
    with ledger.connect("web") as connection:
        connection.row_factory = dict_row
        return read_briefs(
            connection,
            Person(person, person, person, ()),
            [{"case_id": case_id} for case_id in case_ids],
        )


def test_a_case_in_short(books, ledger):
    brief = briefs(books, ledger, "p-buyer", books.price)[books.price]
    assert brief["difference"] == "100.00 EUR"
    assert brief["code"] == "PRICE"
    assert len(brief["words"]) > 20
    actions = {one["action"]: one for one in brief["actions"]}
    assert set(actions) == {"accept", "reject"}
    assert actions["reject"]["fits"] == "wrong_price"
    assert actions["accept"]["fits"] is None
    assert actions["accept"]["why_not"] is None
    assert all(one["booked"] for one in brief["actions"])


def test_what_this_person_may_not_answer_is_named_with_the_reason(books, ledger):
    told = briefs(books, ledger, "p-clerk", books.price, books.duplicate)
    assert all("no authority" in one["why_not"] for one in told[books.price]["actions"])
    assert all(one["why_not"] is None for one in told[books.duplicate]["actions"])
    assert briefs(books, ledger, "p-clerk") == {}


def test_an_entry_is_told_in_one_line(books, ledger):
    line = {"name": "GR/IR", "debit": "1000.00", "credit": "0.00", "currency": "EUR"}
    entry = {
        "event": "invoice",
        "lines": [line, {**line, "name": "Payables", "debit": "0.00", "credit": "1000.00"}],
    }
    with ledger.connect("admin") as connection:
        connection.execute(
            "UPDATE review.case SET handover = jsonb_set(handover, '{entries}', %s::jsonb) WHERE case_id = %s",
            (json.dumps({"accept": [entry], "reject": []}), books.price),
        )
    brief = briefs(books, ledger, "p-buyer", books.price)[books.price]
    booked = {one["action"]: one["booked"] for one in brief["actions"]}
    assert booked["accept"] == "Books: debit GR/IR 1,000.00 EUR; credit Payables 1,000.00 EUR."
    assert booked["reject"].startswith("The invoice is refused")


def test_every_seeded_case_is_answered_rightly_in_at_most_three_keys(ledger):
    """The action, where none is proposed the first letter of a reason, and Enter; the dialog says the cause."""
    with ledger.connect("app") as connection:
        answers = write_seeded_cases(connection, BUSINESS_DATE)
        cases = dict(
            connection.execute(
                "SELECT handover #>> '{document,number}', case_id FROM review.case WHERE state = 'open'"
            ).fetchall()
        )
    told = briefs(None, ledger, "p-manager", *(cases[answer.number] for answer in answers))
    proposed = 0
    for answer in answers:
        brief = told[cases[answer.number]]
        action = next(one for one in brief["actions"] if one["action"] == answer.actions[0])
        assert brief["cause"], answer
        assert 3 <= len(brief["words"]) <= 2000, answer
        assert brief["words"] == brief["words"].strip()
        assert action["booked"], answer
        if action["action"] == "reject":
            assert action["fits"] in action["codes"], answer
            proposed += 1
    assert proposed >= len(answers) / 2
