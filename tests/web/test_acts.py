"""What a person says through the pages: plain where it can be erased, encrypted under their key in the log."""

from __future__ import annotations

import json

from tests.web.test_cases_api import answer, detail

from backoffice.domain.personal_data import open_field

WORDS = 'mit Frau Lindenbaum besprochen; 10 % ok "so" \\ \u2028 \U0001f600'


def test_words_are_encrypted_in_the_log_and_open_under_the_persons_key(books, login, ledger):
    response = answer(login("clerk"), books.duplicate, "reject", "duplicate", reason=WORDS)
    assert response.status_code == 201, response.text
    with ledger.connect("auditor") as auditor:
        ((body,),) = auditor.execute("SELECT body FROM audit.record WHERE kind = 'human'").fetchall()
        ((key,),) = auditor.execute("SELECT key FROM vault.reading_key('person:p-clerk')").fetchall()
        assert auditor.execute("SELECT reason, principal FROM review.answer").fetchall() == [
            (WORDS, "airflow:clerk")
        ]
    assert b"Lindenbaum" not in body
    assert b"airflow" not in body
    said = json.loads(open_field(key, json.loads(body)["principal_and_reason"]))
    assert said == {"principal": "airflow:clerk", "reason": WORDS}
    assert detail(login("clerk"), books.duplicate)["answers"][0]["reason"] == WORDS


def test_one_key_per_person_made_when_a_log_in_is_entered(books, login, ledger):
    keys = "SELECT subject, key FROM vault.subject_key ORDER BY subject"
    with ledger.connect("admin") as connection:
        before = connection.execute(keys).fetchall()
        known = connection.execute("SELECT DISTINCT 'person:' || person_id FROM review.identity").fetchall()
    assert {(subject,) for subject, _ in before} == set(known)
    assert {len(key) for _, key in before} == {32}
    assert len({bytes(key) for _, key in before}) == len(before)
    for case_id, action, code in (
        (books.duplicate, "reject", "duplicate"),
        (books.quarantined, "read_again", "reader_corrected"),
    ):
        assert answer(login("clerk"), case_id, action, code).status_code == 201
    with ledger.connect("admin") as connection:
        assert connection.execute(keys).fetchall() == before


def test_without_a_key_nothing_is_recorded(books, login, ledger):
    """The log knows the person and the vault does not: it was not restored."""
    assert answer(login("clerk"), books.duplicate, "reject", "duplicate").status_code == 201
    with ledger.connect("admin") as connection:
        connection.execute("DELETE FROM vault.subject_key")
    refused = answer(login("clerk"), books.quarantined, "read_again", "reader_corrected")
    assert refused.status_code == 409
    assert "restore the schema vault" in refused.json()["detail"]
    with ledger.connect("admin") as connection:
        assert connection.execute("SELECT count(*) FROM review.answer").fetchone() == (1,)


def test_a_refused_act_leaves_no_key(books, login, ledger):
    """Where there is none yet it is made in the transaction of the act."""
    with ledger.connect("admin") as connection:
        connection.execute("DELETE FROM vault.subject_key")
    assert answer(login("buyer"), books.duplicate, "reject", "duplicate").status_code == 403
    with ledger.connect("admin") as connection:
        assert connection.execute("SELECT count(*) FROM vault.subject_key").fetchone() == (0,)
