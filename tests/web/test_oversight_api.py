"""Measuring single persons over the REST API and on the page: two officers switch it on, one alone ends it."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.conftest import BUSINESS_DATE
from tests.web.books import HOSTILE

_keys = itertools.count(40_000_000)
MEASURES = "/api/v1/oversight/measures"
UNTIL = (BUSINESS_DATE + timedelta(days=30)).isoformat()
ASK = {"until": UNTIL, "reason": "the works council agreed"}


def post(
    client: TestClient, address: str, body: dict[str, Any], *, key: str | None = None, status: int = 201
) -> Any:
    headers = {"Idempotency-Key": key or f"key-{next(_keys)}"}
    response = client.post(address, json=body, headers=headers)
    assert response.status_code == status, response.text
    return response.json()


def say(
    client: TestClient,
    asked: dict[str, Any],
    answer: str,
    *,
    reason: str = "looked at it",
    key: str | None = None,
    status: int = 201,
) -> Any:
    address = f"{MEASURES}/{asked['measure_id']}/answers"
    return post(client, address, {"answer": answer, "reason": reason}, key=key, status=status)


def measured(client: TestClient) -> str | None:
    until: str | None = client.get(MEASURES).json()["measured_until"]
    return until


def test_two_officers_switch_it_on_and_one_alone_ends_it(books, login, ledger) -> None:
    manager, admin, clerk = login("manager"), login("admin"), login("clerk")
    asked = post(manager, MEASURES, ASK)
    assert (asked["state"], asked["next"].startswith("Nobody is measured yet")) == ("asked", True)
    assert clerk.get(MEASURES).json()["measures"] == [], "what is only asked for concerns nobody yet"
    offered = {
        one["answer"]: one["why_not"] for one in manager.get(MEASURES).json()["measures"][0]["offered"]
    }
    assert offered["approve"] == "Max Manager asked for it; another person must approve."
    assert (offered["decline"], offered["end"]) == (
        None,
        f"Request {asked['measure_id']} is not in force.",
    )
    assert "another person must approve" in say(manager, asked, "approve", status=403)["detail"]
    assert measured(clerk) is None
    assert say(admin, asked, "approve")["state"] == "in_force"
    assert [measured(login(user)) for user in ("clerk", "buyer", "manager")] == [UNTIL] * 3
    [shown] = clerk.get(MEASURES).json()["measures"]
    assert (shown["requested_by"], shown["answered_by"]) == ("Max Manager", "Ada Admin")
    assert [one["allowed"] for one in shown["offered"]] == [False] * 3
    with ledger.connect("web") as web:
        assert web.execute("SELECT review.persons_are_measured()").fetchone() == (True,)
    say(admin, asked, "approve", status=409)
    assert say(manager, asked, "end", reason="it is over")["state"] == "ended"
    assert measured(clerk) is None
    [shown] = manager.get(MEASURES).json()["measures"]
    assert (shown["state"], shown["ended_by"], shown["end_reason"]) == ("ended", "Max Manager", "it is over")


def test_the_same_key_is_the_same_act(books, login) -> None:
    manager, admin = login("manager"), login("admin")
    asked = post(manager, MEASURES, ASK, key="key-ask-00001")
    assert post(manager, MEASURES, ASK, key="key-ask-00001") == asked
    post(manager, MEASURES, {**ASK, "reason": "another"}, key="key-ask-00001", status=409)
    for answer, state in (("approve", "in_force"), ("end", "ended")):
        key = f"key-{answer}-00001"
        assert say(admin, asked, answer, key=key)["state"] == state
        assert say(admin, asked, answer, key=key)["state"] == state
        say(admin, asked, answer, reason="other words", key=key, status=409)
    other = post(manager, MEASURES, ASK)
    say(admin, other, "approve", key="key-end-00001", status=409)


def test_one_request_waits_at_a_time_and_one_whose_day_has_passed_waits_no_more(books, login, ledger) -> None:
    manager, admin = login("manager"), login("admin")
    asked = post(manager, MEASURES, ASK)
    post(admin, MEASURES, ASK, status=409)
    with ledger.connect("admin") as owner:
        owner.execute("UPDATE ops.simulated_clock SET business_date = business_date + 31")
    assert "last day" in say(admin, asked, "approve", status=409)["detail"]
    later = {**ASK, "until": (BUSINESS_DATE + timedelta(days=60)).isoformat()}
    again = post(admin, MEASURES, later)
    assert say(manager, again, "approve")["state"] == "in_force"
    with ledger.connect("admin") as owner:
        owner.execute("UPDATE ops.simulated_clock SET business_date = business_date + 31")
    assert measured(login("clerk")) is None
    say(manager, again, "end", status=409)


def test_who_asked_may_decline_it(books, login) -> None:
    asked = post(login("manager"), MEASURES, ASK)
    assert say(login("manager"), asked, "decline")["state"] == "declined"
    say(login("admin"), asked, "approve", status=409)


@pytest.mark.parametrize("user", ["clerk", "buyer"])
def test_another_role_does_nothing(books, login, user) -> None:
    asked = post(login("manager"), MEASURES, ASK)
    assert "data protection officer" in post(login(user), MEASURES, ASK, status=403)["detail"]
    for answer in ("approve", "decline", "end"):
        say(login(user), asked, answer, status=403)
    page = login(user).get("/authority").text
    assert "switched off" in page
    assert "measure-form" not in page


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**ASK, "until": "2026-11-19"}, "until"),
        ({**ASK, "until": "2028-01-01"}, "until"),
        ({**ASK, "until": None}, "until"),
        ({**ASK, "until": "soon"}, "until"),
        ({**ASK, "reason": "  "}, "reason"),
        ({**ASK, "reason": "nul \x00 inside"}, "reason"),
        ({**ASK, "more": 1}, "more"),
    ],
)
def test_what_is_malformed_is_422_at_its_field(books, login, body, field) -> None:
    told = post(login("manager"), MEASURES, body, status=422)
    assert field in [error["field"] for error in told["errors"]]
    asked = post(login("manager"), MEASURES, ASK)
    say(login("admin"), asked, "perhaps", status=422)
    say(login("admin"), {"measure_id": 999999}, "approve", status=404)


def test_the_page_offers_what_each_may_do_and_escapes_what_they_said(books, login) -> None:
    manager, admin, clerk = login("manager"), login("admin"), login("clerk")
    assert "Ask to measure single persons" in manager.get("/authority").text
    asked = post(manager, MEASURES, {**ASK, "reason": HOSTILE})
    own, others = manager.get("/authority").text, admin.get("/authority").text
    assert "another person must approve" in own
    assert 'value="approve">Approve' not in own
    assert 'value="approve">Approve' in others
    assert HOSTILE not in own + others
    say(admin, asked, "approve", reason=HOSTILE)
    page = clerk.get("/authority").text
    assert "switched on" in page
    assert HOSTILE not in page
    assert "Switch off" in manager.get("/authority").text
    assert "Switch off" not in page
