"""Who may decide what, how many of them, for whom, and who may not: the one truth behind every answer, on a real Postgres."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.access import carry
from tests.access import propose as propose_access
from tests.answering import decide, open_cases
from tests.books import Books
from tests.conftest import BUSINESS_DATE, Ledger

pytestmark = pytest.mark.integration

PEOPLE = ("clerk", "buyer", "manager", "admin")
EXTRA = ("ann", "bob", "cid", "dora")
UNTIL = BUSINESS_DATE + timedelta(days=30)


class Office:
    """A company whose buyers decide about prices: open cases, the web log-in, and the owner who sets the scene."""

    def __init__(self, ledger: Ledger, web: psycopg.Connection[Any], books: Books) -> None:
        self.ledger, self.web, self.books = ledger, web, books

    def owner(self, statement: str, *values: object) -> None:
        with self.ledger.connect("admin") as connection:
            connection.execute(statement, values)

    def case(self, part_of_title: str) -> dict[str, Any]:
        return next(case for case in open_cases(self.web) if part_of_title in case["title"])

    def half(self, case: dict[str, Any]) -> dict[str, Any]:
        """The case as it is now, also when it waits for more people."""
        found = self.web.execute(
            "SELECT state, evidence_hash FROM review.case WHERE case_id = %s", (case["case_id"],)
        ).fetchone()
        assert found is not None
        return {**case, "state": found[0], "evidence_hash": found[1]}

    def may(self, user: str, case: dict[str, Any], action: str = "accept") -> str | None:
        row = self.web.execute(
            "SELECT review.may_decide((SELECT person_id FROM review.identity WHERE system = 'airflow' AND user_id = %s), %s, %s)",
            (user, case["case_id"], action),
        ).fetchone()
        assert row is not None
        return row[0]

    def refused(self, case: dict[str, Any], user: str, action: str = "accept", **changed: Any) -> str:
        """Expect the same refusal from the question and from the act."""
        said = self.may(user, case, action)
        with pytest.raises(psycopg.Error) as refusal:
            decide(self.web, case, user, action, **changed)
        assert refusal.value.sqlstate == "BO403", refusal.value
        assert str(refusal.value.diag.message_primary) == said
        return str(said)


@pytest.fixture
def office(ledger: Ledger) -> Iterator[Office]:
    """R-PRICE (1188.00, 90.00 = 10 % above), R-TWO (1188.00) and R-QTY (received less, 108.00 = 10 % too many)."""
    with ledger.connect("admin") as owner:
        owner.execute("UPDATE purchasing.uom_factor SET numerator = numerator WHERE false")
        for name in EXTRA:
            owner.execute(
                "INSERT INTO review.person (person_id, name) VALUES (%s, %s)", (f"p-{name}", name.title())
            )
            owner.execute(
                "INSERT INTO review.identity VALUES ('airflow', %s, %s), ('erp', %s, %s)",
                (name, f"p-{name}", f"erp-{name}", f"p-{name}"),
            )
            owner.execute(
                "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES (%s, 'buyer', 50000, 'EUR')",
                (f"p-{name}",),
            )
    with ledger.connect("app") as app, ledger.connect("web", autocommit=True) as web:
        books = Books(app).open_run()
        books.supplier()
        books.order("PO-1", 1, 100, 10, match_type=2, requester="erp-ann")
        books.order("PO-2", 1, 100, 10, match_type=2)
        books.order("PO-3", 1, 100, 10, match_type=3)
        books.receive("PO-3", 1, 90, receiver="erp-bob")
        books.invoice("R-PRICE", [("PO-1", 1, 90, 11)])
        books.invoice("R-TWO", [("PO-2", 1, 90, 11)])
        books.invoice("R-QTY", [("PO-3", 1, 99, 10)])
        books.night()
        app.commit()
        yield Office(ledger, web, books)


def rule(office: Office, **columns: Any) -> None:
    """A quorum rule, carried by two administrators."""
    carry(office.web, "quorum_rule", "add", {"name": "a rule", **columns})


# -- limits --


@pytest.mark.parametrize(
    ("column", "least"),
    [("variance_limit", "90.00"), ("variance_pct", "10.0000")],
)
def test_what_is_above_the_order_has_its_own_limit(office: Office, column: str, least: str) -> None:
    case = office.case("R-TWO")
    office.owner(f"UPDATE review.authority SET {column} = {least} - 0.0001 WHERE person_id = 'p-bob'")
    if column == "variance_limit":
        office.owner(f"UPDATE review.authority SET {column} = {least} - 0.01 WHERE person_id = 'p-bob'")
    assert "no authority" in office.refused(case, "bob")
    assert office.may("bob", case, "reject") is None, (
        "refusing what is too dear needs no room above the order"
    )
    office.owner(f"UPDATE review.authority SET {column} = {least} WHERE person_id = 'p-bob'")
    assert decide(office.web, case, "bob", "accept")["final"] is True


@pytest.mark.parametrize(("limit", "may"), [("90.00", True), ("89.99", False)])
def test_a_quantity_is_valued_at_the_order_price(office: Office, limit: str, may: bool) -> None:
    """99 billed, 90 received, at 10 each."""
    office.owner(
        "INSERT INTO review.authority (person_id, role, amount_limit, currency, variance_limit) VALUES ('p-cid', 'receiver', 50000, 'EUR', %s)",
        limit,
    )
    assert (office.may("cid", office.case("R-QTY")) is None) is may


def test_an_authority_for_one_code_is_none_for_another(office: Office) -> None:
    office.owner("UPDATE review.authority SET code = 'QTY_ORD' WHERE person_id = 'p-bob'")
    assert "no authority" in office.refused(office.case("R-TWO"), "bob")
    office.owner("UPDATE review.authority SET code = 'PRICE' WHERE person_id = 'p-bob'")
    assert office.may("bob", office.case("R-TWO")) is None


def test_an_authority_for_one_cost_centre(office: Office) -> None:
    office.owner("UPDATE review.authority SET cost_centre = '4711' WHERE person_id = 'p-bob'")
    assert "no authority" in office.refused(office.case("R-TWO"), "bob")
    office.owner("UPDATE purchasing.order_line SET cost_centre = '4711' WHERE po_number = 'PO-2'")
    assert office.may("bob", office.case("R-TWO")) is None
    assert office.may("bob", office.case("R-PRICE")) is not None


# -- how many --


def test_three_of_four_decide_and_not_before(office: Office) -> None:
    rule(office, persons=3, of_persons=["p-ann", "p-bob", "p-cid", "p-dora"])
    case = office.case("R-TWO")
    assert office.web.execute(
        "SELECT review.persons_needed(%s, 'accept')", (case["case_id"],)
    ).fetchone() == (3,)
    assert "no authority" in office.refused(case, "manager"), "the manager is none of the four"
    told = [decide(office.web, case, user, "accept") for user in ("bob", "ann")]
    assert [(one["final"], one["state"], one["persons_given"]) for one in told] == [
        (False, "half_decided", 1),
        (False, "half_decided", 2),
    ]
    assert "another person" in office.refused(case, "bob", key="again")
    last = decide(office.web, case, "dora", "accept")
    assert (last["final"], last["state"], last["persons_given"], last["persons_needed"]) == (
        True,
        "decided",
        3,
        3,
    )


@pytest.mark.parametrize(("amount", "persons"), [("1188.00", 2), ("1188.01", 1)])
def test_four_eyes_from_an_amount_on(office: Office, amount: str, persons: int) -> None:
    rule(office, amount_from=amount, currency="EUR", persons=2)
    case = office.case("R-TWO")
    assert office.web.execute(
        "SELECT review.persons_needed(%s, 'accept')", (case["case_id"],)
    ).fetchone() == (persons,)
    assert decide(office.web, case, "bob", "accept")["final"] is (persons == 1)


def test_an_amount_in_another_currency_is_above_every_rule(office: Office) -> None:
    rule(office, amount_from="999999", currency="USD", persons=2)
    assert decide(office.web, office.case("R-TWO"), "bob", "accept")["final"] is False


def test_a_role_that_must_be_among_them(office: Office) -> None:
    rule(office, persons=2, with_roles=["ap_manager"])
    case = office.case("R-TWO")
    decide(office.web, case, "bob", "accept")
    assert decide(office.web, case, "cid", "accept")["final"] is False, "two buyers are not enough"
    assert decide(office.web, case, "manager", "accept")["final"] is True


def test_a_veto_ends_it(office: Office) -> None:
    rule(office, action="reject", persons=2, veto_roles=["ap_clerk"])
    case, other = office.case("R-TWO"), office.case("R-PRICE")
    assert decide(office.web, other, "bob", "reject")["final"] is False, "who has no veto needs a second"
    assert "no authority" in office.refused(case, "clerk", "accept")
    assert decide(office.web, case, "clerk", "reject")["final"] is True


def test_the_strictest_rule_counts(office: Office) -> None:
    rule(office, persons=2)
    carry(office.web, "quorum_rule", "add", {"name": "three", "persons": 3, "code": "PRICE"})
    carry(office.web, "quorum_rule", "add", {"name": "elsewhere", "persons": 9, "code": "QTY_ORD"})
    assert office.web.execute(
        "SELECT review.persons_needed(%s, 'accept')", (office.case("R-TWO")["case_id"],)
    ).fetchone() == (3,)


# -- for somebody else --


def stand_in(office: Office, who: str, substitute: str, **columns: Any) -> None:
    row = {
        "person_id": f"p-{who}",
        "substitute_id": f"p-{substitute}",
        "to_day": str(UNTIL),
        "when_absent": False,
        **columns,
    }
    propose_access(office.web, who, "substitute", "add", row)


def test_a_substitute_acts_on_behalf_and_both_are_named(office: Office) -> None:
    case = office.case("R-TWO")
    office.refused(case, "clerk")
    stand_in(office, "buyer", "clerk", when_absent=True)
    office.refused(case, "clerk")
    propose_access(office.web, "buyer", "absence", "add", {"person_id": "p-buyer", "to_day": str(UNTIL)})
    told = decide(office.web, case, "clerk", "accept")
    assert (told["person"], told["on_behalf_of"], told["final"]) == ("Clara Clerk", "Ben Buyer", True)
    with office.ledger.connect("auditor") as auditor:
        said = auditor.execute(
            "SELECT b ->> 'person_id', b ->> 'on_behalf_of' FROM (SELECT convert_from(body, 'UTF8')::jsonb AS b FROM audit.record WHERE kind = 'human') r WHERE b ? 'answer_id'"
        ).fetchall()
    assert said == [("p-clerk", "p-buyer")]


@pytest.mark.parametrize(
    ("own", "others", "may"),
    [("1187.99", "25000", False), ("25000", "1187.99", False), ("1188", "1188", True)],
)
def test_the_limit_is_the_smaller_of_the_two(office: Office, own: str, others: str, may: bool) -> None:
    office.owner("UPDATE review.authority SET amount_limit = %s WHERE person_id = 'p-clerk'", own)
    office.owner("UPDATE review.authority SET amount_limit = %s WHERE person_id = 'p-buyer'", others)
    stand_in(office, "buyer", "clerk")
    assert (office.may("clerk", office.case("R-TWO")) is None) is may


def test_a_chain_ends_after_one_hop(office: Office) -> None:
    """The buyer's substitute is the clerk, whose substitute is the administrator: that one does not reach the buyer."""
    office.owner(
        "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES ('p-admin', 'ap_clerk', 50000, 'EUR')"
    )
    stand_in(office, "buyer", "clerk")
    stand_in(office, "clerk", "admin")
    assert office.may("clerk", office.case("R-TWO")) is None
    assert office.may("admin", office.case("R-TWO")) is not None


