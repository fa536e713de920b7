"""Listing, reading and answering cases over the REST API, against the ledger that decides."""

from __future__ import annotations

import itertools
import threading

import pytest
from fastapi.testclient import TestClient
from tests.web.books import HOSTILE, Books
from tests.web.test_every_route import TABLE

_keys = itertools.count(10_000_000)


def detail(client: TestClient, case_id: int) -> dict:
    response = client.get(f"/api/v1/cases/{case_id}")
    assert response.status_code == 200, response.text
    return response.json()


def answer(
    client: TestClient, case_id: int, action: str, code: str, *, key: str | None = None, **changes: str
):
    body = {
        "action": action,
        "reason_code": code,
        "reason": "checked with the warehouse",
        "evidence_hash": changes.pop("evidence_hash", None) or detail(client, case_id)["evidence_hash"],
        **changes,
    }
    return client.post(
        f"/api/v1/cases/{case_id}/answers",
        json=body,
        headers={"Idempotency-Key": key or f"key-{next(_keys)}"},
    )


def listed(client: TestClient, **query: object) -> list[int]:
    response = client.get("/api/v1/cases", params=query)
    assert response.status_code == 200, response.text
    return [case["case_id"] for case in response.json()["cases"]]


# -- listing -----------------------------------------------------------------------------------------------


def test_open_cases_come_by_when_they_are_due_then_by_number(look, standing_books):
    assert listed(look("clerk")) == [
        standing_books.received,
        standing_books.price,
        standing_books.duplicate,
        standing_books.large,
        standing_books.own_order,
        standing_books.quarantined,
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"role": "buyer"}, {"price", "own_order"}),
        ({"code": "DUP_LIKELY"}, {"large"}),
        ({"code": "QUARANTINE"}, {"quarantined"}),
        ({"q": "nordwind"}, {"price", "received", "large", "own_order"}),
        ({"q": "RE-1002"}, {"received"}),
        ({"q": "4500000102"}, {"own_order"}),
        ({"q": "100%"}, set()),
        ({"q": "RE_1002"}, set()),
        ({"q": "' OR 1=1 --"}, set()),
        ({"q": HOSTILE}, {"duplicate"}),
        ({"state": "settled"}, set()),
        ({"state": "all", "role": "receiver"}, {"received"}),
    ],
)
def test_filters(query, names, look, standing_books):
    assert set(listed(look("clerk"), **query)) == {getattr(standing_books, name) for name in names}


def test_a_case_is_found_by_its_number(look, standing_books):
    assert standing_books.large in listed(look("clerk"), q=str(standing_books.large))


@pytest.mark.parametrize(
    ("user", "names"),
    [
        ("clerk", {"duplicate", "large", "quarantined"}),
        ("buyer", {"price", "received", "own_order"}),
        ("manager", {"price", "received", "own_order", "duplicate", "large", "quarantined"}),
        ("admin", set()),
    ],
)
def test_mine_is_what_names_me_or_my_role(user, names, look, standing_books):
    assert set(listed(look(user), mine=True)) == {getattr(standing_books, name) for name in names}


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 6, 200])
def test_paging_shows_every_case_once(limit, look, standing_books):
    client, seen, address = look("clerk"), [], f"/api/v1/cases?limit={limit}"
    while address:
        page = client.get(address).json()
        assert len(page["cases"]) <= limit
        seen += [case["case_id"] for case in page["cases"]]
        address = page["next"]
    assert seen == listed(client)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"state": "approved"}, "state"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "WyIyMDI2LTEzLTAxIiwgMV0"}, "cursor"),
        ({"q": "x" * 101}, "q"),
        ({"q": "\x00"}, "q"),
    ],
)
def test_a_wrong_query_names_its_field(query, field, look, standing_books):
    response = look("clerk").get("/api/v1/cases", params=query)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in response.json()["errors"]] == [field]


# -- one case ----------------------------------------------------------------------------------------------


def test_a_case_tells_what_happened_in_a_sentence(look, standing_books):
    case = detail(look("buyer"), standing_books.price)
    assert [hold["sentence"] for hold in case["holds"]] == [
        "Billed 1,100.00 for 100 pcs; at the order price of 10.00 that is 1,000.00: 100.00 EUR above "
        "(allowed: 20.00 EUR: at most 2 %, and never more than 50.00 EUR)."
    ]
    assert case["amount"] == "1320.00", "amounts are text"
    assert case["candidate"] == "Ben Buyer"
    assert len(case["evidence_hash"]) == 64


