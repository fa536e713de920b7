"""The page and the API of a batch: its entries page by page, its totals before signing, and taking entries out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from lxml import html
from tests.books import Books
from tests.conftest import Ledger

Login = Callable[[str | None], TestClient]
pytestmark = pytest.mark.integration
_number = itertools.count(1)
ENTRIES = 120


@pytest.fixture
def batch(ledger: Ledger) -> int:
    """A batch of 120 invoices over 120.00 EUR each, put before a controller: Max, or Clara up to 20,000."""
    with ledger.connect("admin") as admin:
        admin.execute(
            "INSERT INTO review.batch_rule (item_kind, amount_above, currency, role) VALUES ('posting', 1000, 'EUR', 'controller')"
        )
        admin.execute(
            "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES ('p-manager', 'controller', 14400, 'EUR'), ('p-clerk', 'controller', 2000, 'EUR')"
        )
    with ledger.connect("app") as app:
        books = Books(app).open_run()
        books.supplier()
        books.order("PO-1", 1, 100_000, 10, match_type=2)
        for number in range(ENTRIES):
            books.invoice(f"R-{number:03}", [("PO-1", 1, 10, 10)])
        books.night()
    with ledger.connect("admin") as admin:
        [(case_id,)] = admin.execute(
            "SELECT case_id FROM review.case WHERE subject_kind = 'batch_signoff'"
        ).fetchall()
    return case_id


def send(client: TestClient, address: str, body: dict[str, Any]) -> Any:
    return client.post(
        f"/api/v1/cases/{address}", json=body, headers={"Idempotency-Key": f"batch-key-{next(_number)}"}
    )


def sign(client: TestClient, case: int, evidence: str, action: str = "accept") -> Any:
    code = {"accept": "totals_checked", "reject": "totals_wrong"}[action]
    return send(
        client,
        f"{case}/answers",
        {"action": action, "reason_code": code, "reason": "looked at", "evidence_hash": evidence},
    )


def page(client: TestClient, case: int, query: str = "") -> html.HtmlElement:
    response = client.get(f"/cases/{case}{query}")
    assert response.status_code == 200, response.text
    return html.fromstring(response.text)


def numbers(shown: html.HtmlElement) -> list[str]:
    return [cell.text_content() for cell in shown.xpath("//table[@id='entries']//td[@data-label='No.']")]


def test_the_page_shows_fifty_entries_and_goes_on(login: Login, batch: int) -> None:
    client, seen, address = login("manager"), [], ""
    for _ in range(3):
        shown = page(client, batch, address)
        seen += numbers(shown)
        following = shown.xpath("//section[@id='batch']//a[@rel='next']/@href")
        address = following[0].partition(f"/cases/{batch}")[2].partition("#")[0] if following else ""
    assert (seen, address) == ([str(n) for n in range(1, ENTRIES + 1)], "")
    first = page(client, batch)
    assert len(numbers(first)) == 50
    text = " ".join(first.xpath("//section[@id='batch']")[0].text_content().split())
    assert "above 1,000.00 EUR" in text
    totals = first.xpath("//section[@id='batch']/table[1]/tbody/tr/*")
    assert [cell.text_content() for cell in totals] == ["EUR", "120", "14,400.00 EUR"]
    assert "Batch 1" in first.xpath("//h1")[0].text_content()
    assert "Supplier not known" not in first.xpath("//aside")[0].text_content()


def test_the_api_lists_entries_page_by_page(login: Login, batch: int) -> None:
    client = login("manager")
    address, seen = f"/api/v1/cases/{batch}/entries?limit=100", []
    while address:
        body = client.get(address).json()
        seen += [entry["item_no"] for entry in body["entries"]]
        address = body["next"]
    assert seen == list(range(1, ENTRIES + 1))
    assert (body["items"], body["totals"]) == (120, [{"currency": "EUR", "items": 120, "amount": "14400"}])
    assert body["evidence_hash"] == client.get(f"/api/v1/cases/{batch}").json()["evidence_hash"]


def test_totals_are_shown_anew_before_anybody_signs(login: Login, batch: int) -> None:
    client = login("manager")
    before = client.get(f"/api/v1/cases/{batch}").json()["evidence_hash"]
    taken = send(
        client,
        f"{batch}/entries/taken-out",
        {"items": [2, 60], "reason": "not delivered", "evidence_hash": before},
    )
    assert taken.status_code == 201, taken.text
    assert (taken.json()["items"], taken.json()["totals"][0]["amount"]) == (118, "14160")
    assert sign(client, batch, before).status_code == 409
    shown = page(client, batch)
    assert "14,160.00 EUR" in shown.xpath("//section[@id='batch']")[0].text_content()
    assert "Max Manager: not delivered" in " ".join(
        shown.xpath("//section[@id='batch']")[0].text_content().split()
    )
    assert "took entries out of the batch" in shown.xpath("//section[@id='life']")[0].text_content()
    assert shown.xpath("//input[@name='evidence_hash']/@value") == [taken.json()["evidence_hash"]]
    answer = sign(client, batch, taken.json()["evidence_hash"])
    assert (answer.status_code, answer.json()["state"]) == (201, "decided"), answer.text
    assert not page(client, batch).xpath("//input[@name='items']"), (
        "what is signed offers nothing to take out"
    )


def test_wrong_use_says_so_at_the_field(login: Login, batch: int) -> None:
    client = login("manager")
    evidence = client.get(f"/api/v1/cases/{batch}").json()["evidence_hash"]
    for body, field, message in (
        ({"items": [], "reason": "x"}, "items", "Choose at least one entry."),
        ({"items": [1], "reason": " "}, "reason", "Say why."),
        ({"items": [1]}, "reason", "Say why."),
        ({"items": [999], "reason": "gone"}, "items", "not in this batch, or taken out already: 999"),
    ):
        refused = send(client, f"{batch}/entries/taken-out", {"evidence_hash": evidence, **body})
        assert (refused.status_code, refused.json()["errors"]) == (
            422,
            [{"field": field, "message": message}],
        )
    assert (
        send(
            login("buyer"),
            f"{batch}/entries/taken-out",
            {"items": [1], "reason": "mine", "evidence_hash": evidence},
        ).status_code
        == 403
    )
    clerk = sign(login("clerk"), batch, evidence)
    assert (clerk.status_code, clerk.json()["detail"]) == (
        403,
        "Clara Clerk has no authority as controller for 14,400.00 EUR",
    )
    assert (
        "above your limit of 2,000.00 EUR"
        in page(login("clerk"), batch).xpath("//section[@id='decide']")[0].text_content()
    )


def test_what_changed_is_named_at_its_entry(login: Login, batch: int, ledger: Ledger) -> None:
    client = login("manager")
    evidence = client.get(f"/api/v1/cases/{batch}").json()["evidence_hash"]
    with ledger.connect("admin") as admin:
        admin.execute(
            "UPDATE ledger.invoice_status SET state = 'rejected' WHERE invoice_id = (SELECT invoice_id FROM purchasing.invoice WHERE invoice_number = 'R-004')"
        )
    shown = page(client, batch)
    assert "was rejected" in shown.xpath("//table[@id='entries']//tr[5]")[0].text_content()
    assert shown.xpath("//section[@id='changed-now']")
    refused = sign(client, batch, evidence)
    assert refused.status_code == 409
    assert "entry 5 (R-004) was rejected" in refused.json()["detail"]
    assert client.get(f"/api/v1/cases/{batch}/entries").json()["entries"][4]["changed"] == "was rejected"


def test_a_batch_is_in_the_inbox_and_signed_on_its_own_page(login: Login, batch: int) -> None:
    client = login("manager")
    inbox = html.fromstring(client.get("/cases?code=BATCH").text)
    [row] = inbox.xpath("//tr[@data-case]")
    text = " ".join(row.text_content().split())
    assert "Batch 1" in text
    assert "14,400.00 EUR" in text
    assert "Batch to be signed for" in text
    assert "Controller" in text
    assert row.get("data-offers") == ""
    case = client.get(f"/api/v1/cases/{batch}").json()
    chosen = [{"case_id": batch, "evidence_hash": case["evidence_hash"]}]
    checked = client.post("/api/v1/cases/answers/check", json={"action": "accept", "cases": chosen}).json()
    assert [one["why_not"] for one in checked["left_out"]] == [
        "A batch is signed for on its own page, where its totals stand."
    ]
    body = {"action": "accept", "cases": chosen, "reason_code": "totals_checked", "reason": "all at once"}
    done = client.post("/api/v1/cases/answers", json=body, headers={"Idempotency-Key": "bulk-key-1"}).json()
    assert (done["taken"], done["left_out"][0]["case_id"]) == ([], batch)
    assert case["documents"] == [], "a batch shows nobody else's document"


def test_a_case_that_is_no_batch_has_no_entries(look: Login, standing_books: Any) -> None:
    answer = look("clerk").get(f"/api/v1/cases/{standing_books.price}/entries")
    assert (answer.status_code, answer.json()["detail"]) == (404, f"Case {standing_books.price} is no batch.")