def test_a_substitute_on_other_days_or_for_another_role_is_none(office: Office) -> None:
    stand_in(office, "buyer", "clerk", from_day=str(BUSINESS_DATE + timedelta(days=1)))
    assert office.may("clerk", office.case("R-TWO")) is not None
    stand_in(office, "buyer", "clerk", role="receiver")
    assert office.may("clerk", office.case("R-TWO")) is not None
    stand_in(office, "buyer", "clerk", amount_limit="1187.99", currency="EUR")
    assert office.may("clerk", office.case("R-TWO")) is not None
    stand_in(office, "buyer", "clerk", role="buyer")
    assert office.may("clerk", office.case("R-TWO")) is None
    office.owner("UPDATE review.person SET active = false WHERE person_id = 'p-buyer'")
    assert office.may("clerk", office.case("R-TWO")) is not None


def test_one_authority_gives_one_of_two_answers(office: Office) -> None:
    """The buyer answers, then the buyer's substitute would answer with the buyer's authority: that is one person's say twice."""
    rule(office, persons=2)
    stand_in(office, "buyer", "clerk")
    case, other = office.case("R-TWO"), office.case("R-PRICE")
    decide(office.web, case, "buyer", "accept")
    assert "another person" in office.refused(case, "clerk")
    decide(office.web, other, "clerk", "accept")
    assert "another person" in office.refused(other, "buyer")
    assert decide(office.web, other, "manager", "accept")["final"] is True


