"""Erasing, holding and purging over the REST API: two persons, the right ones, once, and said why not."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.conftest import Ledger
from tests.web.test_cases_api import answer

_keys = itertools.count(30_000_000)
ERASE = {"act": "erase_person", "person_id": "p-clerk", "basis": "objection", "reason": "asked by letter"}
HOLD = {"scope_kind": "class", "scope": "human_act", "reason": "litigation 7/26"}
PURGE = {
    "act": "purge_records",
    "record_class": "api_call",
    "before": "2020-01-01",
    "reason": "the year is over",
}


def post(
    client: TestClient, path: str, body: dict[str, Any], *, key: str | None = None, status: int = 201
) -> Any:
    headers = {"Idempotency-Key": key or f"key-{next(_keys)}"}
    response = client.post(f"/api/v1/privacy/{path}", json=body, headers=headers)
    assert response.status_code == status, response.text
    if status >= 400:
        assert response.headers["content-type"] == "application/problem+json"
    return response.json()


def get(client: TestClient, path: str) -> Any:
    response = client.get(f"/api/v1/privacy/{path}")
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
def gone(ledger: Ledger, books) -> None:
    """The clerk has left long ago."""
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.person SET active = false WHERE person_id = 'p-clerk'")
        connection.execute("UPDATE ops.simulated_clock SET business_date = %s", (date(2040, 1, 1),))


def test_two_persons_erase_a_third(gone, login, ledger):
    manager, admin = login("manager"), login("admin")
    asked = post(manager, "requests", ERASE)
    assert asked["state"] == "open"
    path = f"requests/{asked['request_id']}/answers"
    refused = post(manager, path, {"answer": "approve", "reason": "myself"}, status=403)
    assert "another person" in refused["detail"]
    done = post(admin, path, {"answer": "approve", "reason": "checked"})
    assert done["state"] == "carried_out"
    assert done["result"]["cleared"]["review.person.name"] == 1
    post(admin, path, {"answer": "approve", "reason": "checked"}, status=409)
    (listed,) = get(admin, "requests")["requests"]
    assert (listed["state"], listed["requested_by"], listed["answered_by"], listed["reason"]) == ("carried_out", "Max Manager", "Ada Admin", "erased")  # fmt: skip
    assert get(admin, "requests?state=open") == {"requests": []}
    with ledger.connect("auditor") as auditor:
        assert auditor.execute("SELECT count(*) FROM audit.record WHERE kind = 'erasure'").fetchone() == (1,)


def test_refused_with_class_day_and_ground_while_a_duty_runs(books, login, ledger):
    answer(login("clerk"), books.duplicate, "reject", "duplicate")
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.person SET active = false WHERE person_id = 'p-clerk'")
    detail = post(login("manager"), "requests", ERASE, status=409)["detail"]
    assert "class human_act until 2036-12-31 (approves an entry of the books" in detail


def test_a_hold_stands_at_once_and_two_persons_lift_it(books, login):
    manager, admin = login("manager"), login("admin")
    hold = post(manager, "holds", HOLD)["hold_id"]
    (shown,) = get(admin, "holds")["holds"]
    assert (shown["hold_id"], shown["scope"], shown["placed_by"], shown["lifted_at"]) == (hold, "human_act", "Max Manager", None)  # fmt: skip
    asked = post(admin, "requests", {"act": "lift_hold", "hold_id": hold, "reason": "settled out of court"})
    path = f"requests/{asked['request_id']}/answers"
    post(admin, path, {"answer": "approve", "reason": "myself"}, status=403)
    assert post(manager, path, {"answer": "approve", "reason": "agreed"})["result"] == {"hold_id": hold}
    assert get(admin, "holds") == {"holds": []}
    assert get(admin, "holds?lifted=true")["holds"][0]["lifted_by_request"] == asked["request_id"]
    post(admin, "requests", {"act": "lift_hold", "hold_id": hold, "reason": "once more"}, status=404)


def test_a_request_is_declined_and_does_nothing(gone, login):
    asked = post(login("manager"), "requests", ERASE)
    path = f"requests/{asked['request_id']}/answers"
    assert (
        post(login("admin"), path, {"answer": "decline", "reason": "not proven who asks"})["result"] is None
    )
    assert get(login("admin"), "requests")["requests"][0]["state"] == "declined"


def test_nothing_to_purge_is_said(books, login):
    asked = post(login("manager"), "requests", PURGE)
    path = f"requests/{asked['request_id']}/answers"
    assert (
        "nothing to purge"
        in post(login("admin"), path, {"answer": "approve", "reason": "checked"}, status=409)["detail"]
    )


def test_the_same_key_is_the_same_act(gone, login):
    manager = login("manager")
    assert post(manager, "requests", ERASE, key="key-once-1") == post(
        manager, "requests", ERASE, key="key-once-1"
    )
    post(manager, "requests", {**ERASE, "basis": "unlawful"}, key="key-once-1", status=409)
    assert post(manager, "holds", HOLD, key="key-once-2") == post(manager, "holds", HOLD, key="key-once-2")
    post(manager, "holds", {**HOLD, "scope": "policy"}, key="key-once-2", status=409)
    assert len(get(manager, "holds")["holds"]) == 1


@pytest.mark.parametrize("user", ["clerk", "buyer"])
def test_another_role_sees_and_does_nothing(books, login, user):
    client = login(user)
    for path in ("retention", "holds", "requests"):
        assert client.get(f"/api/v1/privacy/{path}").status_code == 403
    for path, body in (
        ("holds", HOLD),
        ("requests", PURGE),
        ("requests/1/answers", {"answer": "decline", "reason": "because"}),
    ):
        assert "data protection officer" in post(client, path, body, status=403)["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("holds", {**HOLD, "scope_kind": "planet"}),
        ("holds", {**HOLD, "scope": "nonsense"}),
        ("holds", {**HOLD, "scope": "a\x00b"}),
        ("holds", {**HOLD, "reason": "no"}),
        ("holds", {**HOLD, "reason": "nul \x00 inside"}),
        ("holds", {**HOLD, "more": 1}),
        ("requests", {**PURGE, "before": "yesterday"}),
        ("requests", {**PURGE, "person_id": "p-clerk"}),
        ("requests", {**PURGE, "record_class": "log"}),
        ("requests", {**PURGE, "record_class": "nonsense"}),
        ("requests", {"act": "lift_hold", "hold_id": 0, "reason": "there is none"}),
        ("requests", {"act": "lift_hold", "reason": "which one"}),
        ("requests", {**ERASE, "basis": "because"}),
        ("requests", {**ERASE, "basis": None}),
        ("requests/1/answers", {"answer": "maybe", "reason": "not sure"}),
        ("requests/0/answers", {"answer": "approve", "reason": "checked"}),
    ],
)
def test_what_is_malformed_is_422(gone, login, path, body):
    post(login("manager"), path, body, status=422)


def test_what_is_not_there_is_404(gone, login):
    post(login("manager"), "requests", {**ERASE, "person_id": "p-unknown"}, status=404)
    post(login("manager"), "requests/99/answers", {"answer": "approve", "reason": "checked"}, status=404)


def test_how_long_what_is_kept(books, login):
    classes = {row["record_class"]: row["years"] for row in get(login("admin"), "retention")["classes"]}
    assert classes["accounting"] == 10
    assert classes["log"] is None
