"""Files and comments: hashed, of a type and size that are let in, found when they are swapped, and gone with a person's words."""

from __future__ import annotations

import hashlib
import json

import psycopg
import pytest
from tests.integration.life.desk import Desk
from tests.integration.life.test_claims import unmatched

from backoffice import settings

pytestmark = pytest.mark.integration

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\nnot much"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
XML = b'<?xml version="1.0"?><Invoice/>'


@pytest.mark.parametrize(
    ("content", "kind", "name"),
    [
        (PDF, "application/pdf", "whatever.PDF"),
        (PNG, "image/png", "whatever.png"),
        (b"\xff\xd8\xff\xe0 a photo", "image/jpeg", "whatever.jpeg"),
        ("Grüße, 10 €\n".encode(), "text/plain", "whatever.csv"),
        (b"\xef\xbb\xbf  " + XML, "application/xml", "whatever.xml"),
    ],
)
def test_what_is_let_in_by_its_bytes(desk: Desk, content: bytes, kind: str, name: str) -> None:
    case = desk.books.price
    told = desk.refused("BO422", "attach", case, "buyer", "whatever.exe", content=content)
    assert f"by its bytes the file is {kind}, but its name ends in .exe" in told
    desk.refused("BO422", "attach", case, "buyer", f"{name}.scr", content=content)
    desk.refused("BO422", "attach", case, "buyer", "whatever", content=content)
    desk.act("attach", case, "buyer", name, content=content)
    [(media_type, size, digest)] = desk.admin(
        "SELECT media_type, bytes, encode(sha256, 'hex') FROM review.attachment"
    )
    assert (media_type, size, digest) == (kind, len(content), hashlib.sha256(content).hexdigest())
    [record] = desk.records(case)
    assert (record["sha256"], record["media_type"], record["bytes"]) == (digest, kind, str(size))
    assert "whatever" not in json.dumps(record), "a file name is a person's words"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<!DOCTYPE html><p>hello", "text/html"),
        (b"a picture <svg onload=alert(1)>", "text/html"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "text/html"),
        (b"PK\x03\x04 a sheet with macros", "application/zip"),
        (b"MZ\x90\x00 a program", "application/octet-stream"),
        (b"text with a bell \x07", "application/octet-stream"),
        (b"GIF89a", "image/gif"),
        (b"broken \xc3\x28", "application/octet-stream"),
        (b"a zero \x00 byte", "application/octet-stream"),
    ],
)
def test_what_is_not_let_in(desk: Desk, content: bytes, kind: str) -> None:
    assert f"by its bytes the file is {kind}" in desk.refused(
        "BO422", "attach", desk.books.price, "buyer", "invoice.pdf", content=content
    )


def test_size_number_and_name_are_bounded(desk: Desk) -> None:
    case = desk.books.price
    assert "empty" in desk.refused("BO422", "attach", case, "buyer", "a.txt", content=b"")
    desk.refused("BO422", "attach", case, "buyer", " ", content=PDF)
    desk.refused("BO422", "attach", case, "buyer", "n" * 256, content=PDF)
    desk.admin(
        "INSERT INTO ledger.setting (name, value) VALUES ('attachment_max_bytes', '30'), ('attachments_per_case', '2'), ('attachment_types', 'application/pdf')"
    )
    assert "at most 30" in desk.refused("BO422", "attach", case, "buyer", "a.pdf", content=PDF + b"x" * 30)
    assert "taken are application/pdf" in desk.refused(
        "BO422", "attach", case, "buyer", "a.txt", content=b"plain text"
    )
    for name in ("one.pdf", "two.pdf"):
        desk.act("attach", case, "buyer", name, content=PDF[:30])
    assert "as many files" in desk.refused("BO422", "attach", case, "buyer", "three.pdf", content=PDF[:30])


