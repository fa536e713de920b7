"""Who may answer a case, once: ``review.decide_case`` on a real Postgres, as the review pages call it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from tests.answering import REASONS, decide, open_cases
from tests.books import Books
from tests.conftest import Ledger

pytestmark = pytest.mark.integration


class Desk:
    """Open cases of a small company, the web log-in that answers them, and an administrator."""

    def __init__(self, ledger: Ledger, web: psycopg.Connection[Any], books: Books) -> None:
        self.ledger, self.web, self.books = ledger, web, books

    def case(self, part_of_title: str) -> dict[str, Any]:
        """Return the open case whose title has these words."""
        return next(case for case in open_cases(self.web) if part_of_title in case["title"])

    def admin(self, statement: str, *values: object) -> None:
        """Change people's data the way an administrator does."""
        with self.ledger.connect("admin") as connection:
            connection.execute(statement, values)

    def refused(self, state: str, case: dict[str, Any], user: str, action: str, **changed: Any) -> str:
        """Expect a refusal, and that it left nothing."""
        before = self.traces()
        with pytest.raises(psycopg.Error) as refusal:
            decide(self.web, case, user, action, **changed)
        assert refusal.value.sqlstate == state, refusal.value
        assert self.traces() == before
        return str(refusal.value.diag.message_primary)

    def traces(self) -> tuple[int, ...]:
        """Count what an answer leaves."""
        row = self.web.execute(
            "SELECT (SELECT count(*) FROM review.answer), (SELECT count(*) FROM ledger.decision), (SELECT count(*) FROM audit.record)"
        ).fetchone()
        assert row is not None
        return row


@pytest.fixture
def desk(ledger: Ledger) -> Iterator[Desk]:
    """Cases: PRICE of an order by erp-creator, DUP_EXACT, two documents that could not be read, an amount for the manager."""
    with ledger.connect("admin") as connection:
        connection.execute(
            "INSERT INTO review.person (person_id, name) VALUES ('p-creator', 'Carla Creator')"
        )
        connection.execute(
            "INSERT INTO review.identity (person_id, system, user_id) VALUES ('p-creator', 'erp', 'erp-creator'), ('p-creator', 'airflow', 'creator') "
            "ON CONFLICT (system, user_id) DO UPDATE SET person_id = excluded.person_id"
        )
        connection.execute(
            "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES ('p-creator', 'buyer', 1000000, 'EUR')"
        )
    with ledger.connect("app") as app, ledger.connect("web", autocommit=True) as web:
        books = Books(app).open_run()
        books.supplier()
        for line in (1, 2, 3, 4):
            books.order("PO-1", line, 100, 10, match_type=2)
        books.order("PO-1", 5, 100, 2000, match_type=2)
        books.invoice("R-PRICE", [("PO-1", 1, 90, 11)])
        books.invoice("R-1", [("PO-1", 2, 10, 10)])
        books.night()
        books.open_run("night-2")
        books.invoice("R-1", [("PO-1", 3, 10, 10)], payee_iban="DE2")
        books.invoice("R-BIG", [("PO-1", 5, 60, 2000)])
        for name in ("scan.pdf", "advert.pdf"):
            books.invoice(f"Q-{name}", [("PO-1", 4, 1, 10)], filename=name)
        books.stage("invoices", gate=False)
        app.execute(
            "INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason) "
            "SELECT load_id, 'invoices', row_no, 'unreadable', 'quarantine', 'not readable' FROM intake.stage_invoice WHERE filename IS NOT NULL"
        )
        app.execute("SELECT intake.mark_gated(load_id, '{}') FROM intake.load WHERE state = 'read'")
        books.night()
        app.commit()
        yield Desk(ledger, web, books)


def test_a_person_with_authority_answers_once(desk: Desk) -> None:
    case = desk.case("PRICE")
    answer = decide(desk.web, case, "buyer", "accept")
    assert answer["final"] is True
    assert answer["state"] == "decided"
    assert "decided" in desk.refused("BO409", case, "manager", "accept")


def test_nobody_knows_the_log_in(desk: Desk) -> None:
    case = desk.case("PRICE")
    for system, user in (
        ("airflow", "stranger"),
        ("erp", "buyer"),
        ("AIRFLOW", "buyer"),
        ("", ""),
        ("airflow", "Buyer"),
    ):
        desk.refused("BO401", case, user, "accept", system=system)
    desk.admin("UPDATE review.person SET active = false WHERE person_id = 'p-buyer'")
    desk.refused("BO401", case, "buyer", "accept")


@pytest.mark.parametrize(
    ("title", "user"),
    [
        ("PRICE", "clerk"),
        ("DUP_EXACT", "buyer"),
        ("APPROVAL", "clerk"),
        ("PRICE", "admin"),
        ("Q-scan", "buyer"),
    ],
)
def test_another_role_has_no_say(desk: Desk, title: str, user: str) -> None:
    case = desk.case(title)
    assert "no authority" in desk.refused("BO403", case, user, case["actions"][0], code=reason_of(desk, case))


