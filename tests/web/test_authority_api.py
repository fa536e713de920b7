"""Who may do what, over the REST API and on its pages: who sees it, and how two people change it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from fastapi.testclient import TestClient
from lxml import html
from tests.conftest import BUSINESS_DATE
from tests.web.books import HOSTILE, Books

_keys = itertools.count(20_000_000)
CHANGES = "/api/v1/authority/changes"
MORE = {"person_id": "p-clerk", "role": "buyer", "amount_limit": "5000.00", "currency": "EUR"}


def post(client: TestClient, address: str, *, key: str | None = None, **body: object):
    return client.post(address, json=body, headers={"Idempotency-Key": key or f"key-{next(_keys)}"})


def propose(client: TestClient, kind: str, act: str, row: dict[str, Any], **changed: object):
    return post(client, CHANGES, **{"kind": kind, "act": act, "row": row, "reason": "as agreed", **changed})


def answer(client: TestClient, told: dict[str, Any], which: str = "approve", **changed: object):
    body = {"reason": "looked at it", **changed}
    if which == "approve":
        body.setdefault("shown_sha256", told["shown_sha256"])
    return post(client, f"{CHANGES}/{told['change_id']}/{which}", **body)


def carry(login, kind: str, act: str, row: dict[str, Any]) -> None:
    proposed = propose(login("admin"), kind, act, row)
    assert proposed.status_code == 201, proposed.text
    assert answer(login("manager"), proposed.json()).status_code == 200


def give_answer(client: TestClient, case_id: int, action: str = "accept", reason_code: str = "approved"):
    evidence = client.get(f"/api/v1/cases/{case_id}").json()["evidence_hash"]
    return post(
        client,
        f"/api/v1/cases/{case_id}/answers",
        action=action,
        reason_code=reason_code,
        reason="looked at it",
        evidence_hash=evidence,
    )


def test_two_people_give_an_authority(login, books: Books) -> None:
    told = propose(login("admin"), "authority", "add", MORE).json()
    assert told["next"].startswith("Nothing changes yet")
    assert give_answer(login("clerk"), books.price).status_code == 403
    assert "another person" in answer(login("admin"), told).json()["detail"]
    shown = login("manager").get(f"{CHANGES}/{told['change_id']}").json()
    assert {one["field"]: one["after"] for one in shown["fields"]}["amount_limit"] == "5000.00"
    people = shown["impact"]["after"]["people"]["p-clerk"], shown["impact"]["before"]["people"]["p-clerk"]
    assert people[0]["accept"] > people[1]["accept"]
    assert [one["allowed"] for one in shown["offered"]] == [True, True, False]
    assert answer(login("manager"), told).json()["state"] == "approved"
    assert give_answer(login("clerk"), books.price).status_code == 201


def test_errors_stand_at_their_field(login) -> None:
    refused = propose(login("admin"), "authority", "add", {**MORE, "amount_limit": "abc", "role": ""})
    assert refused.status_code == 422
    assert {error["field"] for error in refused.json()["errors"]} == {"row.amount_limit", "row.role"}
    assert propose(login("admin"), "authority", "add", {**MORE, "color": "red"}).status_code == 422
    assert propose(login("admin"), "nonsense", "add", MORE).status_code == 422
    assert propose(login("admin"), "authority", "add", MORE, reason="").status_code == 422
    assert login("admin").get(CHANGES).json() == {"changes": []}


WRONG: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("authority", {}, {"row.person_id": "Choose a person.", "row.role": "Choose a role."}),
    ("authority", {"person_id": "p-clerk", "role": "buyer"}, {"row.amount_limit": "Say up to which amount.", "row.currency": "Choose a currency."}),
    (
        "authority",
        {**MORE, "amount_limit": "12,50", "currency": "euro", "effective_from": "soon"},
        {
            "row.amount_limit": "A number is needed, with a point before the decimals and no currency.",
            "row.currency": "Three capital letters are needed, such as EUR.",
            "row.effective_from": "A day is needed, such as 2026-11-30.",
        },
    ),
    ("authority", {**MORE, "amount_limit": "-1"}, {"row.amount_limit": "This is too small; 0 is the least."}),
    ("quorum_rule", {"name": "n", "persons": 21}, {"row.persons": "This is too large; 20 is the most."}),
    ("quorum_rule", {"persons": 2, "action": "eat"}, {"row.name": "Give it a name.", "row.action": "Choose one of accept, reject, ask_again, read_again, discard."}),
    ("substitute", {"person_id": "p-clerk", "to_day": "2026-11-30"}, {"row.substitute_id": "Choose who stands in."}),
    ("absence", {"person_id": "p-clerk"}, {"row.to_day": "Choose the last day."}),
    ("person", {"person_id": "p-new"}, {"row.name": "Give it a name."}),
    ("duty_rule", {}, {"row.duty": "Choose a part in the document."}),
    ("batch_rule", {"role": "controller"}, {"row.amount_above": "Say from which total on.", "row.currency": "Choose a currency."}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "row", "told"), WRONG)
def test_what_is_wrong_is_said_in_words(login, kind: str, row: dict[str, Any], told: dict[str, str]) -> None:
    refused = propose(login("admin"), kind, "add", row)
    assert refused.status_code == 422
    assert {error["field"]: error["message"] for error in refused.json()["errors"]} == told


def test_why_is_asked_for_in_words(login) -> None:
    for reason in ("", "  ", "no"):
        [error] = propose(login("admin"), "authority", "add", MORE, reason=reason).json()["errors"]
        assert error == {"field": "reason", "message": "Say why, in at least 3 letters."}
    body = {"kind": "authority", "act": "add", "row": MORE}
    [error] = post(login("admin"), CHANGES, **body).json()["errors"]
    assert error == {"field": "reason", "message": "Say why."}


def test_two_people_switch_on_that_batches_are_signed_for(login) -> None:
    rule = {"amount_above": "50000.00", "currency": "EUR", "role": "controller"}
    carry(login, "batch_rule", "add", rule)
    [found] = login("manager").get("/api/v1/authority").json()["batch_rules"]
    assert found == {
        "item_kind": "posting",
        "process": "*",
        "entity": "*",
        "amount_above": "50000.00",
        "currency": "EUR",
        "role": "controller",
    }
    text = " ".join(html.fromstring(login("admin").get("/authority").text).text_content().split())
    assert "50,000.00 EUR" in text
    assert "Batches to be signed for" in text
    carry(login, "batch_rule", "remove", {})
    assert login("manager").get("/api/v1/authority").json()["batch_rules"] == []


@pytest.mark.parametrize("user", ["clerk", "buyer"])
def test_others_see_themselves_alone(login, user: str) -> None:
    propose(login("admin"), "authority", "add", {**MORE, "person_id": "p-anna-brandt"})
    found = login(user).get("/api/v1/authority").json()
    assert {one["person_id"] for one in found["authority"]} == {f"p-{user}"}
    assert [one["person_id"] for one in found["people"]] == [f"p-{user}"]
    assert login(user).get(CHANGES).json() == {"changes": []}
    assert propose(login(user), "authority", "add", MORE).status_code == 403
    assert "Propose" not in login(user).get("/authority").text


def test_an_own_absence_counts_at_once(login, books: Books) -> None:
    until = BUSINESS_DATE.replace(day=30).isoformat()
    row = {"person_id": "p-buyer", "substitute_id": "p-clerk", "to_day": until}
    assert propose(login("buyer"), "substitute", "add", row).json()["alone"] is True
    assert give_answer(login("clerk"), books.price).status_code == 403
    away = propose(login("buyer"), "absence", "add", {"person_id": "p-buyer", "to_day": until})
    assert away.json()["state"] == "approved"
    [action] = [
        one
        for one in login("clerk").get(f"/api/v1/cases/{books.price}").json()["actions"]
        if one["action"] == "accept"
    ]
    assert (action["allowed"], action["on_behalf_of"], action["persons_needed"]) == (True, "Ben Buyer", 1)
    told = give_answer(login("clerk"), books.price).json()
    assert (told["person"], told["on_behalf_of"]) == ("Clara Clerk", "Ben Buyer")
    assert "on behalf of" in login("clerk").get(f"/cases/{books.price}").text


def test_three_people_over_the_api(login, ledger, books: Books) -> None:
    """The same person by another log-in is refused; what is missing is said."""
    with ledger.connect("admin") as owner:
        owner.execute("INSERT INTO review.identity VALUES ('airflow', 'nobody', 'p-buyer')")
    carry(login, "authority", "add", MORE)
    carry(login, "quorum_rule", "add", {"name": "three", "persons": 3, "code": "PRICE"})
    assert "2 more people" in give_answer(login("buyer"), books.price).json()["next"]
    assert give_answer(login("buyer"), books.price).status_code == 403
    assert give_answer(login("nobody"), books.price).status_code == 403
    assert "second person" in give_answer(login("clerk"), books.price).json()["next"]
    assert give_answer(login("clerk"), books.price).status_code == 403
    assert "one of 3" in login("manager").get(f"/cases/{books.price}").text
    assert give_answer(login("manager"), books.price).json()["final"] is True


def test_a_role_that_is_missing_is_said(login, ledger, books: Books) -> None:
    carry(login, "authority", "add", MORE)
    rule = {"name": "a manager too", "persons": 2, "with_roles": ["ap_manager"]}
    carry(login, "quorum_rule", "add", rule)
    give_answer(login("buyer"), books.price)
    told = give_answer(login("clerk"), books.price).json()
    assert (told["final"], "a role that is asked for" in told["next"]) == (False, True)
    assert give_answer(login("manager"), books.price).json()["final"] is True


def test_the_pages_show_it_and_escape_what_people_wrote(login) -> None:
    told = propose(
        login("admin"), "person", "add", {"person_id": "p-x", "name": HOSTILE}, reason=HOSTILE
    ).json()
    for address in ("/authority", f"/authority/changes/{told['change_id']}"):
        page = login("manager").get(address)
        assert page.status_code == 200
        assert HOSTILE not in page.text
    assert answer(login("manager"), told).status_code == 200
    page = login("admin").get("/authority").text
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert login("clerk").get(f"/authority/changes/{told['change_id']}").status_code == 404


def test_the_same_request_again_is_the_same_change(login) -> None:
    body = {"kind": "authority", "act": "add", "row": MORE, "reason": "as agreed"}
    first, again = (post(login("admin"), CHANGES, key="key-same-0001", **body) for _ in range(2))
    assert (first.status_code, again.json()) == (201, first.json())
    other = post(login("admin"), CHANGES, key="key-same-0001", **{**body, "act": "remove"})
    assert other.status_code == 409
