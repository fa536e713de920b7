"""Erasing a person: their words are unreadable everywhere, every proof holds, and who may not, may not."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from collections.abc import Iterable
from datetime import date
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.answering import sealed
from tests.changing import NEXT, approve, end, propose, version
from tests.conftest import Ledger
from tests.integration.privacy.conftest import AFTER_RETENTION, MESSAGE, REASON, Office, refused
from tests.log_keeping import confirm, propose_lost_key
from tests.sealing import ORIGIN

from backoffice import settings
from backoffice.domain.checkpoint import VerifyingKey
from backoffice.domain.personal_data import PersonalDataError, decrypt, open_field
from backoffice.migrations import migrate
from backoffice.runtime.postgres_binaries import binaries

pytestmark = pytest.mark.integration

POLICY_WORDS = "Regel wegen Pflaumenmus und Herrn Eschenbach"
LOG_WORDS = "Platte beim Umzug nach Birkenwerder zerbrochen"
WORDS = (REASON, MESSAGE, "Clara Clerk", "clerk@example.com", "airflow:clerk")


def everywhere(ledger: Ledger) -> str:
    """Return all that is in the database as text: a dump with everything, bytes as hex."""
    dumped = subprocess.run(
        [str(binaries() / "pg_dump"), "--inserts", ledger.dsn("admin")],
        check=True,
        capture_output=True,
        text=True,
    )
    return dumped.stdout


def found_in(text: str, words: Iterable[str] = WORDS) -> set[str]:
    """Return which of the words stand in a dump, plain or inside bytes."""
    return {
        word
        for word in words
        if word in text or word.encode().hex() in text or json.dumps(word)[1:-1] in text
    }


def bodies(office: Office) -> str:
    return "".join(
        body.decode() for (body,) in office.admin("SELECT body FROM audit.record WHERE body IS NOT NULL")
    )


def personal_fields(office: Office) -> list[dict[str, str]]:
    """Return the encrypted fields of the clerk, in the order of writing."""
    found = [
        body["principal_and_reason"] for kind in ("human", "effect") for body in office.records(kind) if body.get("principal_and_reason")
    ]  # fmt: skip
    return [field for field in found if field["subject"] == "person:p-clerk"]


def reading_key(ledger: Ledger, subject: str = "person:p-clerk") -> Any:
    with ledger.connect("auditor") as auditor:
        row = auditor.execute("SELECT key FROM vault.reading_key(%s)", (subject,)).fetchone()
    assert row is not None
    return row[0]


def test_the_log_holds_no_word_of_a_person_in_plain_text(office: Office) -> None:
    assert found_in(bodies(office)) == set()
    assert found_in(everywhere(office.ledger)) == set(WORDS), "the business tables have them"
    fields = personal_fields(office)
    said = [json.loads(open_field(reading_key(office.ledger), field)) for field in fields]
    answers = [{"principal": "airflow:clerk", "reason": reason} for reason in (REASON, MESSAGE)]
    assert said == [*answers, answers[1]], "two answers and the message that carried one of them outside"
    assert {body["person_id"] for body in office.records("human")} == {"p-clerk"}


def test_erasing_a_person_leaves_no_word_and_every_proof(office: Office) -> None:
    fields, key, before = personal_fields(office), reading_key(office.ledger), office.proven()
    office.day(AFTER_RETENTION)
    office.leave()
    answer = office.erase()
    assert answer["state"] == "carried_out"
    assert answer["result"]["cleared"]["review.answer.reason"] == 2
    office.seal()
    assert office.proven() > before, "no body is gone, and what was done is in the log too"
    assert found_in(everywhere(office.ledger)) == set()
    assert personal_fields(office) == fields, "the log is what it was"
    assert reading_key(office.ledger) is None
    assert key.hex() not in everywhere(office.ledger)
    assert office.admin("SELECT name, email, active FROM review.person WHERE person_id = 'p-clerk'") == [
        ("erased", None, False)
    ]
    assert office.one("SELECT count(*) FROM review.identity WHERE person_id = 'p-clerk'") == 0
    assert office.one("SELECT count(*) FROM review.answer WHERE person_id = 'p-clerk'") == 2, (
        "that somebody decided stays"
    )


def test_a_user_id_can_be_compared_until_its_key_is_destroyed(office: Office) -> None:
    """Nobody finds it in the log by trying names; who has the key's hash compares it, and nothing drifts."""
    drift = f"WITH {settings.statement('governance/setting_records')}, {settings.statement('governance/setting_drift')} SELECT tab, line FROM setting_drift"
    compared = "SELECT audit.user_hash('p-clerk', 'clerk')"
    with office.ledger.connect("auditor") as auditor:
        recorded = {
            one.get("user_hash")
            for body in office.records("policy")
            for one in (*body.get("rows", ()), body.get("before") or {}, body.get("after") or {})
            if isinstance(one, dict)
        }
        hashed = auditor.execute(compared).fetchone()
        assert hashed is not None
        assert hashed[0] in recorded
        assert hashlib.sha256(b"clerk").hexdigest() not in recorded
        assert auditor.execute("SELECT audit.user_hash('p-manager', 'clerk')").fetchone() != hashed
        assert auditor.execute(drift).fetchall() == []
        auditor.commit()
        office.day(AFTER_RETENTION)
        office.leave()
        office.erase()
        assert auditor.execute(compared).fetchone() == (None,)
        assert auditor.execute(drift).fetchall() == []


