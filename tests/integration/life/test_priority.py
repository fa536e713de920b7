"""How urgent a case is: by policy, raised near the day of payment, on record where it changes."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from tests.integration.life.desk import Desk
from tests.integration.life.test_claims import unmatched

from backoffice.domain.decision_table import load_policy
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
        ("prioritised", "2", "case_priority 2/large_and_not_booked")
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


def active(desk: Desk) -> str:
    return str(desk.one("SELECT content FROM ledger.active_policy WHERE policy_id = 'case_priority'"))


def test_a_discount_that_can_still_be_had_makes_a_case_urgent(desk: Desk) -> None:
    case, seen = desk.books.price, []
    desk.admin("UPDATE review.case SET discount_date = '2026-12-01', discount_percent = 2, due_date = '2027-01-15' WHERE case_id = %s", case)  # fmt: skip
    for day in ("2026-11-20", "2026-11-24", "2026-11-28", "2026-11-29", "2026-12-01", "2026-12-02"):
        desk.admin("UPDATE ops.simulated_clock SET business_date = %s", day)
        look(desk)
        seen.append(priority(desk, case))
    week, days, usual = (
        "The last day of a discount is at most a week away.",
        "The last day of a discount is at most two days away.",
        "Nothing makes it more urgent than others.",
    )
    assert seen == [(3, usual), (2, week), (2, week), (1, days), (1, days), (3, usual)]


def test_a_case_is_due_when_its_discount_ends_and_not_after_one_that_is_gone(desk: Desk) -> None:
    """Its chain is set far away, so that the days of the document are what counts."""
    desk.admin("UPDATE review.escalation SET after_hours = 9000 + level")
    case = desk.books.price

    def due(day: str) -> object:
        desk.admin("UPDATE review.case SET discount_date = %s, due_date = '2026-12-02' WHERE case_id = %s", day, case)  # fmt: skip
        return desk.one(
            "SELECT (c.due_at AT TIME ZONE e.time_zone)::date::text FROM review.case c JOIN ops.entity e USING (entity) WHERE case_id = %s",
            case,
        )

    assert due("2026-11-25") == "2026-11-25"
    assert due("2026-11-20") == "2026-11-20"
    assert due("2026-11-19") == "2026-12-02"
    assert due("2026-12-10") == "2026-12-02"


def test_only_rules_of_the_active_policy_are_noted_and_each_as_it_says(desk: Desk) -> None:
    sha = desk.one("SELECT sha256 FROM ledger.active_policy WHERE policy_id = 'case_priority'")
    statement = "SELECT review.record_priorities(NULL, %s, ARRAY[%s]::bigint[], ARRAY[%s])"
    case = desk.books.price
    with desk.ledger.connect("app", autocommit=True) as app:
        for given, state in (
            (("00" * 32, case, "usual"), "BO409"),
            # words of its text that are no rules of it
            *(
                ((sha, case, word), "BO422")
                for word in (
                    "no_such_rule",
                    "usua",
                    "",
                    "policy",
                    "urgent",
                    "days_until_due",
                    "USUAL",
                    "usual ",
                    None,
                )
            ),
        ):
            with pytest.raises(psycopg.Error) as refusal:
                app.execute(statement, given)
            assert refusal.value.sqlstate == state, given
        app.execute(statement, (sha, case, "small_and_far_away"))
    assert priority(desk, case) == (4, "A small amount that is due in more than three weeks.")
    with (
        desk.ledger.connect("web", autocommit=True) as web,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        web.execute(statement, (sha, case, "usual"))


def test_the_ledger_reads_the_shipped_rules_as_the_machine_does(desk: Desk) -> None:
    policy = load_policy(active(desk))
    outcomes = ["urgent", "high", "normal", "low"]
    expected = {rule.rule_id: (outcomes.index(rule.outcome) + 1, rule.why) for rule in policy.rules}
    expected["default"] = (outcomes.index(policy.default_outcome) + 1, policy.default_why)
    read = desk.admin("SELECT rule, priority, why FROM review.priority_rules(%s)", policy.text)
    assert {rule: (number, why) for rule, number, why in read} == expected


USUAL = """  - id: usual
    then: normal
    why: Nothing makes it more urgent than others.
"""


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (USUAL, USUAL, "Nothing makes it more urgent than others."),
        ("why: Nothing makes it", "why: Nothing: it's", None),
        ("why: Nothing makes it", "why: Nothing:makes it", "Nothing:makes it more urgent than others."),
        ("why: Nothing makes it more urgent than others.", 'why: "Nothing: #1"', "Nothing: #1"),
        ("why: Nothing makes it more urgent than others.", "why: Nothing # at all", None),
        ("why: Nothing makes it more urgent than others.", "why: Nothing\n      at all", None),
        ("why: Nothing makes it more urgent than others.", "why: >\n      Nothing", None),
        ("why: Nothing makes it more urgent than others.", "why: 'Nothing'", None),
        ("why: Nothing makes it more urgent than others.", "why: Nothing   ", "Nothing"),
        (USUAL, "  # a remark\n\n" + USUAL, "Nothing makes it more urgent than others."),
        (USUAL, "  - {id: usual, then: normal, why: Nothing}\n", None),
        (USUAL, USUAL.replace("  - id: usual", "  - id: 'usual'"), None),
        (USUAL, USUAL.replace("then: normal", "then: normal # usually"), None),
        (USUAL, USUAL.replace("then: normal", "then: soon"), None),
        (USUAL, USUAL.replace("    then: normal\n", ""), None),
        (USUAL, USUAL.replace("    then: normal\n", "    then: normal\n    then: low\n"), None),
        (USUAL, USUAL + USUAL, None),
        ("rules:\n", "rules: # in this order\n", None),
        ("rules:\n", "'rules':\n", None),
        ("default:\n", "defaults:\n", None),
        ("hit_policy: first\n", "hit_policy: first\nremarks:\n  - id: usual2\n", "Nothing makes it more urgent than others."),
    ],
)  # fmt: skip
def test_what_the_ledger_cannot_read_line_by_line_it_refuses(
    desk: Desk, old: str, new: str, why: str | None
) -> None:
    """Never does it read another rule than stands there."""
    text = active(desk)
    assert old in text
    statement = "SELECT rule, why FROM review.priority_rules(%s)"
    if why is None:
        with pytest.raises(psycopg.Error) as refusal:
            desk.admin(statement, text.replace(old, new, 1))
        assert refusal.value.sqlstate == "BO422"
    else:
        assert dict(desk.admin(statement, text.replace(old, new, 1)))["usual"] == why