@pytest.mark.parametrize("case_id", [0, -1, 999_999, 2**63])
def test_a_case_that_is_not_there(case_id, look, standing_books):
    assert look("clerk").get(f"/api/v1/cases/{case_id}").status_code in (404, 422)


@pytest.mark.parametrize(
    ("user", "name", "why_not"),
    [
        ("buyer", "price", None),
        ("clerk", "price", "This is for the role 'Buyer', which you do not have."),
        ("clerk", "large", "90,000.00 EUR is above your limit of 25,000.00 EUR."),
        ("manager", "large", None),
        (
            "manager",
            "own_order",
            "You created an order of this invoice, or nobody knows who did; somebody else has to decide.",
        ),
        ("buyer", "own_order", None),
        ("admin", "quarantined", "This is for the role 'Accounts payable clerk', which you do not have."),
        ("clerk", "quarantined", None),
    ],
)
def test_what_may_be_done_and_why_not(user, name, why_not, look, standing_books):
    actions = detail(look(user), getattr(standing_books, name))["actions"]
    assert actions
    assert {action["why_not"] for action in actions} == {why_not}
    assert {action["allowed"] for action in actions} == {why_not is None}


@pytest.mark.parametrize("user", ["clerk", "buyer", "manager", "admin"])
@pytest.mark.parametrize("name", ["price", "received", "duplicate", "large", "own_order", "quarantined"])
def test_what_is_shown_as_allowed_is_what_the_ledger_allows(user, name, login, books):
    client, case_id = login(user), getattr(books, name)
    offered = detail(client, case_id)["actions"][-1]
    response = answer(client, case_id, offered["action"], offered["reason_codes"][0])
    assert response.status_code == (201 if offered["allowed"] else 403), response.text


# -- answering ---------------------------------------------------------------------------------------------


def test_an_answer_is_recorded_with_person_reason_and_decision(login, books, ledger):
    response = answer(login("buyer"), books.price, "accept", "agreed_with_supplier")
    assert response.status_code == 201
    taken = response.json()
    assert (taken["case_id"], taken["state"], taken["final"]) == (books.price, "decided", True)
    assert "booked" in taken["next"]
    with ledger.connect("admin") as connection:
        row = connection.execute(
            "SELECT a.person_id, a.principal, a.reason, d.maker, d.outcome FROM review.answer a JOIN ledger.decision d USING (decision_id)"
        ).fetchone()
    assert row == ("p-buyer", "airflow:buyer", "checked with the warehouse", "human", "accept")
    shown = detail(login("clerk"), books.price)
    assert shown["state"] == "decided"
    assert shown["answers"][0]["person"] == "Ben Buyer"
    assert shown["actions"][0]["why_not"] == "The case is decided; there is nothing left to decide."


def test_the_same_answer_again_is_the_same_answer(login, books, ledger):
    client = login("buyer")
    evidence = detail(client, books.price)["evidence_hash"]
    first = answer(client, books.price, "accept", "approved", key="same-key-1", evidence_hash=evidence)
    again = answer(client, books.price, "accept", "approved", key="same-key-1", evidence_hash=evidence)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    other = answer(client, books.price, "reject", "wrong_price", key="same-key-1", evidence_hash=evidence)
    assert other.status_code == 409
    with ledger.connect("admin") as connection:
        assert connection.execute("SELECT count(*) FROM review.answer").fetchone() == (1,)


def test_an_answer_on_other_facts_is_refused(look, standing_books, standing_ledger):
    response = answer(look("buyer"), standing_books.price, "accept", "approved", evidence_hash="ab" * 32)
    assert response.status_code == 409
    assert "changed" in response.json()["detail"]


def test_a_decided_case_is_not_decided_again(login, books):
    assert answer(login("buyer"), books.price, "accept", "approved").status_code == 201
    response = answer(login("manager"), books.price, "reject", "wrong_price")
    assert response.status_code == 409
    assert "nothing to decide" in response.json()["detail"]


def test_two_persons_are_two_persons(login, books):
    first = answer(login("clerk"), books.quarantined, "discard", "advertising")
    assert (first.status_code, first.json()["state"], first.json()["final"]) == (201, "half_decided", False)
    assert "second person" in first.json()["next"]
    same = answer(login("clerk"), books.quarantined, "discard", "advertising")
    assert same.status_code == 403
    assert detail(login("clerk"), books.quarantined)["actions"][0]["why_not"].startswith("You gave the first")
    assert books.quarantined in listed(login("clerk")), "it still waits for somebody"
    second = answer(login("manager"), books.quarantined, "discard", "advertising")
    assert (second.status_code, second.json()["state"], second.json()["final"]) == (201, "decided", True)