def reason_of(desk: Desk, case: dict[str, Any]) -> str:
    """Return a reason code that the case offers for its first action."""
    row = desk.web.execute(
        "SELECT a -> 'reason_codes' ->> 0 FROM review.\"case\" c, jsonb_array_elements(c.handover -> 'actions') AS a WHERE case_id = %s AND a ->> 'action' = %s",
        (case["case_id"], case["actions"][0]),
    ).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(("limit", "may"), [("1188.00", True), ("1187.99", False)])
def test_an_amount_up_to_the_limit(desk: Desk, limit: str, may: bool) -> None:
    """The invoice is over 1188.00 gross."""
    case = desk.case("PRICE")
    assert case["amount"] == Decimal("1188.00")
    desk.admin("UPDATE review.authority SET amount_limit = %s WHERE person_id = 'p-buyer'", limit)
    if may:
        decide(desk.web, case, "buyer", "accept")
    else:
        assert "1,188.00 EUR" in desk.refused("BO403", case, "buyer", "accept")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE review.authority SET currency = 'USD' WHERE person_id = 'p-buyer'",
        "UPDATE review.authority SET entity = '2000' WHERE person_id = 'p-buyer'",
        "UPDATE review.authority SET process = 'payment_run' WHERE person_id = 'p-buyer'",
        "UPDATE review.authority SET effective_to = '2020-01-01' WHERE person_id = 'p-buyer'",
        "UPDATE review.authority SET effective_from = '2100-01-01' WHERE person_id = 'p-buyer'",
        "DELETE FROM review.authority WHERE person_id = 'p-buyer'",
    ],
)
def test_an_authority_for_something_else(desk: Desk, change: str) -> None:
    desk.admin(change)
    desk.refused("BO403", desk.case("PRICE"), "buyer", "accept")


def test_the_time_zone_of_the_session_prolongs_no_authority(desk: Desk) -> None:
    """Authority ends with the company's business day, whatever day the caller's session says it is."""
    desk.admin("UPDATE review.authority SET effective_to = '2026-11-19' WHERE person_id = 'p-buyer'")
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12", "UTC"):
        desk.web.execute("SELECT set_config('timezone', %s, false)", (zone,))
        desk.refused("BO403", desk.case("PRICE"), "buyer", "accept")


def test_who_created_the_order_does_not_decide(desk: Desk) -> None:
    """By whichever log-in: the ERP's user id and Airflow's belong to one person."""
    case = desk.case("PRICE")
    assert "created" in desk.refused("BO403", case, "creator", "accept")
    assert "created" in desk.refused("BO403", case, "creator", "reject")
    desk.admin(
        "INSERT INTO review.identity (system, user_id, person_id) VALUES ('airflow', 'second-log-in', 'p-creator')"
    )
    desk.refused("BO403", case, "second-log-in", "accept")


def test_a_creator_whom_nobody_mapped_may_be_anyone(desk: Desk) -> None:
    desk.admin("DELETE FROM review.identity WHERE system = 'erp' AND user_id = 'erp-creator'")
    assert "nobody knows who did" in desk.refused("BO403", desk.case("PRICE"), "buyer", "accept")


def test_discarding_needs_two_persons(desk: Desk) -> None:
    case = desk.case("Q-advert")
    first = decide(desk.web, case, "clerk", "discard")
    assert (first["final"], first["state"]) == (False, "half_decided")
    assert "another person" in desk.refused("BO403", case, "clerk", "discard", key="again")
    desk.admin(
        "INSERT INTO review.identity (system, user_id, person_id) VALUES ('airflow', 'other-log-in', 'p-clerk')"
    )
    desk.refused("BO403", case, "other-log-in", "discard")
    desk.refused("BO403", case, "buyer", "discard")
    second = decide(desk.web, case, "manager", "discard")
    assert (second["final"], second["state"]) == (True, "decided")
    desk.refused("BO409", case, "clerk", "discard", key="a third time")


def test_a_second_person_may_decide_otherwise(desk: Desk) -> None:
    case = desk.case("Q-advert")
    decide(desk.web, case, "clerk", "discard")
    assert decide(desk.web, case, "manager", "ask_again")["final"] is True


def test_one_of_two_discards_changes_nothing(desk: Desk) -> None:
    decide(desk.web, desk.case("Q-advert"), "clerk", "discard")
    row = desk.books.connection.execute(
        "SELECT booked FROM review.book_answers(%s, 'invoice_reconciliation')", (desk.books.run_id,)
    ).fetchone()
    assert row == (0,)
    assert desk.books.connection.execute("SELECT DISTINCT state FROM intake.quarantine").fetchall() == [
        ("open",)
    ]


@pytest.mark.parametrize("evidence", [b"\x00" * 32, b"", None])
def test_facts_that_were_not_shown(desk: Desk, evidence: bytes | None) -> None:
    assert "changed" in desk.refused("BO409", desk.case("PRICE"), "buyer", "accept", evidence=evidence)


