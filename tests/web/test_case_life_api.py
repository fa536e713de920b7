"""Claiming, handing on, asking, saying and attaching over the REST API, against the ledger that decides."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.web.books import HOSTILE

from backoffice.web.guard import MOST_FILE_BYTES

_keys = itertools.count(20_000_000)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\nan offer"


def act(
    client: TestClient, case_id: int, name: str, body: dict[str, Any] | None = None, key: str | None = None
) -> Any:
    return client.post(
        f"/api/v1/cases/{case_id}/{name}", json=body, headers={"Idempotency-Key": key or f"key-{next(_keys)}"}
    )


def attach(client: TestClient, case_id: int, filename: str, content: bytes) -> Any:
    return client.post(
        f"/api/v1/cases/{case_id}/attachments",
        params={"filename": filename},
        content=content,
        headers={"Idempotency-Key": f"key-{next(_keys)}", "Content-Type": "application/octet-stream"},
    )


def life(client: TestClient, case_id: int) -> dict[str, Any]:
    response = client.get(f"/api/v1/cases/{case_id}/life")
    assert response.status_code == 200, response.text
    return response.json()


def test_one_claims_and_the_other_is_told(login, books):
    clerk, manager = login("clerk"), login("manager")
    taken = act(clerk, books.duplicate, "claim")
    assert taken.status_code == 201
    assert (taken.json()["status"], taken.json()["claimed_by_name"]) == ("claimed", "Clara Clerk")
    refused = act(manager, books.duplicate, "claim")
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"].startswith("Clara Clerk has claimed case")
    detail = manager.get(f"/api/v1/cases/{books.duplicate}").json()
    decided = manager.post(
        f"/api/v1/cases/{books.duplicate}/answers",
        json={
            "action": "reject",
            "reason_code": "duplicate",
            "reason": "seen before",
            "evidence_hash": detail["evidence_hash"],
        },
        headers={"Idempotency-Key": "a-decision-of-the-manager"},
    )
    assert decided.status_code == 409
    assert "Clara Clerk" in decided.json()["detail"]
    assert act(clerk, books.duplicate, "release").json()["status"] == "open"
    assert [(a["act"], a["person"]) for a in life(manager, books.duplicate)["acts"]] == [
        ("claim", "Clara Clerk"),
        ("release", "Clara Clerk"),
    ]


def test_the_same_key_is_the_same_act(login, books):
    first = act(login("clerk"), books.duplicate, "comments", {"comment": "once"}, key="said-once")
    again = act(login("clerk"), books.duplicate, "comments", {"comment": "once"}, key="said-once")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (
        act(login("clerk"), books.duplicate, "comments", {"comment": "twice"}, key="said-once").status_code
        == 409
    )
    assert len(life(login("clerk"), books.duplicate)["acts"]) == 1


def test_hand_on_with_the_error_at_its_field(login, books):
    refused = act(login("clerk"), books.duplicate, "reassign", {"to_person": "p-buyer", "reason": "please"})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["to_person"]
    done = act(login("clerk"), books.duplicate, "reassign", {"to_person": "p-manager", "reason": "please"})
    assert done.json()["claimed_by_name"] == "Max Manager"
    assert (
        act(login("buyer"), books.duplicate, "reassign", {"to_person": "p-clerk", "reason": "x"}).status_code
        == 409
    )


def test_a_question_reaches_who_is_asked_and_its_answer_who_asked(login, books):
    manager, buyer = login("manager"), login("buyer")
    asked = act(manager, books.price, "questions", {"whom": "buyer", "question": "Agreed on 11?"})
    assert asked.json()["status"] == "waiting"
    assert life(manager, books.price)["waits_for"] == "Ben Buyer"
    [question] = buyer.get("/api/v1/questions").json()["questions"]
    assert (question["case_id"], question["question"], question["asked_by"]) == (
        books.price,
        "Agreed on 11?",
        "Max Manager",
    )
    assert manager.get("/api/v1/questions").json() == {"questions": []}
    told = act(buyer, books.price, "information", {"information": "Yes, on Monday"})
    assert (told.json()["status"], told.json()["claimed_by_name"]) == ("claimed", "Max Manager")
    assert buyer.get("/api/v1/questions").json() == {"questions": []}


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("questions", {"whom": "the pope", "question": "?"}, "whom"),
        ("questions", {"whom": "buyer", "question": "  "}, "question"),
        ("questions", {"whom": "buyer"}, "question"),
        ("information", {"information": ""}, "information"),
        ("comments", {"comment": "x" * 4001}, "comment"),
        ("comments", {"comment": "a\x00b"}, "comment"),
        ("comments", {"comment": "words", "more": "x"}, "more"),
        ("reassign", {"to_person": "p-buyer", "reason": ""}, "reason"),
        ("reassign", {"to_person": "' OR 1=1 --", "reason": "x"}, "to_person"),
        ("release", {"reason": "x" * 4001}, "reason"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(login, books, name, body, field):
    response = act(login("manager"), books.price, name, body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert life(login("manager"), books.price)["acts"] == []


def test_a_file_comes_back_byte_by_byte_and_only_as_a_download(login, books):
    hostile = f'../{HOSTILE}"; offer.pdf'
    assert attach(login("buyer"), books.price, hostile, PDF).status_code == 201
    [file] = life(login("clerk"), books.price)["attachments"]
    assert (file["media_type"], file["bytes"]) == ("application/pdf", len(PDF))
    response = login("clerk").get(file["href"])
    assert response.content == PDF
    headers = response.headers
    assert headers["content-type"] == "application/pdf"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"].startswith("attachment; filename=")
    for letter in ("<", "/", "\\"):
        assert letter not in headers["content-disposition"]
    assert (
        login("clerk").get(f"/api/v1/cases/{books.received}/attachments/{file['act_id']}").status_code == 404
    )


def test_what_is_not_taken(login, books):
    page = attach(login("buyer"), books.price, "offer.pdf", b"<html><script>alert(1)</script>")
    assert (page.status_code, [e["field"] for e in page.json()["errors"]]) == (422, ["file"])
    assert attach(login("buyer"), books.price, "empty.txt", b"").status_code == 422
    assert attach(login("buyer"), books.price, "n" * 256, PDF).status_code == 422
    over_setting = attach(login("buyer"), books.price, "big.txt", b"x" * (5 * 1024 * 1024 + 1))
    assert (over_setting.status_code, "at most" in over_setting.text) == (422, True)
    assert attach(login("buyer"), books.price, "big.txt", b"x" * (MOST_FILE_BYTES + 1)).status_code == 413
    large_words = login("buyer").post(
        f"/api/v1/cases/{books.price}/comments",
        content=b"x" * 70_000,
        headers={"Idempotency-Key": "a-large-comment"},
    )
    assert large_words.status_code == 413, "only a file may be larger than any other body"
    assert life(login("buyer"), books.price)["attachments"] == []


def test_a_swapped_file_is_not_given_out(login, books, ledger):
    act_id = attach(login("buyer"), books.price, "offer.pdf", PDF).json()["act_id"]
    with ledger.connect("admin") as connection:
        connection.execute("ALTER TABLE review.attachment DISABLE TRIGGER USER")
        connection.execute("UPDATE review.attachment SET content = 'x', sha256 = sha256('x'), bytes = 1")
    assert login("buyer").get(f"/api/v1/cases/{books.price}/attachments/{act_id}").status_code == 409


def test_nothing_of_it_is_for_who_may_not_see_the_case(login, books, ledger):
    act_id = attach(login("buyer"), books.price, "offer.pdf", PDF).json()["act_id"]
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.authority SET entity = '2000' WHERE person_id = 'p-clerk'")
    clerk = login("clerk")
    assert clerk.get(f"/api/v1/cases/{books.price}/life").status_code == 404
    assert clerk.get(f"/api/v1/cases/{books.price}/attachments/{act_id}").status_code == 404
    for name, body in (
        ("claim", None),
        ("comments", {"comment": "hello"}),
        ("questions", {"whom": "buyer", "question": "?"}),
    ):
        assert act(clerk, books.price, name, body).status_code == 404
    assert attach(clerk, books.price, "offer.pdf", PDF).status_code == 404


def test_the_page_shows_who_has_it_and_what_was_said_as_text(login, books):
    act(login("manager"), books.price, "claim")
    act(login("manager"), books.price, "questions", {"whom": "buyer", "question": f"Agreed? {HOSTILE}"})
    attach(login("manager"), books.price, f"{HOSTILE}.pdf", PDF)
    page = login("buyer").get(f"/cases/{books.price}")
    assert page.status_code == 200
    for words in (
        "<strong>Max Manager has</strong> this case",
        "waits for information from Ben Buyer",
        "asked Ben Buyer",
    ):
        assert words in page.text
    assert HOSTILE not in page.text
    act(login("buyer"), books.price, "information", {"information": "Yes"})
    assert "Write down an answer" not in login("manager").get(f"/cases/{books.price}").text


def test_who_has_not_taken_it_sees_who_has_and_no_form(login, books):
    act(login("clerk"), books.duplicate, "claim")
    for action in login("manager").get(f"/api/v1/cases/{books.duplicate}").json()["actions"]:
        assert action["allowed"] is False
        assert action["why_not"].startswith("Clara Clerk has taken this case")
    assert all(
        action["allowed"]
        for action in login("clerk").get(f"/api/v1/cases/{books.duplicate}").json()["actions"]
    )