def test_two_at_once_give_one_answer(login, books, ledger):
    clients = [login("buyer"), login("manager")]
    evidence = detail(clients[0], books.price)["evidence_hash"]
    statuses, start = [], threading.Barrier(2)

    def race(client: TestClient) -> None:
        start.wait()
        statuses.append(answer(client, books.price, "accept", "approved", evidence_hash=evidence).status_code)

    threads = [threading.Thread(target=race, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409]
    with ledger.connect("admin") as connection:
        assert connection.execute("SELECT count(*) FROM review.answer").fetchone() == (1,)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"action": "approve"}, "action"),
        ({"action": "discard"}, "action"),
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 2001}, "reason"),
        ({"reason": "a\x00b"}, "reason"),
        ({"reason_code": "because"}, "reason_code"),
        ({"reason_code": "drop table;"}, "reason_code"),
        ({"evidence_hash": "zz"}, "evidence_hash"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_stored(changes, field, look, standing_books, standing_ledger):
    body = {"action": "accept", "code": "approved", **changes}
    response = answer(
        look("buyer"),
        standing_books.price,
        body.pop("action"),
        body.pop("reason_code", body.pop("code")),
        **body,
    )
    assert response.status_code == 422
    assert field in [error["field"] for error in response.json()["errors"]]
    with standing_ledger.connect("admin") as connection:
        assert connection.execute("SELECT count(*) FROM review.answer").fetchone() == (0,)


def test_an_answer_needs_an_idempotency_key(look, standing_books):
    body = {"action": "accept", "reason_code": "approved", "reason": "as agreed", "evidence_hash": "00" * 32}
    response = look("buyer").post(f"/api/v1/cases/{standing_books.price}/answers", json=body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["idempotency-key"]


def test_unknown_fields_and_no_json_are_refused(look, standing_books):
    address, key = f"/api/v1/cases/{standing_books.price}/answers", {"Idempotency-Key": "0123456789"}
    body = {
        "action": "accept",
        "reason_code": "approved",
        "reason": "as agreed",
        "evidence_hash": "00" * 32,
        "person": "p-manager",
    }
    assert look("buyer").post(address, json=body, headers=key).status_code == 422
    assert look("buyer").post(address, content=b"{", headers=key).status_code == 422


def test_a_person_who_left_may_nothing(login, books, ledger):
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.person SET active = false WHERE person_id = 'p-buyer'")
    response = login("buyer").get("/api/v1/cases")
    assert response.status_code == 403
    assert "“buyer”" in response.json()["detail"], "it says which log-in to ask for"


def test_the_run_and_its_report(look, standing_books):
    runs = look("clerk").get("/api/v1/runs").json()["runs"]
    assert [(run["run_id"], run["open_cases"]) for run in runs] == [(standing_books.run_id, 6)]
    report = (
        look("clerk")
        .get(f"/api/v1/runs/{standing_books.dag_id}/{standing_books.airflow_run_id}/report")
        .json()
    )
    assert report["run"]["synthetic"] is True
    assert report["open_cases_now"] == 6
    assert look("clerk").get(f"/api/v1/runs/{standing_books.dag_id}/unknown/report").status_code == 404


def test_runs_are_paged_and_hidden_from_who_may_not_see_them(login, books: Books, ledger):
    with ledger.connect("app") as connection:
        for number in range(3):
            connection.execute(
                "SELECT ops.open_run('invoice_reconciliation', %s, %s, false, '{}', '0.1.0')",
                (books.dag_id, f"run {number}"),
            )
    client, seen, address = login("clerk"), [], "/api/v1/runs?limit=2"
    while address:
        page = client.get(address).json()
        seen += [run["run_id"] for run in page["runs"]]
        address = page["next"]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 4
    assert login("nobody").get("/api/v1/runs").json() == {"runs": [], "next": None}
    unreported = login("clerk").get(f"/api/v1/runs/{books.dag_id}/run 1/report")
    assert unreported.status_code == 404
    assert "not written its report" in unreported.json()["detail"]


def test_the_api_describes_itself(look, standing_books):
    described = look("clerk").get("/api/v1/openapi.json").json()
    known = {expected.route for expected in TABLE if expected.route.startswith("/api/")}
    assert set(described["paths"]) == known - {"/api/v1/openapi.json"}
    answers = described["paths"]["/api/v1/cases/{case_id}/answers"]["post"]["responses"]
    assert {"201", "401", "403", "404", "409", "422", "503"} <= set(answers)