def test_the_erasure_is_in_the_log_itself(office: Office) -> None:
    office.day(AFTER_RETENTION)
    office.leave()
    request = office.ask("manager", "erase_person", person="p-clerk", basis="objection")
    office.reply("admin", request)
    (erasure,) = office.records("erasure")
    assert erasure["step"] == "person erased"
    assert (erasure["person_id"], erasure["basis"], erasure["request_id"]) == (
        "p-clerk",
        "objection",
        str(request),
    )
    assert (erasure["requested_by"], erasure["approved_by"]) == ("p-manager", "p-admin")
    steps = [body["step"] for body in office.records("human") if body.get("request_id") == str(request)]
    assert steps == ["privacy act requested", "privacy act approved"]


def test_what_others_wrote_about_the_person_when_asking_goes_too(office: Office) -> None:
    office.day(AFTER_RETENTION)
    office.leave()
    request = office.ask(
        "manager", "erase_person", person="p-clerk", basis="objection", reason="Clara Clerk wrote to us"
    )
    office.reply("admin", request, reason="Clara Clerk is right")
    assert found_in(everywhere(office.ledger)) == set()


def test_refused_while_a_duty_to_keep_runs(office: Office) -> None:
    office.leave()
    message = refused("BO409", office.ask, "manager", "erase_person", person="p-clerk", basis="objection")
    assert "human_act until 2036-12-31 (approves an entry of the books: AO s. 147)" in message
    office.day(date(2036, 12, 31))
    refused("BO409", office.ask, "manager", "erase_person", person="p-clerk", basis="objection")
    office.day(date(2037, 1, 1))
    office.erase()


def test_refused_for_orders_that_name_the_person(office: Office) -> None:
    """The buyer decided nothing; an order names him."""
    office.leave("p-buyer")
    message = refused("BO409", office.ask, "manager", "erase_person", person="p-buyer", basis="objection")
    assert "orders that name the person, class accounting until 2036-12-31" in message
    office.day(AFTER_RETENTION)
    office.erase("p-buyer")


def test_refused_while_the_person_is_active(office: Office) -> None:
    office.day(AFTER_RETENTION)
    assert "is active" in refused(
        "BO409", office.ask, "manager", "erase_person", person="p-clerk", basis="objection"
    )