def test_the_same_key_is_the_same_file(desk: Desk) -> None:
    case = desk.books.price
    first = desk.act("attach", case, "buyer", "a.pdf", content=PDF, key="one-file")
    assert desk.act("attach", case, "buyer", "a.pdf", content=PDF, key="one-file") == first
    assert "another file" in desk.refused(
        "BO409", "attach", case, "buyer", "a.pdf", content=PDF + b" ", key="one-file"
    )


def test_a_swapped_file_is_refused_and_found(desk: Desk) -> None:
    case = desk.books.price
    desk.act("attach", case, "buyer", "a.pdf", content=PDF)
    for statement in (
        "UPDATE review.attachment SET content = 'x'",
        "DELETE FROM review.attachment",
        "TRUNCATE review.attachment",
    ):
        with pytest.raises(psycopg.Error, match="append-only"):
            desk.admin(statement)
    assert unmatched(desk, "on a case") == []
    with desk.ledger.connect("admin") as connection:
        connection.execute("ALTER TABLE review.attachment DISABLE TRIGGER USER")
        connection.execute(
            "UPDATE review.attachment SET content = %s, sha256 = sha256(%s), bytes = %s", (XML, XML, len(XML))
        )
    assert unmatched(desk, "on a case") == ["act on a case"]


def test_anybody_who_sees_a_case_says_something_about_it_and_nobody_else(desk: Desk) -> None:
    case = desk.books.price
    assert desk.act("comment", case, "admin", "the auditor looks on")["status"] == "open"
    desk.refused("BO422", "comment", case, "admin", " ")
    desk.refused("BO422", "comment", case, "admin", "x" * 4001)
    desk.refused("BO422", "comment", case, "admin", "words", sealed="forged")
    desk.decide(case, "buyer")
    desk.act("comment", case, "buyer", "I looked at the offer")
    desk.admin("UPDATE review.authority SET entity = '2000' WHERE person_id = 'p-admin'")
    desk.refused("BO404", "comment", case, "admin", "once more")


@pytest.mark.parametrize("table", ["review.case_act", "review.case_step"])
def test_what_was_done_is_append_only(desk: Desk, table: str) -> None:
    desk.act("comment", desk.books.price, "buyer", "words")
    desk.later(25)
    desk.keep()
    for statement in (
        f"UPDATE {table} SET case_id = case_id + 1",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(psycopg.Error, match="append-only"):
            desk.admin(statement)


def test_words_go_with_the_key_of_who_said_them(desk: Desk) -> None:
    desk.act("comment", desk.books.price, "buyer", "Frau Lindenbaum says so")
    desk.act("attach", desk.books.price, "buyer", "lindenbaum.pdf", content=PDF)
    desk.admin(
        "UPDATE vault.subject_key SET key = NULL, destroyed_at = now(), destroyed_by = 1 WHERE subject = 'person:p-buyer'"
    )
    desk.admin("SELECT vault.clear_person('p-buyer')")
    assert desk.admin("SELECT DISTINCT principal, reason FROM review.case_act") == [("erased", "erased")]
    assert desk.one("SELECT count(*) FROM review.attachment") == 1, "the file belongs to the case"


def test_what_was_said_about_a_case_belongs_to_the_evidence_of_its_invoice(desk: Desk) -> None:
    """The pack of an invoice takes in the records of its cases; a legal hold on the company covers them."""
    case = desk.books.price
    desk.act("comment", case, "buyer", "words")
    invoice = desk.one("SELECT subject_id FROM review.case WHERE case_id = %s", case)
    with desk.ledger.connect("auditor") as auditor:
        for kind, ref in (("invoice", invoice), ("case", case)):
            row = auditor.execute(
                settings.statement("governance/gather_reference").encode(), {"kind": kind, "id": ref}
            ).fetchone()
            assert row is not None
            assert f"case:{case}" in row[-1]
    assert desk.one("SELECT audit.entity_of(%s)", f"case:{case}") == "1000"
    assert desk.one("SELECT audit.class_of('human', %s)", f"case:{case}") == "human_act"
