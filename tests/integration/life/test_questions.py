"""Ask for information and have the answer back: the clock stands, the same person goes on, the third round goes up."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from tests.integration.life.desk import Desk
from tests.integration.life.test_claims import unmatched

pytestmark = pytest.mark.integration

QUESTION = "Did you agree on 11 EUR with Nordwind?"
ANSWER = "Yes, by telephone on Monday"


def on_clock(desk: Desk, case: int) -> timedelta:
    return desk.one("SELECT date_trunc('second', on_clock) FROM review.case_status WHERE case_id = %s", case)


def test_the_answer_comes_back_to_who_asked_and_the_clock_stood(desk: Desk) -> None:
    case = desk.books.price
    desk.later(2)
    ((due_before,),) = desk.admin("SELECT due_at FROM review.case WHERE case_id = %s", desk.books.large)
    asked = desk.act("ask", case, "manager", QUESTION, to="buyer")
    assert (asked["status"], asked["claimed_by"]) == ("waiting", "p-manager")
    clock = on_clock(desk, case)
    desk.later(30)
    assert on_clock(desk, case) == clock
    assert desk.keep() == {"expired": 0, "resumed": 0, "reminded": 5, "escalated": 0}, (
        "five others, not this one"
    )
    answered = desk.act("inform", case, "buyer", ANSWER)
    assert (answered["status"], answered["claimed_by"]) == ("claimed", "p-manager")
    waited, since = desk.case(case, "waited", "waiting_since")
    assert since is None
    assert timedelta(hours=29.9) < waited < timedelta(hours=30.1)
    assert on_clock(desk, case) - clock < timedelta(minutes=1)
    ((due_of_other,),) = desk.admin("SELECT due_at FROM review.case WHERE case_id = %s", desk.books.large)
    assert due_of_other == due_before, "nothing else moves"
    assert desk.decide(case, "manager")["state"] == "decided"
    acts = [(r["act"], r["person_id"], r["whom"], r["to_person"], r["round"]) for r in desk.records(case)]
    assert acts == [("ask", "p-manager", "buyer", "p-buyer", "1"), ("inform", "p-buyer", None, None, None)]
    assert QUESTION not in json.dumps(desk.records(case))
    assert unmatched(desk, "of a case", "on a case") == []


def test_waiting_moves_the_day_by_which_it_is_to_be_decided(desk: Desk) -> None:
    case = desk.books.large  # has no day of payment
    ((before,),) = [desk.case(case, "due_at")]
    desk.act("ask", case, "manager", "Which order is it?", to="person:p-buyer")
    desk.later(10)
    desk.act("inform", case, "buyer", "None that I know")
    ((after,),) = [desk.case(case, "due_at")]
    assert timedelta(hours=9.9) < after - before < timedelta(hours=10.1)


def test_whom_a_question_goes_to(desk: Desk) -> None:
    books = desk.books
    assert desk.act("ask", books.price, "manager", QUESTION, to="buyer")["status"] == "waiting"
    for to in ("requester", "receiver"):
        assert f"behind {to}" in desk.refused("BO422", "ask", books.received, "manager", QUESTION, to=to)
    assert "that is you" in desk.refused("BO422", "ask", books.received, "buyer", QUESTION, to="buyer")
    for to in ("person:p-nobody", "person:", "the pope", "", "person:' OR true --"):
        desk.refused("BO422", "ask", books.received, "manager", QUESTION, to=to)
    desk.refused("BO422", "ask", books.received, "manager", "  ", to="buyer")
    desk.refused("BO403", "ask", books.received, "clerk", QUESTION, to="buyer")
    desk.admin("UPDATE purchasing.order_line SET requester = 'anna.brandt' WHERE po_number = '4500000101'")
    desk.act("ask", books.received, "manager", QUESTION, to="requester")
    assert (
        desk.one("SELECT to_person FROM review.case_act WHERE case_id = %s", books.received)
        == "p-anna-brandt"
    )


def test_only_one_question_at_a_time_and_only_by_who_has_the_case(desk: Desk) -> None:
    case = desk.books.price
    desk.act("claim", case, "buyer")
    assert "Ben Buyer has claimed" in desk.refused(
        "BO409", "ask", case, "manager", QUESTION, to="person:p-clerk"
    )
    desk.act("ask", case, "buyer", QUESTION, to="person:p-clerk")
    assert "waits for information already" in desk.refused(
        "BO409", "ask", case, "buyer", QUESTION, to="supplier"
    )
    assert "waits for no information" in desk.refused("BO409", "inform", desk.books.received, "buyer", ANSWER)


def test_a_colleague_without_any_authority_answers_and_nobody_else_does(desk: Desk) -> None:
    desk.admin(
        "INSERT INTO review.identity (system, user_id, person_id) VALUES ('airflow', 'anna', 'p-anna-brandt')"
    )
    case = desk.books.price
    desk.refused("BO404", "inform", case, "anna", ANSWER)
    desk.act("ask", case, "manager", QUESTION, to="person:p-anna-brandt")
    assert "was not asked" in desk.refused("BO403", "inform", case, "clerk", ANSWER)
    desk.refused("BO422", "inform", case, "anna", "")
    first = desk.act("inform", case, "anna", ANSWER, key="from-anna")
    assert first["claimed_by"] == "p-manager"
    again = desk.act("inform", case, "anna", ANSWER, key="from-anna")
    assert again["act_id"] == first["act_id"]
    desk.refused("BO404", "comment", case, "anna", "one more thing")


def test_a_suppliers_answer_is_recorded_by_a_clerk(desk: Desk) -> None:
    case = desk.books.duplicate
    asked = desk.act("ask", case, "clerk", "Is this a new delivery?", to="supplier")
    [(destination, by, payload)] = desk.admin("SELECT destination, written_by, payload FROM ops.outbox")
    assert (destination, by) == ("supplier_message", "p-clerk")
    assert (payload["supplier_id"], payload["body"]) == ("S-2", "Is this a new delivery?")
    assert asked["status"] == "waiting"
    assert desk.act("inform", case, "manager", "Mail of today: yes, new")["claimed_by"] == "p-clerk"


def test_the_third_round_goes_to_the_next_role(desk: Desk) -> None:
    case = desk.books.duplicate
    for round_no in (1, 2):
        desk.act("ask", case, "clerk", f"Question {round_no}", to="supplier")
        desk.act("inform", case, "clerk", "no clear answer")
    third = desk.act("ask", case, "clerk", "Question 3", to="supplier", key="third-time")
    assert (third["status"], third["claimed_by"], third["escalated_role"]) == (
        "escalated",
        None,
        "ap_manager",
    )
    assert (
        desk.act("ask", case, "clerk", "Question 3", to="supplier", key="third-time")["act_id"]
        == third["act_id"]
    )
    assert desk.one("SELECT count(*) FROM ops.outbox") == 2, "the third question goes to no supplier"
    assert desk.records(case)[-1]["taken"] == "escalated"
    assert desk.act("ask", case, "clerk", "Question 4", to="supplier")["escalated_role"] == "process_owner"
    assert "asked about twice" in desk.refused("BO409", "ask", case, "clerk", "Question 5", to="supplier")
    assert desk.decide(case, "clerk", "reject", code="duplicate")["state"] == "decided", (
        "escalation takes nobody's say"
    )


def test_a_question_that_nobody_answers_does_not_stop_the_clock_for_ever(desk: Desk) -> None:
    case = desk.books.price
    desk.act("ask", case, "manager", QUESTION, to="buyer")
    desk.later(24 * 7 - 1)
    assert desk.keep()["resumed"] == 0
    desk.later(1.1)
    assert desk.keep()["resumed"] == 1
    assert (desk.status(case), desk.case(case, "claimed_by")) == ("claimed", ("p-manager",))
    assert desk.records(case)[-1]["taken"] == "wait_ended"
    assert "waits for no information" in desk.refused("BO409", "inform", case, "buyer", ANSWER)


def test_a_decision_ends_the_waiting(desk: Desk) -> None:
    case = desk.books.price
    desk.act("ask", case, "manager", QUESTION, to="buyer")
    desk.later(3)
    assert desk.decide(case, "manager")["state"] == "decided"
    waited, since = desk.case(case, "waited", "waiting_since")
    assert since is None
    assert timedelta(hours=2.9) < waited < timedelta(hours=3.1)
    assert "nothing left" in desk.refused("BO409", "inform", case, "buyer", ANSWER)