@pytest.mark.parametrize(
    ("scope_kind", "scope", "covers"),
    [
        ("everything", None, True),
        ("person", "p-clerk", True),
        ("person", "p-buyer", False),
        ("class", "human_act", True),
        ("class", "policy", False),
        ("entity", "1000", True),
        ("subject", "duplicate", True),
        ("subject", "price", False),
    ],
)
def test_refused_under_a_legal_hold_that_covers_what_the_person_did(
    office: Office, scope_kind: str, scope: str | None, covers: bool
) -> None:
    if scope_kind == "subject":
        key = office.one(
            "SELECT subject_key FROM review.case WHERE case_id = %s", getattr(office.books, scope or "")
        )
        scope = f"invoice:{key}"
    hold = office.hold(scope_kind=scope_kind, scope=scope)
    office.day(AFTER_RETENTION)
    office.leave()
    if not covers:
        office.erase()
        return
    assert f"legal hold {hold}" in refused(
        "BO409", office.ask, "manager", "erase_person", person="p-clerk", basis="objection"
    )
    office.reply("admin", office.ask("manager", "lift_hold", hold=hold))
    office.erase()


def test_a_hold_placed_between_request_and_approval_stops_it(office: Office) -> None:
    office.day(AFTER_RETENTION)
    office.leave()
    request = office.ask("manager", "erase_person", person="p-clerk", basis="objection")
    hold = office.hold(scope_kind="person", scope="p-clerk")
    assert f"legal hold {hold}" in refused("BO409", office.reply, "admin", request)
    assert reading_key(office.ledger) is not None
    assert office.one("SELECT state FROM review.privacy_request WHERE request_id = %s", request) == "open"


def test_two_persons_and_neither_is_the_subject(office: Office) -> None:
    office.day(AFTER_RETENTION)
    office.leave()
    request = office.ask("manager", "erase_person", person="p-clerk", basis="objection")
    assert "another person must approve" in refused("BO403", office.reply, "manager", request)
    office.admin("INSERT INTO review.identity VALUES ('airflow', 'manager-2', 'p-manager')")
    refused("BO403", office.reply, "manager-2", request)
    assert "themselves" in refused(
        "BO403", office.ask, "admin", "erase_person", person="p-admin", basis="objection"
    )
    office.reply("admin", request)
    refused("BO409", office.reply, "admin", request, key="again")


@pytest.mark.parametrize("user", ["buyer", "clerk"])
def test_only_a_data_protection_officer(office: Office, user: str) -> None:
    refused("BO403", office.hold, user)
    refused("BO403", office.ask, user, "purge_records", **{"class": "api_call", "before": date(2020, 1, 1)})
    refused("BO403", office.reply, user, 1)


@pytest.mark.parametrize(
    "change",
    [
        "entity = '1000'",
        "process = 'invoice_reconciliation'",
        "effective_to = '2026-01-01'",
        "effective_from = '2100-01-01'",
        "role = 'auditor'",
    ],
)
def test_an_authority_for_something_else(office: Office, change: str) -> None:
    office.admin(
        f"UPDATE review.authority SET {change} WHERE person_id = 'p-admin' AND role = 'data_protection_officer'"
    )
    refused("BO403", office.hold, "admin")


@pytest.mark.parametrize("basis", ["because", "", None])
def test_a_basis_that_the_law_does_not_know(office: Office, basis: str | None) -> None:
    office.day(AFTER_RETENTION)
    office.leave()
    refused("BO422", office.ask, "manager", "erase_person", person="p-clerk", basis=basis)


def test_the_same_request_again_is_the_same_request(office: Office) -> None:
    office.day(AFTER_RETENTION)
    office.leave()
    request = office.ask("manager", "erase_person", person="p-clerk", basis="objection", key="k")
    assert office.ask("manager", "erase_person", person="p-clerk", basis="objection", key="k") == request
    refused("BO409", office.ask, "manager", "erase_person", person="p-clerk", basis="unlawful", key="k")
    refused("BO409", office.ask, "admin", "erase_person", person="p-clerk", basis="objection", key="another")
    first = office.reply("admin", request, key="a")
    assert office.reply("admin", request, key="a") == first
    assert len(office.records("erasure")) == 1