def test_facts_that_changed_since_they_were_shown(desk: Desk) -> None:
    case = desk.case("PRICE")
    desk.books.open_run("night-3")
    desk.books.order("PO-1", 1, 100, "10.5", match_type=2, version=2)
    desk.books.match()
    desk.books.connection.commit()
    assert "changed" in desk.refused("BO409", case, "buyer", "accept"), "before the case is refreshed"
    desk.books.night()
    desk.books.connection.commit()
    assert "changed" in desk.refused("BO409", case, "buyer", "accept"), "after the case was refreshed"
    decide(desk.web, desk.case("PRICE"), "buyer", "accept", key="looked again")


def test_the_same_request_again_is_the_same_answer(desk: Desk) -> None:
    case = desk.case("PRICE")
    first = decide(desk.web, case, "buyer", "accept", key="k")
    assert decide(desk.web, case, "buyer", "accept", key="k") == first
    for changed in ({"reason": "other words"}, {"code": "approved"}):
        desk.refused("BO409", case, "buyer", "accept", key="k", **changed)
    desk.refused("BO409", case, "manager", "accept", key="k")
    desk.refused("BO409", desk.case("DUP_EXACT"), "clerk", "accept", key="k")
    assert desk.traces()[0] == 1


@pytest.mark.parametrize(
    ("title", "user", "action", "changed"),
    [
        ("PRICE", "buyer", "discard", {}),
        ("PRICE", "buyer", "read_again", {}),
        ("PRICE", "buyer", "release", {"code": "approved"}),
        ("Q-scan", "clerk", "accept", {}),
        ("PRICE", "buyer", "accept", {"reason": "  "}),
        ("PRICE", "buyer", "accept", {"reason": None}),
        ("PRICE", "buyer", "accept", {"code": "because"}),
        ("PRICE", "buyer", "accept", {"code": None}),
        ("PRICE", "buyer", "reject", {"code": "approved"}),
    ],
)
def test_what_the_case_does_not_offer(
    desk: Desk, title: str, user: str, action: str, changed: dict[str, Any]
) -> None:
    desk.refused(
        "BO422", desk.case(title), user, action, **{"code": REASONS.get(action, "approved"), **changed}
    )


def test_no_such_case(desk: Desk) -> None:
    desk.refused("BO404", {**desk.case("PRICE"), "case_id": 987654}, "buyer", "accept")


def test_a_hold_that_nobody_may_release_offers_no_acceptance(desk: Desk) -> None:
    desk.books.open_run("night-3")
    desk.books.invoice("R-NO-ORDER", [(None, None, 1, 10)])
    desk.books.night()
    desk.books.connection.commit()
    desk.refused("BO422", desk.case("PO_MISSING"), "clerk", "accept")


# -- at once --------------------------------------------------------------------------------------------------------------


def at_once(desk: Desk, *answers: tuple[dict[str, Any], str, str, dict[str, Any]]) -> list[str]:
    """Let people answer in the same moment; return what each got: ``ok`` or an SQLSTATE."""
    results: list[str] = []
    barrier = threading.Barrier(len(answers))

    def answer(case: dict[str, Any], user: str, action: str, changed: dict[str, Any]) -> None:
        with desk.ledger.connect("web", autocommit=True) as web:
            barrier.wait(20)
            try:
                decide(web, case, user, action, **changed)
                results.append("ok")
            except psycopg.Error as error:
                results.append(error.sqlstate or str(error))

    threads = [threading.Thread(target=answer, args=one) for one in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(results)


@pytest.mark.parametrize("_", range(4))
def test_of_two_people_at_once_one_wins(desk: Desk, _: int) -> None:
    case = desk.case("PRICE")
    assert at_once(desk, (case, "buyer", "accept", {}), (case, "manager", "reject", {})) == ["BO409", "ok"]
    assert desk.traces()[0] == 1


@pytest.mark.parametrize("_", range(4))
def test_one_request_sent_twice_at_once_is_one_answer(desk: Desk, _: int) -> None:
    case = desk.case("PRICE")
    assert at_once(desk, *[(case, "buyer", "accept", {"key": "k"})] * 3) == ["ok"] * 3
    assert desk.traces()[0] == 1


@pytest.mark.parametrize("_", range(4))
def test_one_key_for_two_cases_at_once_is_refused_once(desk: Desk, _: int) -> None:
    one, other = desk.case("PRICE"), desk.case("DUP_EXACT")
    assert at_once(
        desk, (one, "buyer", "accept", {"key": "k"}), (other, "clerk", "accept", {"key": "k"})
    ) == ["BO409", "ok"]


@pytest.mark.parametrize("_", range(4))
def test_two_first_answers_at_once_are_two_persons(desk: Desk, _: int) -> None:
    case = desk.case("Q-advert")
    assert at_once(desk, (case, "clerk", "discard", {}), (case, "clerk", "discard", {"key": "k"})) == [
        "BO403",
        "ok",
    ]
