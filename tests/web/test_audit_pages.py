"""The audit page: verifications and checkpoints as recorded, and evidence packs that verify."""

from __future__ import annotations

import io
import zipfile

import lxml.html
import psycopg
import pytest

from backoffice.domain.evidence.check import check_archive
from backoffice.governance.evidence.pack import pack_reference
from backoffice.web import evidence


def text_of(response) -> str:
    return " ".join(" ".join(lxml.html.document_fromstring(response.text).find(".//main").itertext()).split())


def answer(client, case_id: int) -> None:
    case = client.get(f"/api/v1/cases/{case_id}").json()
    body = {
        "action": "accept",
        "reason_code": "approved",
        "reason": "as agreed",
        "evidence_hash": case["evidence_hash"],
    }
    taken = client.post(
        f"/api/v1/cases/{case_id}/answers", json=body, headers={"Idempotency-Key": "k-12345678"}
    )
    assert taken.status_code == 201, taken.text


def test_a_log_that_was_never_verified_says_so(look, standing_books):
    text = text_of(look("clerk").get("/audit"))
    assert "The log was never verified" in text
    assert "No checkpoint was signed yet" in text


def test_the_last_verification_is_what_counts(login, books, ledger):
    with ledger.connect("admin") as connection:
        connection.execute(
            "INSERT INTO audit.verification (extent, records, size, failed, left_out) VALUES ('full', 7, 0, '{}', '{anchor}')"
        )
    text = text_of(login("clerk").get("/audit"))
    assert "No. Verified" in text
    assert "7 records" in text
    with ledger.connect("admin") as connection:
        connection.execute(
            "INSERT INTO audit.verification (extent, records, size, failed, left_out) VALUES ('full', 7, 0, '{leaf_hash}', '{}')"
        )
    assert "failed: leaf hash" in text_of(login("clerk").get("/audit"))


def test_a_pack_is_the_same_as_the_command_lines_and_checks_itself(login, books, ledger):
    answer(login("buyer"), books.price)
    response = login("buyer").get(f"/audit/evidence?ref=case:{books.price}")
    assert response.status_code == 200, text_of(response)
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"].startswith(
        f'attachment; filename="evidence-case-{books.price}.zip"'
    )
    assert response.headers["x-content-type-options"] == "nosniff"
    outcome = check_archive(response.content)
    assert not outcome.broken
    assert outcome.records >= 2
    assert "items/0001.json" in zipfile.ZipFile(io.BytesIO(response.content)).namelist()
    with ledger.connect("auditor") as connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        assert pack_reference(connection, f"case:{books.price}").data == response.content
    assert login("buyer").get("/api/v1/cases").status_code == 200, "the connection is as it was"


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("", "Name what the evidence is of"),
        ("nothing-like-it", "Nothing in the ledger is called"),
        ("case:99999", "Nothing in the ledger is called"),
        ("'; DROP TABLE review.case; --", "Nothing in the ledger is called"),
        ("../../etc/passwd", "Nothing in the ledger is called"),
        ("a\x00b", "Nothing in the ledger is called"),
    ],
)
def test_a_name_that_means_nothing_is_told_at_its_field_and_kept(ref, said, look, standing_books):
    response = look("clerk").get("/audit/evidence", params={"ref": ref})
    assert response.status_code == 422
    page = lxml.html.document_fromstring(response.content)
    assert said in page.get_element_by_id("ref-error").text_content()
    if "\x00" not in ref:
        assert page.xpath("//input[@name='ref']/@value") == [ref]


def test_what_is_too_large_is_refused_with_the_command_to_use(look, standing_books, monkeypatch):
    monkeypatch.setattr(evidence, "MOST_BYTES", 3)
    response = look("clerk").get(f"/audit/evidence?ref=case:{standing_books.price}")
    assert response.status_code == 413
    assert f"backoffice evidence case:{standing_books.price} -o pack.zip" in text_of(response)


def test_evidence_of_another_company_is_not_given(login, books, ledger):
    answer(login("buyer"), books.price)
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.authority SET entity = '9999' WHERE person_id = 'p-clerk'")
    response = login("clerk").get(f"/audit/evidence?ref=case:{books.price}")
    assert response.status_code == 403
    assert "may not see all" in text_of(response)


def test_one_pack_at_a_time(look, standing_books, monkeypatch):
    class Busy:
        def acquire(self, timeout: float) -> bool:
            return False

    monkeypatch.setattr(evidence, "_one_at_a_time", Busy())
    response = look("clerk").get(f"/audit/evidence?ref=case:{standing_books.price}")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