def test_a_declined_request_erases_nothing_and_may_be_made_again(office: Office) -> None:
    office.day(AFTER_RETENTION)
    office.leave()
    request = office.ask("manager", "erase_person", person="p-clerk", basis="objection")
    assert office.reply("manager", request, "decline")["state"] == "declined", "also by who asked"
    assert reading_key(office.ledger) is not None
    refused("BO409", office.reply, "admin", request)
    office.ask("manager", "erase_person", person="p-clerk", basis="objection", key="second try")


def test_nothing_is_recorded_for_who_was_erased(office: Office) -> None:
    """Even if an administrator enters them again: a destroyed key is not made anew."""
    office.day(AFTER_RETENTION)
    office.leave()
    office.erase()
    office.admin("UPDATE review.person SET active = true WHERE person_id = 'p-clerk'")
    office.admin("INSERT INTO review.identity VALUES ('airflow', 'clerk', 'p-clerk')")
    office.admin("UPDATE review.person SET active = true WHERE person_id = 'p-clerk'")
    assert "was erased" in refused(
        "BO409", office.answer, office.books.large, "clerk", "accept", "x", "approved"
    )
    assert "erased already" in refused(
        "BO409", office.ask, "manager", "erase_person", person="p-clerk", basis="objection", key="again"
    )


def test_who_is_acting_at_this_moment_is_not_erased(office: Office) -> None:
    """The act is not committed yet; erasing does not wait for it, and afterwards the act has to be kept."""
    office.day(AFTER_RETENTION)
    with office.web() as web:
        sealed(web, "airflow", "clerk", "still here")
        office.leave()
        request = office.ask("manager", "erase_person", person="p-clerk", basis="objection")
        assert "acting at this moment" in refused("BO409", office.reply, "admin", request)
    office.reply("admin", request)


def test_an_act_that_comes_while_the_key_is_being_destroyed_is_refused(office: Office) -> None:
    office.day(AFTER_RETENTION)
    outcome: list[str] = []
    with office.ledger.connect("admin") as erasing:
        erasing.execute("SELECT FROM vault.subject_key WHERE subject = 'person:p-clerk' FOR UPDATE")

        def late() -> None:
            try:
                office.answer(office.books.large, "clerk", "accept", "late", "approved")
            except psycopg.Error as error:
                outcome.append(error.sqlstate or "")

        acting = threading.Thread(target=late)
        acting.start()
        acting.join(0.5)
        assert acting.is_alive(), "it waits for the key"
        erasing.execute(
            "UPDATE vault.subject_key SET key = NULL, destroyed_at = now(), destroyed_by = 0 WHERE subject = 'person:p-clerk'"
        )
        erasing.commit()
        acting.join(20)
    assert outcome == ["BO409"]
    assert office.one("SELECT count(*) FROM review.answer WHERE reason = 'late'") == 0


def test_a_restored_back_up_brings_nobody_back(office: Office, postgres: str) -> None:
    office.day(AFTER_RETENTION)
    office.leave()
    office.erase()
    office.admin("UPDATE vault.subject_key SET key = sha256('old'), destroyed_at = NULL, destroyed_by = NULL")
    office.admin(
        "UPDATE review.person SET name = 'Clara Clerk', email = 'clerk@example.com', active = true WHERE person_id = 'p-clerk'"
    )
    office.admin(
        "UPDATE review.answer SET reason = %s, principal = 'airflow:clerk' WHERE person_id = 'p-clerk'",
        REASON,
    )
    office.admin("UPDATE vault.subject_key SET key = sha256('x') WHERE subject <> 'person:p-clerk'")
    others = office.one("SELECT count(*) FROM vault.subject_key WHERE subject <> 'person:p-clerk'")
    office.admin(f"ALTER DATABASE {office.ledger.database} OWNER TO backoffice_owner")
    migrate(postgres, office.ledger.database)
    assert found_in(everywhere(office.ledger)) == set()
    assert reading_key(office.ledger) is None
    assert office.one("SELECT count(*) FROM vault.subject_key WHERE key IS NOT NULL") == others, "nobody else"