# -- parts in the document --


def test_who_requested_it_and_who_stands_in_for_them_do_not_decide(office: Office) -> None:
    case = office.case("R-PRICE")
    assert "requested" in office.refused(case, "ann")
    stand_in(office, "ann", "bob")
    assert "stands in for Ann" in office.refused(case, "bob"), "though Bob has an authority of his own"
    assert office.may("cid", case) is None
    office.owner("DELETE FROM review.identity WHERE user_id = 'erp-ann'")
    assert "nobody knows who" in office.refused(case, "cid")


def test_who_received_decides_about_the_receipt_and_nothing_else(office: Office) -> None:
    office.owner(
        "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES ('p-bob', 'receiver', 50000, 'EUR')"
    )
    case = office.case("R-QTY")
    assert office.may("bob", case) is None
    office.owner("UPDATE review.duty_rule SET excluded = true WHERE duty = 'receiver'")
    assert "received the goods" in office.refused(case, "bob")


def test_who_keyed_it_changed_the_supplier_or_started_the_run(office: Office) -> None:
    case = office.case("R-TWO")
    office.owner("UPDATE purchasing.invoice SET keyed_by = 'erp-ann' WHERE invoice_number = 'R-TWO'")
    assert "keyed" in office.refused(case, "ann")
    office.owner(
        "INSERT INTO purchasing.master_version (kind, business_key, version_no, content_hash, content, load_id) "
        "SELECT kind, business_key, version_no + 1, '\\x00', content || '{\"changed_by\": \"erp-bob\"}', load_id FROM purchasing.master_version WHERE kind = 'supplier'"
    )
    assert "master data" in office.refused(case, "bob")
    office.owner('UPDATE ops.run SET parameters = parameters || \'{"triggered_by": "p-cid"}\'')
    assert office.may("cid", case) is None, "a price is no sign-off"
    office.owner("UPDATE review.duty_rule SET excluded = true WHERE duty = 'trigger'")
    assert "started the run" in office.refused(case, "cid")


