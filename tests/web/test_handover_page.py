"""The case page hands over: causes with evidence, entries, timeline, what changed, and the original without any of its harm."""

from __future__ import annotations

import lxml.html
import pytest
from tests.books import Books as Night
from tests.conftest import BUSINESS_DATE
from tests.seeded_cases import STORIES, write_seeded_cases
from tests.web.books import PDF

from backoffice.web.hypotheses import view_hypotheses

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


def page_of(client, case_id):
    response = client.get(f"/cases/{case_id}")
    assert response.status_code == 200, response.text
    return lxml.html.document_fromstring(response.text)


def words(element) -> str:
    return " ".join(" ".join(element.itertext()).split())


@pytest.fixture
def seeded(ledger):
    with ledger.connect("app") as connection:
        answers = write_seeded_cases(connection, BUSINESS_DATE)
        cases = dict(
            connection.execute(
                "SELECT handover #>> '{document,number}', case_id FROM review.case WHERE state = 'open'"
            ).fetchall()
        )
    return [(answer, cases[answer.number]) for answer in answers]


def test_each_seeded_case_tells_its_cause_from_the_page_alone(login, seeded):
    client = login("manager")
    titles = {
        one["hypothesis"]: one["title"]
        for answer, case_id in seeded
        for one in client.get(f"/api/v1/cases/{case_id}").json()["hypotheses"]
    }
    assert set(titles) >= {name for name, _ in STORIES}
    for answer, case_id in seeded:
        page = page_of(client, case_id)
        first = page.get_element_by_id("hypotheses").findall("ol/li")[0]
        assert words(first).startswith(titles[answer.cause]), answer
        assert first.find_class("evidence")[0].findall("li"), answer
        assert "{" not in words(page.get_element_by_id("hypotheses"))
        assert "not known" not in words(page.get_element_by_id("hypotheses")), words(
            page.get_element_by_id("hypotheses")
        )
        assert words(page.get_element_by_id("failed")).startswith("Compared by machine")
        assert page.find_class("line-story"), answer
        assert page.find_class("original-invoice"), answer
        assert answer.number in words(page.find_class("original-invoice")[0])
        assert {"accept": "Accept", "reject": "Reject"}[answer.actions[0]] in words(
            page.get_element_by_id("decide")
        )
        ids = [element.get("id") for element in page.xpath("//*[@id]")]
        assert len(ids) == len(set(ids))


def test_the_entry_that_an_answer_books_stands_beside_it(login, seeded):
    case_id = next(case_id for answer, case_id in seeded if answer.cause == "dearer_price")
    page = page_of(login("manager"), case_id)
    entry, standing = page.find_class("journal")
    rows = [words(row) for row in entry.findall("tbody/tr")]
    assert any(row.startswith("4960 Purchase price variance reversal: price variance") for row in rows), rows
    stays = [words(row) for row in standing.findall("tbody/tr")]
    assert any(row.startswith("4960 Purchase price variance price variance") for row in stays), stays
    assert len(stays) == len(rows), "what an acceptance leaves in the books is what a rejection reverses"
    action = next(
        one
        for one in login("manager").get(f"/api/v1/cases/{case_id}").json()["actions"]
        if one["action"] == "reject"
    )
    assert len(action["entries"][0]["lines"]) == len(rows)


def test_an_e_invoice_full_of_markup_is_written_as_text(ledger, login):
    with ledger.connect("app") as connection:
        from tests.seeded_cases import PaperBooks

        books = PaperBooks(connection).open_run()
        books.supplier("S1", name=HOSTILE)
        books.order("PO-1", 1, 10, 10, description=HOSTILE)
        books.receive("PO-1", 1, 10)
        books.invoice(f"R-1 {HOSTILE}", [("PO-1", 1, 10, 12, {"description": HOSTILE})], seller_name=HOSTILE)
        books.night()
        case_id = connection.execute("SELECT case_id FROM review.case").fetchone()[0]
    text = login("buyer").get(f"/cases/{case_id}").text
    page = lxml.html.document_fromstring(text)
    assert "<img" not in text
    assert all(script.get("src") and not script.text for script in page.iter("script"))
    assert not page.xpath("//*[@onerror or @style or @onclick]")
    assert words(page.find_class("original-invoice")[0]).count("<script>alert(2)</script>") >= 3