def test_a_vault_that_was_not_restored_with_the_log_is_noticed(office: Office) -> None:
    office.admin("DELETE FROM vault.subject_key")
    assert "restore the schema vault" in refused(
        "BO409", office.answer, office.books.large, "clerk", "accept", "x", "approved"
    )


@pytest.mark.parametrize("role", ["app", "auditor", "sealer", "web", "migrator"])
def test_no_log_in_reads_or_writes_the_keys(office: Office, role: str) -> None:
    with office.ledger.connect(role, autocommit=True) as connection:
        for statement in (
            "SELECT * FROM vault.subject_key",
            "UPDATE vault.subject_key SET key = NULL",
            "SELECT vault.erase_person('p-clerk', 'objection', 1, 'p-a', 'p-b')",
            "SELECT vault.clear_person('p-clerk')",
            "SELECT vault.hold_key('person:p-clerk')",
            "SELECT audit.purge('api_call', '2020-01-01', 1, 'p-a', 'p-b')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        if role not in ("web",):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT vault.writing_key('airflow', 'clerk')")
        if role not in ("auditor",):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT vault.reading_key('person:p-clerk')")


def test_a_field_opens_under_its_own_key_for_its_own_subject_alone(office: Office) -> None:
    office.answer(office.books.price, "manager", "accept", "others words", "approved")
    field = personal_fields(office)[0]
    key, other = reading_key(office.ledger), reading_key(office.ledger, "person:p-manager")
    for wrong in ((other, field["subject"], field["personal"]), (key, "person:p-manager", field["personal"]), (key, field["subject"], "A" + field["personal"][1:-4] + "AAA=")):  # fmt: skip
        with pytest.raises(PersonalDataError):
            decrypt(*wrong)


@pytest.mark.parametrize("form", ["", "x", "AQ==", REASON, None])
def test_no_encrypted_form_no_act(office: Office, form: str | None) -> None:
    before = office.one("SELECT count(*) FROM audit.record")
    refused("BO422", office.hold, "admin", "everything", sealed=form)
    with office.web() as web:
        longer = sealed(web, "airflow", "admin", "x" * 500)
    refused("BO422", office.hold, "admin", "everything", sealed=longer)
    assert office.one("SELECT count(*) FROM audit.record") == before
    assert office.one("SELECT count(*) FROM audit.legal_hold") == 0


def test_every_column_with_words_of_persons_is_known_to_the_erasure(office: Office) -> None:
    """A table that says of whom it speaks and holds free text must be in the list, or a person is erased in part."""
    suspicious = office.admin(
        "SELECT c.table_schema || '.' || c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name) "
        "WHERE t.table_type = 'BASE TABLE' AND c.table_schema IN ('ops', 'audit', 'ledger', 'review', 'vault') AND c.data_type = 'text' "
        "AND c.column_name ~ '(^|_)(reason|principal|name|email|comment|note|words|message)$' "
        "AND EXISTS (SELECT FROM information_schema.columns p WHERE (p.table_schema, p.table_name) = (c.table_schema, c.table_name) AND p.column_name ~ '(person_id|_by)$')"
    )
    known = set(office.admin("SELECT relation, holding FROM vault.personal_columns()"))
    checkpoint = ("audit.log_proposal", "note")  # a signed checkpoint, nobody's words
    of_policy = ("review.case", "priority_reason")  # a sentence of the policy case_priority
    of_invoice = ("review.batch_item", "name")  # the number of an invoice
    assert set(suspicious) - known == {checkpoint, of_policy, of_invoice}
    assert len(suspicious) >= 6


