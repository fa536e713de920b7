"""Who has a case: claim, release, hand on, and a claim that is left alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest
from tests.answering import sealed
from tests.integration.life.desk import Desk

from backoffice import settings

pytestmark = pytest.mark.integration


def test_a_claim_is_on_record_and_the_other_is_told_who_has_it(desk: Desk) -> None:
    case = desk.books.duplicate
    answer = desk.act("claim", case, "clerk")
    assert (answer["status"], answer["claimed_by_name"]) == ("claimed", "Clara Clerk")
    assert "Clara Clerk has claimed case" in desk.refused("BO409", "claim", case, "manager")
    [record] = desk.records(case)
    assert (record["step"], record["act"], record["person_id"]) == ("act on a case", "claim", "p-clerk")
    assert desk.act("claim", case, "clerk")["act_id"] is None, "who has it already claims nothing"


def test_two_hundred_times_two_claim_at_once(desk: Desk) -> None:
    """Each time exactly one has it and the other is told who."""
    case, users = desk.books.duplicate, {"clerk": "Clara Clerk", "manager": "Max Manager"}
    with (
        desk.ledger.connect("web", autocommit=True) as one,
        desk.ledger.connect("web", autocommit=True) as other,
    ):
        lines = dict(zip(users, (one, other), strict=True))
        seals = {
            user: {words: sealed(lines[user], "airflow", user, words) for words in ("", "back")}
            for user in users
        }
        wins = dict.fromkeys(users, 0)
        with ThreadPoolExecutor(2) as both:
            for turn in range(200):
                barrier = Barrier(2)

                def claim(user: str, turn: int = turn, barrier: Barrier = barrier) -> tuple[str, Any]:
                    barrier.wait()
                    try:
                        row = (
                            lines[user]
                            .execute(
                                "SELECT review.claim_case(%s, 'airflow', %s, %s, %s)",
                                (case, user, f"claim/{turn}/{user}", seals[user][""]),
                            )
                            .fetchone()
                        )
                        return "won", row[0]["claimed_by_name"]
                    except psycopg.Error as error:
                        return str(error.sqlstate), str(error.diag.message_primary)

                results = dict(zip(users, both.map(claim, users), strict=True))
                [winner] = [user for user, (state, _) in results.items() if state == "won"]
                [(state, message)] = [result for user, result in results.items() if user != winner]
                assert state == "BO409"
                assert message.startswith(f"{users[winner]} has claimed")
                wins[winner] += 1
                lines[winner].execute(
                    "SELECT review.release_case(%s, 'airflow', %s, 'back', %s, %s)",
                    (case, winner, f"release/{turn}", seals[winner]["back"]),
                )
    assert sum(wins.values()) == 200
    acts = desk.admin("SELECT act, count(*) FROM review.case_act GROUP BY act ORDER BY act")
    assert acts == [("claim", 200), ("release", 200)]
    assert len(desk.records(case)) == 400
    assert desk.status(case) == "open"


def test_the_same_key_is_the_same_act(desk: Desk) -> None:
    case = desk.books.duplicate
    first = desk.act("claim", case, "clerk", key="one-key")
    assert desk.act("claim", case, "clerk", key="one-key") == first
    for changed in ({"case_id": desk.books.large, "user": "clerk"}, {"case_id": case, "user": "manager"}):
        assert "another act" in desk.refused(
            "BO409", "claim", changed["case_id"], changed["user"], key="one-key"
        )
    assert "another act" in desk.refused("BO409", "release", case, "clerk", key="one-key")


def test_who_may_take_a_case(desk: Desk) -> None:
    books = desk.books
    for case, user in ((books.duplicate, "buyer"), (books.price, "clerk"), (books.price, "admin")):
        assert "no authority" in desk.refused("BO403", "claim", case, user)
    desk.refused("BO404", "claim", 999_999, "clerk")
    desk.refused("BO401", "claim", books.price, "nobody", sealed="")
    desk.admin("UPDATE review.authority SET entity = '2000' WHERE person_id = 'p-buyer'")
    desk.refused("BO404", "claim", books.price, "buyer")


def test_deciding_what_another_has_is_refused_with_their_name(desk: Desk) -> None:
    case = desk.books.price
    desk.act("claim", case, "buyer")
    before = desk.traces()
    with pytest.raises(psycopg.Error, match="Ben Buyer has claimed case") as refusal:
        desk.decide(case, "manager")
    assert refusal.value.sqlstate == "BO409"
    assert desk.traces() == before
    assert desk.decide(case, "buyer")["state"] == "decided"
    assert desk.case(case, "claimed_by", "claimed_at") == (None, None), "what is decided is in nobody's hands"
    assert desk.status(case) == "decided"


def test_a_second_person_takes_a_half_decided_case(desk: Desk) -> None:
    case = desk.books.quarantined
    desk.act("claim", case, "clerk")
    assert desk.decide(case, "clerk", "discard")["state"] == "half_decided"
    assert desk.status(case) == "half_decided"
    assert "first of two answers" in desk.refused("BO403", "claim", case, "clerk")
    assert "first of two answers" in desk.refused(
        "BO422", "reassign", case, "manager", "your turn", to="p-clerk"
    )
    desk.act("claim", case, "manager")
    assert desk.status(case) == "claimed"
    assert desk.decide(case, "manager", "discard")["state"] == "decided"
    assert "nothing left" in desk.refused("BO409", "claim", case, "clerk")


def test_release_by_who_has_it_or_stands_above(desk: Desk) -> None:
    case = desk.books.price
    assert "nobody has claimed" in desk.refused("BO409", "release", case, "buyer")
    desk.act("claim", case, "buyer")
    assert "Ben Buyer" in desk.refused("BO403", "release", case, "clerk", "mine now")
    desk.refused("BO422", "release", case, "manager")
    assert desk.act("release", case, "manager", "is on holiday")["status"] == "open"
    desk.act("claim", case, "manager")
    assert desk.act("release", case, "manager")["claimed_by"] is None
    released = [record for record in desk.records(case) if record["act"] == "release"]
    assert [(r["person_id"], r["to_person"]) for r in released] == [
        ("p-manager", "p-buyer"),
        ("p-manager", "p-manager"),
    ]
    assert "is on holiday" not in str(released), "words of a person stand encrypted in the log"


def test_hand_a_case_on(desk: Desk) -> None:
    case = desk.books.duplicate
    desk.refused("BO422", "reassign", case, "clerk", "", to="p-manager")
    for to, why in (
        ("p-buyer", "Ben Buyer has no authority as accounts payable clerk for 119.00 EUR"),
        ("p-nobody", "there is no active person p-nobody"),
        ("p-admin", "Ada Admin has no authority as accounts payable clerk for 119.00 EUR"),
    ):
        assert desk.refused("BO422", "reassign", case, "clerk", "please", to=to) == why
    assert (
        desk.act("reassign", case, "clerk", "too large for me", to="p-manager")["claimed_by"] == "p-manager"
    )
    assert "Max Manager has claimed" in desk.refused(
        "BO409", "reassign", case, "clerk", "give back", to="p-clerk"
    )
    assert desk.act("reassign", case, "manager", "you can", to="p-clerk")["claimed_by"] == "p-clerk"
    desk.refused("BO422", "reassign", case, "manager", "again", to="p-clerk")
    desk.refused("BO403", "reassign", desk.books.price, "clerk", "not mine", to="p-buyer")


STANDS_IN = """INSERT INTO review.substitute (person_id, substitute_id, from_day, to_day, when_absent)
  VALUES ('p-clerk', 'p-buyer', '2026-11-01', '2026-12-31', {when_absent})"""
AWAY = (
    "INSERT INTO review.absence (person_id, from_day, to_day) VALUES ('p-clerk', '2026-11-01', '2026-12-31')"
)
MORE = "UPDATE review.authority SET amount_limit = {limit} WHERE person_id = '{person}'"
ROLE = "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES ('{person}', '{role}', 1000000, 'EUR')"
CODE = "UPDATE review.authority SET code = 'PRICE' WHERE person_id = 'p-clerk' AND role = 'ap_clerk'"
MANAGER_KEYED = "UPDATE purchasing.invoice SET keyed_by = 'MMANAGER' WHERE invoice_id = (SELECT subject_id FROM review.case WHERE case_id = {case})"

# who would take which case, what was done before, and why not (None: they may)
TAKING: dict[str, tuple[str, str, tuple[str, ...], str | None]] = {
    "role and limit": ("clerk", "duplicate", (), None),
    "another role": ("buyer", "duplicate", (), "Ben Buyer has no authority as accounts payable clerk for 119.00 EUR"),
    "above the limit": ("clerk", "large", (), "Clara Clerk has no authority as accounts payable clerk for 90,000.00 EUR"),
    "up to the limit": ("clerk", "large", (MORE.format(limit=90_000, person="p-clerk"),), None),
    "for another code": ("clerk", "duplicate", (CODE,), "Clara Clerk has no authority as accounts payable clerk for 119.00 EUR"),
    "no longer": (
        "clerk",
        "duplicate",
        ("UPDATE review.authority SET effective_to = '2026-11-19' WHERE person_id = 'p-clerk' AND role = 'ap_clerk'",),
        "Clara Clerk has no authority as accounts payable clerk for 119.00 EUR",
    ),
    "stands in for who is away": ("buyer", "duplicate", (STANDS_IN.format(when_absent="true"), AWAY), None),
    "stands in for who is here": (
        "buyer",
        "duplicate",
        (STANDS_IN.format(when_absent="true"),),
        "Ben Buyer has no authority as accounts payable clerk for 119.00 EUR",
    ),
    "stands in, own limit smaller": (
        "buyer",
        "duplicate",
        (STANDS_IN.format(when_absent="false"), MORE.format(limit=100, person="p-buyer")),
        "Ben Buyer has no authority as accounts payable clerk for 119.00 EUR",
    ),
    "their own order": ("manager", "own_order", (), "Max Manager created an order of this invoice, or nobody knows who did"),
    "keyed by them": ("manager", "price", (MANAGER_KEYED,), "Max Manager keyed the document"),
    "stands in for who keyed it": (
        "buyer",
        "price",
        (MANAGER_KEYED, STANDS_IN.format(when_absent="false").replace("'p-clerk'", "'p-manager'")),
        "Ben Buyer stands in for Max Manager, who keyed the document",
    ),
    "gave the first answer": ("clerk", "quarantined", ("first answer",), "Clara Clerk gave the first of two answers"),
    "may veto it": (
        "buyer",
        "duplicate",
        (
            ROLE.format(person="p-buyer", role="controller"),
            "INSERT INTO review.quorum_rule (name, action, persons, veto_roles) VALUES ('veto', 'reject', 1, '{controller}')",
        ),
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("who", TAKING)
def test_whoever_could_do_nothing_with_a_case_does_not_take_it(desk: Desk, who: str) -> None:
    """Taking it, being handed it and asking about it are judged as deciding is."""
    user, name, before, why_not = TAKING[who]
    case = getattr(desk.books, name)
    for statement in before:
        if statement == "first answer":
            desk.decide(case, "clerk", "discard")
        else:
            desk.admin(statement.replace("{case}", str(case)))
    above = "manager" if user != "manager" else "clerk"
    desk.admin(
        "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES (%s, 'ap_manager', 0, 'EUR') ON CONFLICT DO NOTHING",
        f"p-{above}",
    )
    if why_not is None:
        assert desk.act("reassign", case, above, "yours", to=f"p-{user}")["claimed_by"] == f"p-{user}"
        desk.act("release", case, user)
        assert desk.act("claim", case, user)["claimed_by"] == f"p-{user}"
    else:
        assert desk.refused("BO403", "claim", case, user).startswith(why_not)
        assert desk.refused("BO422", "reassign", case, above, "yours", to=f"p-{user}").startswith(why_not)
        assert desk.refused("BO403", "ask", case, user, "What is this?", to="person:p-admin").startswith(
            why_not
        )


def test_who_stands_above_takes_over_to_hand_on(desk: Desk) -> None:
    """A manager who could decide nothing of it takes it from one and gives it to another, and has it at no time."""
    case = desk.books.price
    desk.admin("DELETE FROM review.authority WHERE person_id = 'p-manager' AND role = 'buyer'")
    desk.admin(
        "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES ('p-clerk', 'buyer', 5000, 'EUR')"
    )
    desk.act("claim", case, "buyer")
    assert desk.act("reassign", case, "manager", "Ben is ill", to="p-clerk")["claimed_by"] == "p-clerk"
    assert desk.act("release", case, "manager", "back to the queue")["status"] == "open"
    assert "no authority as buyer" in desk.refused("BO403", "claim", case, "manager")


def test_who_has_a_case_and_may_not_decide_it_any_more_hands_it_on(desk: Desk) -> None:
    case = desk.books.duplicate
    desk.act("claim", case, "clerk")
    desk.admin("UPDATE review.authority SET amount_limit = 1 WHERE person_id = 'p-clerk'")
    assert (
        desk.act("reassign", case, "clerk", "above my limit now", to="p-manager")["claimed_by"] == "p-manager"
    )
    assert "has claimed" in desk.refused("BO409", "reassign", case, "clerk", "to me", to="p-clerk")


def test_a_claim_that_is_left_alone_ends(desk: Desk) -> None:
    case = desk.books.duplicate
    desk.act("claim", case, "clerk")
    desk.later(7)
    assert desk.keep()["expired"] == 0
    desk.act("comment", case, "clerk", "still at it")
    desk.later(7)
    assert desk.keep()["expired"] == 0, "who says something is there"
    desk.later(1.1)
    assert desk.keep()["expired"] == 1
    assert desk.status(case) == "open"
    assert desk.keep()["expired"] == 0
    last = desk.records(case)[-1]
    assert (last["taken"], last["of_person"]) == ("claim_expired", "p-clerk")
    assert desk.act("claim", case, "manager")["claimed_by"] == "p-manager"


def test_an_idle_claim_holds_nobody_up_before_the_housekeeping_comes(desk: Desk) -> None:
    price, duplicate = desk.books.price, desk.books.duplicate
    desk.act("claim", price, "buyer")
    desk.act("claim", duplicate, "clerk")
    desk.later(9)
    assert desk.decide(price, "manager")["state"] == "decided"
    assert desk.act("claim", duplicate, "manager")["claimed_by"] == "p-manager"
    assert [r.get("taken") or r["act"] for r in desk.records(duplicate)] == [
        "claim",
        "claim_expired",
        "claim",
    ]


def test_the_time_is_a_setting(desk: Desk) -> None:
    desk.admin("INSERT INTO ledger.setting (name, value) VALUES ('claim_idle_minutes', '30')")
    desk.act("claim", desk.books.duplicate, "clerk")
    desk.later(0.6)
    assert desk.keep()["expired"] == 1


def test_facts_take_a_case_out_of_every_hand(desk: Desk) -> None:
    case = desk.books.price
    desk.act("claim", case, "buyer")
    desk.admin("UPDATE ledger.hold SET released_at = now(), release_kind = 'facts' WHERE code = 'PRICE'")
    desk.admin("SELECT review.settle_by_facts('invoice_reconciliation')")
    assert desk.case(case, "state", "claimed_by") == ("superseded", None)
    assert "superseded" in desk.refused("BO409", "release", case, "buyer")


def test_every_act_and_step_is_in_the_log_and_a_changed_one_is_found(desk: Desk) -> None:
    case = desk.books.duplicate
    desk.act("claim", case, "clerk")
    desk.act("comment", case, "clerk", "the supplier says it is new")
    desk.later(25)
    desk.keep()
    assert unmatched(desk, "of a case", "on a case") == []
    with desk.ledger.connect("admin") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("ALTER TABLE review.case_act DISABLE TRIGGER USER")
        connection.execute("UPDATE review.case_act SET person_id = 'p-manager' WHERE act = 'comment'")
    assert unmatched(desk, "on a case") == ["act on a case"]


def unmatched(desk: Desk, *kinds: str) -> list[str]:
    """Return which facts of these kinds disagree with the log."""
    found = desk.admin(settings.statement("governance/find_unmatched_facts"))
    return [row[0] for row in found if row[0].endswith(kinds)]