def test_every_reason_is_told_for_many_cases_at_once(office: Office) -> None:
    ids = [case["case_id"] for case in open_cases(office.web)]
    told = dict(
        office.web.execute(
            "SELECT * FROM review.why_not('p-ann', %s, 'accept')", ([*ids, 999999],)
        ).fetchall()
    )
    assert set(told) == {office.case("R-PRICE")["case_id"], office.case("R-QTY")["case_id"], 999999}
    assert "requested" in told[office.case("R-PRICE")["case_id"]]


# -- never twice, never one's own --


def attempt(
    connection: psycopg.Connection[Any], case: dict[str, Any], user: str, action: str, key: str
) -> str:
    """Try to answer; say ``taken`` or the code of the refusal."""
    try:
        with connection.transaction():
            decide(connection, case, user, action, key=key)
    except psycopg.Error as error:
        return str(error.sqlstate)
    return "taken"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    persons=st.integers(2, 3),
    creator=st.sampled_from(EXTRA),
    requester=st.sampled_from(EXTRA),
    stand_ins=st.lists(st.tuples(st.sampled_from(EXTRA), st.sampled_from(EXTRA)), max_size=4),
    asks=st.lists(
        st.tuples(st.sampled_from((*EXTRA, "ann-2")), st.sampled_from(("accept", "reject"))),
        min_size=4,
        max_size=12,
    ),
)
def test_no_person_gives_two_answers_nor_decides_their_own(
    standing: Office,
    persons: int,
    creator: str,
    requester: str,
    stand_ins: list[tuple[str, str]],
    asks: list[tuple[str, str]],
) -> None:
    """Any people, with any substitutes among them, in any order, by any log-in, with repeated attempts."""
    office = standing
    case = office.case("R-TWO")
    outcomes: set[str] = set()
    with office.ledger.connect("admin") as owner, owner.transaction(force_rollback=True):
        owner.execute("UPDATE review.quorum_rule SET persons = %s", (persons,))
        owner.execute(
            "UPDATE purchasing.order_line SET created_by = %s, requester = %s WHERE po_number = 'PO-2'",
            (f"erp-{creator}", f"erp-{requester}"),
        )
        for who, substitute in stand_ins:
            if who != substitute:
                owner.execute(
                    "INSERT INTO review.substitute (person_id, substitute_id, from_day, to_day, when_absent) VALUES (%s, %s, %s, %s, false) ON CONFLICT DO NOTHING",
                    (f"p-{who}", f"p-{substitute}", BUSINESS_DATE, UNTIL),
                )
        for place, (user, action) in enumerate(asks):
            outcomes.add(attempt(owner, case, user, action, f"ask-{place}"))
        assert outcomes <= {"taken", "BO403", "BO409"}
        answers = owner.execute(
            "SELECT person_id, acted_for, action, final, persons_needed FROM review.answer WHERE case_id = %s ORDER BY answer_id",
            (case["case_id"],),
        ).fetchall()
        everybody = [person for row in answers for person in row[:2] if person is not None]
        assert len(everybody) == len(set(everybody)), "somebody's say counted twice"
        barred = {f"p-{creator}", f"p-{requester}"}
        barred |= {
            f"p-{substitute}"
            for who, substitute in stand_ins
            if f"p-{who}" in {f"p-{creator}", f"p-{requester}"}
        }
        assert not barred & set(everybody), "somebody decided their own"
        finals = [row for row in answers if row[3]]
        assert len(finals) <= 1
        for row in finals:
            assert row[4] == (persons if row[2] == "accept" else 1)
            assert sum(other[2] == row[2] for other in answers) >= row[4]


