"""Original documents: the exact bytes, as a download, under a harmless name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.books import PDF

from backoffice.web.documents import content_disposition, safe_filename


def test_the_original_comes_as_it_arrived_and_only_as_a_download(look, standing_books):
    client = look("clerk")
    document = client.get(f"/api/v1/cases/{standing_books.quarantined}").json()["documents"][0]
    assert document["filename"] == "scan 2026fdp.exe", "the character that turns the name around is gone"
    response = client.get(document["href"])
    assert response.content == PDF
    assert response.headers["content-disposition"].startswith('attachment; filename="scan 2026fdp.exe"')
    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_a_document_of_another_case_is_not_given_out(look, standing_books):
    client = look("clerk")
    other = client.get(f"/api/v1/cases/{standing_books.quarantined}").json()["documents"][0]["document_id"]
    assert client.get(f"/api/v1/cases/{standing_books.price}/documents/{other}").status_code == 404


def test_a_type_that_a_browser_could_run_is_sent_as_bytes(login, books, ledger):
    with ledger.connect("admin") as connection:
        connection.execute("ALTER TABLE intake.document DISABLE TRIGGER ALL")
        connection.execute("UPDATE intake.document SET media_type = 'text/html; charset=utf-8'")
    document = login("clerk").get(f"/api/v1/cases/{books.price}").json()["documents"][0]
    response = login("clerk").get(document["href"])
    assert response.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("invoice 7.xml", "invoice 7.xml"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\Rechnung.pdf", "Rechnung.pdf"),
        ('a"; x="b.xml', "a__ x=_b.xml"),
        ("line\r\nSet-Cookie: a=b", "lineSet-Cookie_ a=b"),
        (".htaccess", "htaccess"),
        ("...", "fallback"),
        ("", "fallback"),
        (None, "fallback"),
        ("Prüfbericht €.pdf", "Prüfbericht €.pdf"),
        ("x" * 300 + ".xml", "x" * 116 + ".xml"),
    ],
)
def test_names_that_could_do_harm_are_made_harmless(given_name, name):
    assert safe_filename(given_name, "fallback") == name


@given(st.text())
def test_no_name_ever_breaks_out_of_its_header(given_name):
    name = safe_filename(given_name, "fallback")
    header = content_disposition(name)
    assert 0 < len(name) <= 120
    assert not set(name) & set('/\\"\r\n\x00')
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
