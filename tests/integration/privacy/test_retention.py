"""How long what is kept, what a hold covers, and purging: the tree stays, and no gap is unexplained."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.integration.privacy.conftest import AFTER_RETENTION, Office, refused

pytestmark = pytest.mark.integration

CALL = {"method": "GET", "url": "erp:/orders", "status": "200", "sha256": "00", "size": "2", "at": "now"}
ROUTINES = Path(__file__).resolve().parents[3] / "plugins" / "backoffice" / "migrations" / "routines"


def record_calls(office: Office, count: int = 3) -> None:
    with office.ledger.connect("app") as app:
        app.execute("SELECT audit.record_calls(%s, %s)", (office.books.run_id, Jsonb([CALL] * count)))


def purge(office: Office, record_class: str, before: date) -> dict[str, Any]:
    """Two persons purge."""
    request = office.ask("manager", "purge_records", **{"class": record_class, "before": before})
    return office.reply("admin", request)["result"]


def problems(office: Office) -> list[Any]:
    with office.ledger.connect("auditor") as auditor:
        return auditor.execute("SELECT leaf_index, problem FROM audit.check_purges()").fetchall()


# -- classes ---------------------------------------------------------------------------------------------------------


def test_every_kind_of_record_has_a_class(office: Office) -> None:
    definition = office.one(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'record_kind_check'"
    )
    kinds = re.findall(r"'(\w+)'", definition)
    assert len(kinds) >= 11
    for kind in kinds:
        assert office.one("SELECT audit.class_of(%s, 'whatever:1')", kind), kind


def test_every_record_that_was_written_has_exactly_one_class(office: Office) -> None:
    record_calls(office)
    rows = office.admin("SELECT DISTINCT kind, subject, audit.class_of(kind, subject) FROM audit.record")
    assert len(rows) > 10
    assert [row for row in rows if row[2] is None] == []
    split = "SELECT count(*) FROM audit.retention r, audit.old_records(r.class, '2999-01-01')"
    assert office.one(split) == office.one("SELECT count(*) FROM audit.leaf")


def test_a_record_of_no_class_is_kept(office: Office) -> None:
    office.admin("DELETE FROM audit.record_class WHERE kind = 'human'")
    office.day(date(2200, 1, 1))
    office.leave()
    assert "records of no class" in refused(
        "BO409", office.ask, "manager", "erase_person", person="p-clerk", basis="objection"
    )


@pytest.mark.parametrize(
    ("record_class", "day", "month", "kept"),
    [
        ("api_call", date(2026, 11, 25), 12, date(2027, 11, 25)),
        ("api_call", date(2028, 2, 29), 12, date(2029, 2, 28)),
        ("path", date(2026, 11, 25), 12, date(2029, 11, 25)),
        ("accounting", date(2026, 1, 1), 12, date(2036, 12, 31)),
        ("accounting", date(2026, 12, 31), 12, date(2036, 12, 31)),
        ("accounting", date(2027, 1, 1), 12, date(2037, 12, 31)),
        ("accounting", date(2026, 3, 31), 3, date(2036, 3, 31)),
        ("accounting", date(2026, 4, 1), 3, date(2037, 3, 31)),
        ("accounting", date(2026, 2, 28), 2, date(2036, 2, 28)),
        ("aml", date(2026, 11, 25), 12, date(2031, 11, 25)),
    ],
)
def test_how_long_a_class_is_kept(
    office: Office, record_class: str, day: date, month: int, kept: date
) -> None:
    office.admin("UPDATE ops.entity SET fiscal_year_ends_in = %s", month)
    assert office.one("SELECT audit.kept_until(%s, %s)", record_class, day) == kept


def test_the_latest_fiscal_year_of_several_companies_counts(office: Office) -> None:
    office.admin(
        "INSERT INTO ops.entity (entity, name, ledger_currency, fiscal_year_ends_in) VALUES ('2000', 'Second', 'EUR', 3)"
    )
    assert office.one("SELECT audit.kept_until('accounting', '2026-11-25')") == date(2037, 3, 31)


@pytest.mark.parametrize("record_class", ["log", "unknown", None])
def test_for_ever(office: Office, record_class: str | None) -> None:
    assert office.one("SELECT audit.kept_until(%s, '2026-11-25')::text", record_class) == "infinity"


def test_every_class_of_a_statement_is_one_of_the_table(office: Office) -> None:
    """The classes that routines name are in the shipped data."""
    named = set(
        re.findall(r"kept_until\('(\w+)'", "".join(path.read_text() for path in ROUTINES.glob("*.sql")))
    )
    assert named == {"accounting"}
    assert named <= {row[0] for row in office.admin("SELECT class FROM audit.retention")}


# -- purging ---------------------------------------------------------------------------------------------------------


def test_a_purge_takes_bodies_and_leaves_the_tree(office: Office) -> None:
    record_calls(office, 600)
    office.seal()
    there = office.proven()
    leaves = office.admin(
        "SELECT l.leaf_index / 256, r.leaf FROM audit.record r JOIN audit.leaf l USING (record_id) WHERE r.kind = 'api_call' ORDER BY l.leaf_index"
    )
    blocks = [b"".join(leaf for _, leaf in group) for _, group in groupby(leaves, itemgetter(0))]
    assert len(blocks) >= 3
    office.day(date(2028, 1, 10))
    result = purge(office, "api_call", date(2027, 1, 1))
    digest = hashlib.sha256(b"".join(hashlib.sha256(block).digest() for block in blocks)).hexdigest()
    assert result == {"records": 600, "held": 0, "leaves_sha256": digest}
    assert office.one("SELECT count(*) FROM audit.record WHERE kind = 'api_call' AND body IS NULL") == 600
    office.seal()
    assert office.proven() > there - 600
    assert problems(office) == []
    (erasure,) = office.records("erasure")
    expected = {"step": "records purged", "class": "api_call", "before": "2027-01-01", "records": "600", "held": "0",
                "leaves_sha256": digest, "years": "1", "requested_by": "p-manager", "approved_by": "p-admin"}  # fmt: skip
    assert {name: erasure[name] for name in expected} == expected


def test_a_purge_takes_what_was_sealed_alone(office: Office) -> None:
    record_calls(office)
    office.day(date(2028, 1, 10))
    refused("BO409", purge, office, "api_call", date(2027, 1, 1))
    office.seal()
    assert purge(office, "api_call", date(2027, 1, 1))["records"] == 3
    refused(
        "BO409",
        office.reply,
        "admin",
        office.ask("manager", "purge_records", key="2", **{"class": "api_call", "before": date(2027, 1, 1)}),
    )


def test_a_purge_that_reaches_into_what_is_kept_is_refused(office: Office) -> None:
    record_calls(office)
    office.seal()
    message = refused("BO409", purge, office, "api_call", date(2026, 12, 31))
    assert "api_call is kept for 1 years" in message
    day = office.one("SELECT max((recorded_at AT TIME ZONE 'UTC')::date) FROM audit.record")
    office.day(day.replace(year=day.year + 1))
    assert str(day.replace(year=day.year + 1)) in refused(
        "BO409", purge, office, "api_call", date(2026, 12, 31)
    )
    refused("BO409", purge, office, "api_call", date(2999, 1, 1))
    assert "kept as long as the log" in refused("BO422", purge, office, "log", date(2020, 1, 1))
    assert "no record class" in refused("BO422", purge, office, "nonsense", date(2020, 1, 1))


def test_what_is_held_stays_and_is_counted(office: Office) -> None:
    record_calls(office)
    office.seal()
    office.day(AFTER_RETENTION)
    invoice = "invoice:" + office.one(
        "SELECT subject_key FROM review.case WHERE case_id = %s", office.books.duplicate
    )
    hold = office.hold(scope_kind="subject", scope=invoice)
    result = purge(office, "human_act", date(2027, 1, 1))
    assert (result["records"], result["held"]) == (1, 1)
    assert (
        office.one(
            "SELECT count(*) FROM audit.record WHERE kind = 'human' AND subject = %s AND body IS NULL",
            invoice,
        )
        == 0
    )
    office.reply("admin", office.ask("manager", "lift_hold", hold=hold))
    office.hold(scope_kind="class", scope="api_call")
    refused("BO409", purge, office, "api_call", date(2027, 1, 1))
    assert problems(office) == []


@pytest.mark.parametrize(
    ("scope_kind", "scope"), [("entity", "1000"), ("everything", None), ("person", "p-clerk")]
)
def test_a_hold_covers_what_is_not_known_to_be_elsewhere(
    office: Office, scope_kind: str, scope: str | None
) -> None:
    office.day(AFTER_RETENTION)
    office.hold(scope_kind=scope_kind, scope=scope)
    refused("BO409", purge, office, "human_act", date(2027, 1, 1))


def test_two_persons_purge_and_lift(office: Office) -> None:
    record_calls(office)
    office.seal()
    office.day(date(2028, 1, 10))
    hold = office.hold()
    for request in (
        office.ask("manager", "purge_records", **{"class": "api_call", "before": date(2027, 1, 1)}),
        office.ask("manager", "lift_hold", hold=hold),
    ):
        refused("BO403", office.reply, "manager", request)
    office.reply("admin", request)
    assert [body["step"] for body in office.records("human") if body.get("hold_id")] == [
        "hold placed",
        "privacy act requested",
        "hold lifted",
    ]
    refused("BO404", office.ask, "manager", "lift_hold", hold=hold, key="again")


@pytest.mark.parametrize(
    "scope", [("class", "nonsense"), ("entity", "9999"), ("person", "p-nobody"), ("subject", "invoice:00"), ("everything", "x"), ("class", None), ("planet", "earth"), (None, None)]
)  # fmt: skip
def test_a_hold_on_nothing_is_refused(office: Office, scope: tuple[str, str | None]) -> None:
    refused("BO422", office.hold, "admin", scope[0], scope[1])


# -- attackers -------------------------------------------------------------------------------------------------------


def as_owner(office: Office, *statements: str) -> None:
    with office.ledger.connect("admin") as connection:
        connection.execute("SET ROLE backoffice_owner")
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "statements",
    [
        ("UPDATE audit.record SET body = NULL",),
        ("UPDATE audit.record SET body = NULL, kind = 'api_call'",),
        ("UPDATE audit.record SET body = 'x', leaf = sha256('\\x00'::bytea || 'x')",),
        ("UPDATE audit.record SET recorded_at = '2000-01-01'",),
        # an erasure of another transaction opens nothing
        ("INSERT INTO audit.purged SELECT leaf_index, (SELECT min(record_id) FROM audit.record) FROM audit.leaf", "UPDATE audit.record SET body = NULL"),
        ("DELETE FROM audit.record",),
        ("TRUNCATE audit.record CASCADE",),
        ("INSERT INTO audit.record (subject, n, kind, leaf) VALUES ('log', 999, 'path', '\\x00')",),
        ("DELETE FROM audit.purged", "TRUNCATE audit.purged"),
    ],
)  # fmt: skip
def test_the_owner_cannot_take_a_body_away_without_saying_so(
    office: Office, statements: tuple[str, ...]
) -> None:
    refused("BO403", as_owner, office, *statements)
    with office.ledger.connect("admin") as connection:
        connection.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.Error):
            for statement in statements:
                connection.execute(statement)
    office.proven()


def without_triggers(office: Office, *statements: str) -> None:
    """What somebody does who owns the server."""
    with office.ledger.connect("admin") as connection:
        connection.execute("ALTER TABLE audit.record DISABLE TRIGGER ALL")
        connection.execute("ALTER TABLE audit.purged DISABLE TRIGGER ALL")
        for statement in statements:
            connection.execute(statement)


PICKED = "(SELECT min(l.leaf_index) FROM audit.leaf l JOIN audit.record r USING (record_id) WHERE r.kind = 'human')"
EMPTY = f"UPDATE audit.record SET body = NULL WHERE record_id = (SELECT record_id FROM audit.leaf WHERE leaf_index = {PICKED})"
ERASURE = "(SELECT max(record_id) FROM audit.record WHERE kind = 'erasure')"


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ((EMPTY,), "no record says"),
        ((EMPTY, f"INSERT INTO audit.purged VALUES ({PICKED}, {ERASURE})"), "does not account"),
        ((EMPTY, f"INSERT INTO audit.purged VALUES ({PICKED}, 1)"), "says nothing"),
        ((EMPTY, f"UPDATE audit.purged SET leaf_index = {PICKED} WHERE leaf_index = (SELECT min(leaf_index) FROM audit.purged)"), "does not account"),
        ((f"INSERT INTO audit.purged VALUES ({PICKED}, {ERASURE})",), "its body is there"),
        (("DELETE FROM audit.purged",), "no record says"),
        ((f"DELETE FROM audit.record WHERE record_id = {ERASURE}",), "says nothing"),
        (("UPDATE audit.record SET leaf = sha256(leaf) WHERE body IS NULL",), "does not account"),
    ],
)  # fmt: skip
def test_a_gap_that_nobody_accounts_for_is_found(
    office: Office, statements: tuple[str, ...], expected: str
) -> None:
    record_calls(office)
    office.seal()
    office.day(date(2028, 1, 10))
    purge(office, "api_call", date(2027, 1, 1))
    office.seal()
    assert problems(office) == []
    without_triggers(office, *statements)
    assert any(expected in problem for _, problem in problems(office)), problems(office)