def keep_log_and_change_policies(office: Office) -> None:
    """Let the clerk act on policies and about the log, as who begins and as who ends it."""
    office.admin(
        "INSERT INTO review.authority VALUES ('p-clerk', 'log_keeper', 'audit_log', '*', 0, 'EUR', '2000-01-01', NULL)"
    )
    with office.web() as web:
        end(web, propose(web, "clerk", version(NEXT), reason=POLICY_WORDS), "withdraw", "clerk", reason=REASON)  # fmt: skip
        approve(web, propose(web, "manager", version(NEXT + 1)), "clerk", reason=MESSAGE)
    lines = [VerifyingKey.of(ORIGIN, Ed25519PrivateKey.generate()).line() for _ in range(2)]
    confirm(office.ledger, propose_lost_key(office.ledger, lines[0], "clerk", LOG_WORDS), "manager")
    confirm(office.ledger, propose_lost_key(office.ledger, lines[1], "manager"), "clerk", MESSAGE)


def test_erasing_who_changed_policies_and_kept_the_log(office: Office) -> None:
    keep_log_and_change_policies(office)
    words = {*WORDS, POLICY_WORDS, LOG_WORDS}
    assert found_in(everywhere(office.ledger), words) == words, "the business tables have them"
    assert found_in(bodies(office), words) == set(), "the log has none in plain text"
    subject, key = "person:p-clerk", reading_key(office.ledger)
    fields = [body["principal_and_reason"] for kind in ("policy", "human") for body in office.records(kind) if body.get("person_id") == "p-clerk"]  # fmt: skip
    said = [json.loads(open_field(key, field))["reason"] for field in fields]
    assert said == [POLICY_WORDS, REASON, MESSAGE, REASON, MESSAGE, LOG_WORDS, MESSAGE]
    used = set(office.admin("SELECT kind, record_subject FROM audit.personal_use WHERE subject = %s", subject))  # fmt: skip
    assert {("policy", "policy:approve_invoice"), ("human", "log")} <= used

    office.admin("DELETE FROM review.authority WHERE person_id = 'p-clerk' AND role = 'log_keeper'")
    office.day(AFTER_RETENTION)
    office.leave()
    cleared = office.erase()["result"]["cleared"]
    assert [cleared[f"{table}.reason"] for table in ("review.policy_act", "audit.log_proposal", "audit.log_confirmation")] == [3, 1, 1]  # fmt: skip
    assert found_in(everywhere(office.ledger), words) == set()
    assert key.hex() not in everywhere(office.ledger)
    kept = office.admin("SELECT act, person_id, principal, reason FROM review.policy_act WHERE person_id = 'p-clerk' ORDER BY act_id")  # fmt: skip
    assert kept == [(act, "p-clerk", "erased", "erased") for act in ("propose", "withdraw", "approve")]
    assert office.one("SELECT reason FROM audit.log_proposal WHERE person_id = 'p-manager'") == "gone with the disk"  # fmt: skip


@pytest.mark.parametrize("table", ["review.policy_act", "audit.log_proposal", "audit.log_confirmation"])
def test_words_go_with_the_key_and_nothing_else_goes(office: Office, table: str) -> None:
    keep_log_and_change_policies(office)
    attempts = [
        f"UPDATE {table} SET reason = 'erased'",
        f"UPDATE {table} SET reason = 'another'",
        f"UPDATE {table} SET person_id = 'p-buyer'",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ]
    for attempt in attempts:
        assert "append-only" in refused("BO403", office.admin, attempt), attempt
    office.admin("UPDATE vault.subject_key SET key = NULL, destroyed_at = now(), destroyed_by = 1 WHERE subject = 'person:p-clerk'")  # fmt: skip
    for attempt in attempts[1:]:
        assert "append-only" in refused("BO403", office.admin, f"{attempt} WHERE person_id = 'p-clerk'" if "TRUNCATE" not in attempt else attempt)  # fmt: skip
    refused("BO403", office.admin, attempts[0])
    office.admin(f"{attempts[0]} WHERE person_id = 'p-clerk'")


def test_who_changed_a_policy_is_kept_as_long_as_the_policies_records(office: Office) -> None:
    with office.web() as web:
        end(web, propose(web, "clerk", version(NEXT)), "withdraw", "clerk")
    office.leave()
    message = refused("BO409", office.ask, "manager", "erase_person", person="p-clerk", basis="objection")
    assert "records of class policy until 2036-12-31" in message