def test_a_pdf_stands_in_a_frame_that_may_do_nothing(look, standing_books):
    client = look("clerk")
    response = client.get(f"/cases/{standing_books.quarantined}")
    page = lxml.html.document_fromstring(response.text)
    (frame,) = page.iter("iframe")
    assert frame.get("sandbox") == ""
    assert "frame-src 'self'" in response.headers["content-security-policy"]
    assert "script-src 'self'" in response.headers["content-security-policy"]
    shown = client.get(frame.get("src"))
    assert shown.content == PDF
    assert shown.headers["content-type"] == "application/pdf"
    assert shown.headers["content-disposition"].startswith("inline; filename=")
    assert shown.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'self'; sandbox"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "frame-src" not in client.get(f"/cases/{standing_books.price}").headers["content-security-policy"]


def test_what_only_calls_itself_a_pdf_is_not_framed(ledger, books, login):
    with ledger.connect("admin") as connection:
        connection.execute("ALTER TABLE intake.document DISABLE TRIGGER ALL")
        connection.execute("UPDATE intake.document SET media_type = 'application/pdf'")
    document = login("clerk").get(f"/api/v1/cases/{books.price}").json()["documents"][0]["document_id"]
    assert login("clerk").get(f"/cases/{books.price}/documents/{document}/pdf").status_code == 404
    assert login("clerk").get(f"/cases/{books.quarantined}/documents/{document}/pdf").status_code == 404


def test_what_cannot_be_read_is_a_download_alone(look, standing_books):
    page = page_of(look("clerk"), standing_books.price)
    assert not page.find_class("original-invoice")
    assert page.find_class("original")


def test_changed_facts_are_marked_and_an_answer_on_old_ones_is_told_what_changed(ledger, login):
    with ledger.connect("app") as connection:
        night = Night(connection).open_run()
        night.supplier()
        night.order("PO-1", 1, 100, 10)
        night.receive("PO-1", 1, 90)
        night.invoice("R-1", [("PO-1", 1, 100, 10)])
        night.night()
        connection.commit()
        case_id = connection.execute("SELECT case_id FROM review.case").fetchone()[0]
        client = login("buyer")
        seen = client.get(f"/api/v1/cases/{case_id}").json()
        night.open_run("night-2")
        night.receive("PO-1", 1, 4)
        night.match()
        connection.commit()
        now = page_of(client, case_id).get_element_by_id("changed-now")
        assert "Received line 1, billed more than received 90 94" in words(now)
        given = {
            "action": "accept",
            "reason_code": "approved",
            "reason": "as agreed",
            "evidence_hash": seen["evidence_hash"],
        }
        refused = client.post(
            f"/api/v1/cases/{case_id}/answers", json=given, headers={"Idempotency-Key": "stale-answer"}
        )
        assert refused.status_code == 409
        assert "received 90, now 94" in refused.json()["detail"]
        night.night()
        connection.commit()
    page = page_of(client, case_id)
    assert "Received line 1, billed more than received 90 94" in words(page.get_element_by_id("changed"))
    assert not page.xpath("//*[@id='changed-now']")


def test_a_hypothesis_without_evidence_or_of_a_later_version_is_safe():
    told = [
        {"hypothesis": "dearer_price", "facts": {}, "score": "0.8", "evidence": []},
        {
            "hypothesis": "moon_phase",
            "facts": {"phase": "{full}"},
            "score": "0.7",
            "evidence": [{"what": "moon", "reference": "1"}],
        },
    ]
    (only,) = view_hypotheses(told)
    assert (only.title, only.sentence) == ("Moon phase", "Phase: {full}")
