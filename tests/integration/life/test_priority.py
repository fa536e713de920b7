"""How urgent a case is: by policy, raised near the day of payment, on record where it changes."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from tests.integration.life.desk import Desk
from tests.integration.life.test_claims import unmatched

from backoffice.operators.case_keeping import keep_cases, prioritise_cases, something_is_due

pytestmark = pytest.mark.integration
PROCESS = "invoice_reconciliation"


def look(desk: Desk) -> int:
    with desk.ledger.connect("app") as app:
        return prioritise_cases(app, None, PROCESS)


def priority(desk: Desk, case: int) -> tuple[Any, ...]:
    return desk.case(case, "priority", "priority_reason")


def test_by_the_day_of_payment_and_what_is_at_stake(desk: Desk) -> None:
    """Today is 2026-11-20."""
    books = desk.books
    assert look(desk) == 2
    assert priority(desk, books.received) == (1, "The day of payment is at most two days away, or past.")
    assert priority(desk, books.large) == (2, "A large document is in no books yet.")
    assert priority(desk, books.price) == (3, "Nothing makes it more urgent than others.")
    assert look(desk) == 0
    assert [(r["taken"], r["priority"], r["rule"]) for r in desk.records(books.large)] == [
        ("prioritised", "2", "case_priority 1/large_and_not_booked")
    ]
    assert desk.records(books.price) == [], "what is usual leaves no record"


def test_it_rises_as_the_day_comes_near(desk: Desk) -> None:
    case, seen = desk.books.price, []
    for day in ("2026-11-20", "2026-11-24", "2026-11-25", "2026-11-29", "2026-11-30", "2026-12-02"):
        desk.admin("UPDATE ops.simulated_clock SET business_date = %s", day)
        look(desk)
        seen.append(priority(desk, case)[0])
    assert seen == [3, 3, 2, 2, 1, 1]
    assert [r["priority"] for r in desk.records(case)] == ["2", "1"]
    assert unmatched(desk, "of a case") == []


def test_an_escalated_case_is_urgent_and_a_currency_that_is_not_the_policys_is_no_amount(desk: Desk) -> None:
    desk.admin("UPDATE review.case SET currency = 'CHF' WHERE case_id = %s", desk.books.large)
    look(desk)
    assert priority(desk, desk.books.large)[0] == 3
    desk.later(50)
    with desk.ledger.connect("app") as app:
        assert something_is_due(app, PROCESS)
        assert keep_cases(app, _run(desk), PROCESS)["reminded"] == 6
        assert keep_cases(app, _run(desk), PROCESS) == {
            "expired": 0,
            "resumed": 0,
            "reminded": 0,
            "escalated": 6,
            "prioritised": 5,
        }
        assert not something_is_due(app, PROCESS), "an idle call finds nothing"
    assert priority(desk, desk.books.large) == (1, "Nobody decided it in time, and the next role was told.")


def _run(desk: Desk) -> int:
    return int(desk.one("SELECT max(run_id) FROM ops.run"))


def test_a_decided_case_keeps_what_it_had(desk: Desk) -> None:
    look(desk)
    desk.decide(desk.books.price, "buyer")
    desk.admin("UPDATE ops.simulated_clock SET business_date = '2026-12-02'")
    look(desk)
    assert priority(desk, desk.books.price)[0] == 3


def test_only_what_the_active_policy_says_is_noted(desk: Desk) -> None:
    sha = desk.one("SELECT sha256 FROM ledger.active_policy WHERE policy_id = 'case_priority'")
    statement = (
        "SELECT review.record_priorities(NULL, %s, ARRAY[%s]::bigint[], ARRAY[%s], ARRAY[%s], ARRAY[%s])"
    )
    case = desk.books.price
    with desk.ledger.connect("app", autocommit=True) as app:
        for given, state in (
            (("00" * 32, case, 1, "usual", "x"), "BO409"),
            ((sha, case, 1, "no_such_rule", "x"), "BO422"),
            ((sha, case, 9, "usual", "x"), "23514"),
        ):
            with pytest.raises(psycopg.Error) as refusal:
                app.execute(statement, given)
            assert refusal.value.sqlstate == state
        app.execute(statement, (sha, case, 2, "usual", "<b>pay at once</b>"))
    assert priority(desk, case) == (2, "usual"), "words that the policy does not say are not kept"
    with (
        desk.ledger.connect("web", autocommit=True) as web,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        web.execute(statement, (sha, case, 1, "usual", "x"))