@pytest.fixture
def standing(office: Office) -> Office:
    """One office for all examples of the property: each is rolled back."""
    rule(office, persons=2)
    office.owner("INSERT INTO review.identity VALUES ('airflow', 'ann-2', 'p-ann')")
    return office


def test_two_hundred_double_decisions_at_once(office: Office) -> None:
    """Two or three answers are needed, more come at once, some twice by the same person: exactly so many are taken, one of them final."""
    rule(office, persons=2)
    office.books.open_run("night-2")
    for number in range(200):
        office.books.order("PO-9", number + 1, 100, 10, match_type=2)
        office.books.invoice(f"R-9{number:03}", [("PO-9", number + 1, 90, 11)])
    office.books.night()
    office.books.connection.commit()
    cases = [case for case in open_cases(office.web) if "R-9" in case["title"] and case["role"] == "buyer"]
    assert len(cases) == 200
    users = ("bob", "cid", "dora", "bob", "manager")
    gate = threading.Barrier(len(users))
    outcomes: list[str] = []

    def work(place: int, user: str) -> None:
        with office.ledger.connect("web", autocommit=True) as connection:
            for case in cases:
                gate.wait()
                outcomes.append(attempt(connection, case, user, "accept", f"{case['case_id']}/{place}"))

    threads = [threading.Thread(target=work, args=(place, user)) for place, user in enumerate(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("taken") == 400
    assert set(outcomes) <= {"taken", "BO403", "BO409"}
    with office.ledger.connect("admin") as owner:
        wrong = owner.execute(
            "SELECT case_id FROM review.answer JOIN review.case USING (case_id) WHERE title ~ 'R-9' AND role = 'buyer' GROUP BY case_id, state "
            "HAVING count(*) <> 2 OR count(DISTINCT person_id) <> 2 OR count(*) FILTER (WHERE final) <> 1 OR state <> 'decided'"
        ).fetchall()
        assert wrong == []
