"""A policy is changed by two people, decides from its business day on, and the log says who did what."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest
import yaml
from tests import changing
from tests.answering import sealed
from tests.books import Books
from tests.changing import (
    INSTALLED,
    NEXT,
    SECOND,
    SHIPPED,
    THIRD,
    approve,
    end,
    limited,
    propose,
    version,
)
from tests.conftest import BUSINESS_DATE, Ledger

from backoffice.domain.canonical import canonical_bytes
from backoffice.domain.decision_table import load_policy
from backoffice.domain.personal_data import open_field
from backoffice.domain.policy_impact import replay
from backoffice.exceptions import ConfigurationError
from backoffice.operators.decide import active_policy, decide_open_invoices

pytestmark = pytest.mark.integration
STATES = "SELECT version, state FROM ledger.policy_state WHERE policy_id = 'approve_invoice' ORDER BY version"
ACTIVE = "SELECT version FROM ledger.active_policy WHERE policy_id = 'approve_invoice'"
RECORDS = "SELECT kind, convert_from(body, 'UTF8') FROM audit.record WHERE subject = 'policy:approve_invoice' ORDER BY n"
Connection = psycopg.Connection[Any]


@pytest.fixture
def web(ledger: Ledger) -> Iterator[Connection]:
    with ledger.connect("web", autocommit=True) as connection:
        yield connection


@pytest.fixture
def admin(ledger: Ledger) -> Iterator[Connection]:
    with ledger.connect("admin", autocommit=True) as connection:
        yield connection


def set_day(admin: Connection, day: date) -> None:
    admin.execute("UPDATE ops.simulated_clock SET business_date = %s", (day,))


def states(connection: Connection) -> dict[int, str]:
    return dict(connection.execute(STATES).fetchall())


def active(connection: Connection) -> list[int]:
    return [row[0] for row in connection.execute(ACTIVE)]


def moment(admin: Connection) -> datetime:
    return admin.execute("SELECT clock_timestamp()").fetchone()[0]


def refused(sqlstate: str, act: Any, *arguments: Any, **changed: Any) -> str:
    """Return what a refused act says."""
    with pytest.raises(psycopg.Error) as refusal:
        act(*arguments, **changed)
    assert refusal.value.sqlstate == sqlstate, refusal.value
    return refusal.value.diag.message_primary


# -- two people ------------------------------------------------------------------------------------------------------


def test_two_people_change_a_policy_at_once(web, admin) -> None:
    told = propose(web, "clerk", version(NEXT))
    assert (told["state"], told["version"], told["effective_from"]) == (
        "proposed",
        NEXT,
        BUSINESS_DATE.isoformat(),
    )
    assert active(web) == [INSTALLED]
    assert approve(web, told, "manager")["state"] == "active"
    assert states(web) == {INSTALLED: "superseded", NEXT: "active"}
    row = admin.execute(
        "SELECT content, approved_by, by_owner, effective_from FROM ledger.policy_version WHERE version = %s",
        (NEXT,),
    ).fetchone()
    assert row == (version(NEXT), "p-manager", False, BUSINESS_DATE)


@pytest.mark.parametrize("user", ["clerk", "manager"])
def test_one_person_is_not_enough(web, admin, user) -> None:
    told = propose(web, user, version(NEXT))
    assert "another person" in refused("BO403", approve, web, told, user)
    # the same person by another log-in, also of another system
    admin.execute("INSERT INTO review.identity VALUES ('airflow', 'second', %s)", (f"p-{user}",))
    admin.execute("INSERT INTO review.identity VALUES ('sso', 'me', %s)", (f"p-{user}",))
    refused("BO403", approve, web, told, "second")
    refused("BO403", approve, web, told, "me", system="sso")
    refused("BO403", end, web, told, "refuse", user)
    assert active(web) == [INSTALLED]


@pytest.mark.parametrize(
    ("change", "sqlstate"),
    [
        ("UPDATE review.person SET active = false WHERE person_id = 'p-manager'", "BO401"),
        ("DELETE FROM review.identity WHERE user_id = 'manager'", "BO401"),
        ("DELETE FROM review.authority WHERE person_id = 'p-manager' AND role = 'policy_owner'", "BO403"),
        (
            "UPDATE review.authority SET process = 'of_another_process' WHERE role = 'policy_owner' AND process IN ('*', 'invoice_reconciliation')",
            "BO403",
        ),
        ("UPDATE review.authority SET entity = '1000' WHERE role = 'policy_owner'", "BO403"),
        (
            "UPDATE review.authority SET effective_to = '2026-11-19', effective_from = '2000-01-01' WHERE role = 'policy_owner'",
            "BO403",
        ),
        ("UPDATE review.authority SET effective_from = '2026-11-21' WHERE role = 'policy_owner'", "BO403"),
        ("UPDATE review.authority SET amount_limit = 99999.99 WHERE role = 'policy_owner'", "BO403"),
        ("UPDATE review.authority SET currency = 'USD' WHERE role = 'policy_owner'", "BO403"),
    ],
)
def test_both_need_the_authority_of_the_day_and_the_amount(web, admin, change, sqlstate) -> None:
    told = propose(web, "clerk", version(NEXT))
    admin.execute(change)
    refused(sqlstate, approve, web, told, "manager")
    refused(sqlstate, propose, web, "manager", version(SECOND))
    assert active(web) == [INSTALLED]


def test_authority_ends_with_the_business_day_not_with_the_clock(web, admin) -> None:
    told = propose(web, "clerk", version(NEXT))
    admin.execute(
        "UPDATE review.authority SET effective_to = %s WHERE role = 'policy_owner'", (BUSINESS_DATE,)
    )
    set_day(admin, BUSINESS_DATE + timedelta(days=1))
    refused("BO403", approve, web, told, "manager")
    set_day(admin, BUSINESS_DATE)
    assert approve(web, told, "manager")["state"] == "active"


def test_who_may_sign_depends_on_the_limit_that_is_proposed(web) -> None:
    """The clerk's limit is 250,000, the manager's a million."""
    assert "up to 250000 EUR" in refused("BO403", propose, web, "clerk", limited(NEXT, "250000.01"))
    told = propose(web, "manager", limited(NEXT, "250000.01"))
    refused("BO403", approve, web, told, "clerk")
    assert approve(web, propose(web, "manager", limited(SECOND, "250000.00")), "clerk")["state"] == "active"


@pytest.mark.parametrize("user", ["buyer", "admin"])
def test_other_roles_do_not_own_policies(web, user) -> None:
    refused("BO403", propose, web, user, version(NEXT))
    told = propose(web, "clerk", version(NEXT))
    refused("BO403", approve, web, told, user)
    refused("BO403", end, web, told, "refuse", user)
    refused("BO403", end, web, told, "withdraw", user)


@pytest.mark.parametrize("role", ["app", "auditor", "migrator"])
def test_no_other_log_in_can_take_a_step(ledger: Ledger, web, role) -> None:
    told = propose(web, "clerk", version(NEXT))
    with ledger.connect(role, autocommit=True) as connection:
        refused("42501", propose, connection, "clerk", version(SECOND))
        refused("42501", approve, connection, told, "manager")
        refused("42501", end, connection, told, "refuse", "manager")
        refused("42501", end, connection, told, "withdraw", "clerk")
        for statement in (
            "SELECT ledger.activate_policy(%s, 'installation')",
            "SELECT ledger.enter_policy(%s, 'p-manager', NULL, 1)",
        ):
            refused("42501", connection.execute, statement, (version(SECOND),))
    assert active(web) == [INSTALLED]


def test_refusing_and_withdrawing_end_a_proposal(web) -> None:
    first = propose(web, "clerk", version(NEXT))
    refused("BO403", end, web, first, "withdraw", "manager")
    assert end(web, first, "refuse", "manager")["state"] == "refused"
    refused("BO409", approve, web, first, "manager")
    refused("BO409", end, web, first, "withdraw", "clerk")
    again = propose(web, "clerk", version(NEXT))  # the same text under its number
    assert end(web, again, "withdraw", "clerk")["state"] == "withdrawn"
    refused("BO409", approve, web, again, "manager")
    assert active(web) == [INSTALLED]


def test_of_approvals_at_the_same_moment_one_wins(ledger: Ledger, web, admin) -> None:
    admin.execute(
        "INSERT INTO review.authority VALUES ('p-buyer', 'policy_owner', '*', '*', 1000000, 'EUR', '2000-01-01', NULL)"
    )
    told = propose(web, "clerk", version(NEXT))
    gate, results = threading.Barrier(6), []

    def sign(user: str) -> None:
        with ledger.connect("web", autocommit=True) as connection:
            gate.wait()
            try:
                results.append(approve(connection, told, user)["state"])
            except psycopg.Error as error:
                results.append(error.sqlstate)

    threads = [threading.Thread(target=sign, args=(user,)) for user in ("manager", "buyer") * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["BO409"] * 5 + ["active"]
    assert admin.execute("SELECT count(*) FROM review.policy_act WHERE act = 'approve'").fetchone() == (1,)
    assert states(web) == {INSTALLED: "superseded", NEXT: "active"}


# -- texts and numbers -----------------------------------------------------------------------------------------------


def test_a_number_stands_for_one_text_and_numbers_rise(web) -> None:
    refused("BO409", propose, web, "clerk", SHIPPED)
    refused("BO409", propose, web, "clerk", limited(INSTALLED, "50000.00"))
    refused("BO409", propose, web, "clerk", version(INSTALLED - 1))
    told = propose(web, "clerk", version(THIRD))
    assert "waits as proposal" in refused("BO409", propose, web, "manager", version(THIRD))
    refused("BO409", propose, web, "manager", limited(THIRD, "50000.00"))
    end(web, told, "withdraw", "clerk")
    refused("BO409", propose, web, "manager", limited(THIRD, "50000.00"))
    approve(web, propose(web, "clerk", version(THIRD)), "manager")
    refused("BO409", propose, web, "clerk", version(SECOND))
    refused("BO404", propose, web, "clerk", version(NEXT).replace("policy: approve_invoice", "policy: other"))


def test_what_was_written_on_top_of_an_older_version_is_proposed_anew(web) -> None:
    first, second = propose(web, "clerk", version(NEXT)), propose(web, "clerk", version(SECOND))
    approve(web, first, "manager")
    assert f"version {NEXT}" in refused("BO409", approve, web, second, "manager")
    end(web, second, "withdraw", "clerk")
    assert approve(web, propose(web, "clerk", version(SECOND)), "manager")["state"] == "active"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("machine_limit: 100000.00 EUR\n", ""),
        ("machine_limit: 100000.00 EUR\n", "machine_limit: 100000.00 EUR\nmachine_limit: 1.00 EUR\n"),
        # a second spelling of the key: read line by line it says one thing, read as a whole another
        ("machine_limit: 100000.00 EUR\n", 'machine_limit: 100000.00 EUR\n"machine_limit": 900000.00 EUR\n'),
        ("policy: approve_invoice\n", 'policy: approve_invoice\n"policy": other\n'),
    ],
)
def test_a_text_that_does_not_say_plainly_what_it_is_is_refused(web, old, new) -> None:
    text = version(NEXT).replace(old, new)
    impact = json.loads(canonical_bytes(replay(load_policy(version(NEXT)), [])))
    if '"' in new:
        # today's reader refuses such a text; the ledger does not rely on that
        read = yaml.safe_load(text)
        impact |= {"policy_id": read["policy"], "machine_limit": read["machine_limit"].replace(".00", "")}
    refused("BO422", propose, web, "clerk", text, impact=json.dumps(impact | {"sha256": load_policy(version(NEXT)).sha256}))  # fmt: skip
    assert web.execute("SELECT count(*) FROM review.policy_proposal").fetchone() == (0,)


def test_the_impact_is_that_of_this_text_and_of_what_is_recorded(web) -> None:
    impact = replay(load_policy(version(NEXT)), [])
    for wrong in (
        {"sha256": "0" * 64},
        {"version": str(SECOND)},
        {"decisions": "1"},
        {"last_decision": "1", "decisions": "1"},
    ):
        with pytest.raises(psycopg.Error) as refusal:
            propose(
                web,
                "clerk",
                version(NEXT),
                impact=json.dumps(json.loads(canonical_bytes(impact)) | wrong),
            )
        assert refusal.value.sqlstate in ("BO422", "BO409")


def test_the_second_person_signs_what_was_shown(web) -> None:
    told = propose(web, "clerk", version(NEXT))
    for other in ("0" * 64, "", None):
        refused("BO409", approve, web, told, "manager", impact=other)
    assert approve(web, told, "manager")["state"] == "active"


def test_the_same_key_does_the_same_thing_once(web, admin) -> None:
    told = propose(web, "clerk", version(NEXT), key="propose-1")
    assert propose(web, "clerk", version(NEXT), key="propose-1") == told
    refused("BO409", propose, web, "clerk", version(SECOND), key="propose-1")
    refused("BO409", propose, web, "manager", version(NEXT), key="propose-1")
    refused("BO409", approve, web, told, "manager", key="propose-1")
    done = approve(web, told, "manager", key="approve-1")
    assert approve(web, told, "manager", key="approve-1") == done
    refused("BO409", approve, web, told, "manager", key="approve-1", reason="otherwise")
    refused("BO409", propose, web, "manager", version(SECOND), key="approve-1")
    for blank in ("", " "):
        refused("BO422", propose, web, "clerk", version(SECOND), key=blank)
        refused("BO422", propose, web, "clerk", version(SECOND), reason=blank)
    assert admin.execute("SELECT count(*) FROM review.policy_act").fetchone() == (2,)


# -- days ------------------------------------------------------------------------------------------------------------


def test_a_version_for_a_later_day_decides_from_that_day_on_without_a_job(web, admin) -> None:
    day = BUSINESS_DATE + timedelta(days=10)
    told = approve(web, propose(web, "clerk", version(NEXT), effective=day), "manager")
    assert (told["state"], told["effective_from"]) == ("approved", day.isoformat())
    assert states(web) == {INSTALLED: "active", NEXT: "approved"}
    assert active(web) == [INSTALLED]
    set_day(admin, day - timedelta(days=1))
    assert active(web) == [INSTALLED]
    set_day(admin, day)
    assert active(web) == [NEXT]
    assert states(web) == {INSTALLED: "superseded", NEXT: "active"}


def test_a_day_in_the_past_or_before_what_the_text_says_is_refused(web) -> None:
    refused("BO422", propose, web, "clerk", version(NEXT), effective=BUSINESS_DATE - timedelta(days=1))
    later = version(NEXT).replace("effective_from: 2026-01-01", "effective_from: 2026-12-01")
    refused("BO422", propose, web, "clerk", later, effective=date(2026, 11, 30))
    assert propose(web, "clerk", later)["effective_from"] == "2026-12-01"
    refused("BO422", propose, web, "clerk", version(SECOND), effective="infinity")


def test_what_is_approved_after_its_day_decides_from_then_on(web, admin) -> None:
    told = propose(web, "clerk", version(NEXT))
    set_day(admin, BUSINESS_DATE + timedelta(days=3))
    assert approve(web, told, "manager")["effective_from"] == (BUSINESS_DATE + timedelta(days=3)).isoformat()
    assert active(web) == [NEXT]


def test_a_version_that_was_overtaken_never_decides(web, admin) -> None:
    """The next version is approved for the tenth day, the one after it for the fifth: that decides on both."""
    approve(
        web, propose(web, "clerk", version(NEXT), effective=BUSINESS_DATE + timedelta(days=10)), "manager"
    )
    approve(
        web, propose(web, "clerk", version(SECOND), effective=BUSINESS_DATE + timedelta(days=5)), "manager"
    )
    assert states(web) == {INSTALLED: "active", NEXT: "superseded", SECOND: "approved"}
    for days, deciding in ((4, INSTALLED), (5, SECOND), (9, SECOND), (10, SECOND), (99, SECOND)):
        set_day(admin, BUSINESS_DATE + timedelta(days=days))
        assert active(web) == [deciding]


def test_as_of_a_moment_the_version_that_decided_then_is_found(web, admin) -> None:
    """Under a simulated clock the day of a past moment is that of the latest run."""
    in_force = "SELECT version FROM ledger.policy_in_force('approve_invoice', %s)"
    seen: list[tuple[datetime, int]] = []

    def note(day: date, name: str) -> None:
        set_day(admin, day)
        admin.execute(
            "SELECT ops.open_run('invoice_reconciliation', 'invoice_reconciliation', %s, false, '{}', '0')",
            (name,),
        )
        seen.append((moment(admin), active(admin)[0]))

    before = admin.execute("SELECT min(approved_at) - interval '1 second' FROM ledger.policy_version").fetchone()[0]  # fmt: skip
    note(BUSINESS_DATE, "one")
    approve(web, propose(web, "clerk", version(NEXT), effective=BUSINESS_DATE + timedelta(days=2)), "manager")
    note(BUSINESS_DATE + timedelta(days=1), "two")
    note(BUSINESS_DATE + timedelta(days=2), "three")
    approve(web, propose(web, "clerk", version(SECOND)), "manager")
    note(BUSINESS_DATE + timedelta(days=3), "four")
    decided = [INSTALLED, INSTALLED, NEXT, SECOND]
    assert [number for _, number in seen] == decided
    assert [admin.execute(in_force, (at,)).fetchone()[0] for at, _ in seen] == decided
    assert admin.execute(in_force, (before,)).fetchone() is None
    assert admin.execute("SELECT count(*) FROM ledger.policy_in_force('other', now())").fetchone() == (0,)


def test_as_of_a_moment_by_the_real_clock_the_furthest_companys_day_counts(web, admin) -> None:
    admin.execute("DELETE FROM ops.simulated_clock")
    admin.execute(
        "INSERT INTO ops.entity (entity, name, ledger_currency, time_zone) VALUES ('2000', 'Far east', 'EUR', 'Pacific/Kiritimati')"
    )
    today = admin.execute("SELECT (now() AT TIME ZONE 'Pacific/Kiritimati')::date").fetchone()[0]
    assert admin.execute("SELECT ledger.policy_day()").fetchone() == (today,)
    approve(web, propose(web, "clerk", version(NEXT), effective=today + timedelta(days=2)), "manager")
    rows = admin.execute(
        "SELECT p.version FROM (VALUES (%(day)s::timestamp AT TIME ZONE 'Pacific/Kiritimati' - interval '1 second'), "
        "(%(day)s::timestamp AT TIME ZONE 'Pacific/Kiritimati')) AS m(at), ledger.policy_in_force('approve_invoice', m.at) AS p",
        {"day": today + timedelta(days=2)},
    ).fetchall()
    assert rows == [(INSTALLED,), (NEXT,)]


# -- runs ------------------------------------------------------------------------------------------------------------


def test_a_run_decides_by_the_version_of_its_day(ledger: Ledger, web, admin) -> None:
    """200.00 is approved by the installed version; from the third day on the machine decides up to 100.00 only."""
    day = BUSINESS_DATE + timedelta(days=3)
    approve(web, propose(web, "clerk", limited(NEXT, "100.00"), effective=day), "manager")
    with ledger.connect("app") as app:
        books = Books(app).open_run("night-1")
        books.supplier()
        for line in (1, 2):
            books.order("PO-1", line, 100, 10)
            books.receive("PO-1", line, 100)
        books.invoice("R-1", [("PO-1", 1, 20, 10)])
        books.night()
        set_day(admin, day)
        books.open_run("night-2")
        books.invoice("R-2", [("PO-1", 2, 20, 10)])
        books.night()
    decided = admin.execute(
        "SELECT i.invoice_number, d.outcome, d.policy_version FROM ledger.decision d JOIN purchasing.invoice i ON i.invoice_id = d.subject_id "
        "WHERE d.maker = 'machine' ORDER BY d.decision_id"
    ).fetchall()
    assert ("R-1", "approve", INSTALLED) in decided
    assert [row for row in decided if row[0] == "R-2"] == [("R-2", "review", NEXT)]
    used = [
        json.loads(body) for kind, body in admin.execute(RECORDS) if json.loads(body)["step"] == "first used"
    ]
    assert [(one["version"], one["business_date"], one["effective_from"]) for one in used] == [
        (str(INSTALLED), BUSINESS_DATE.isoformat(), None),
        (str(NEXT), day.isoformat(), day.isoformat()),
    ]


def test_a_change_between_deciding_and_recording_is_refused_and_the_run_goes_on_by_the_new_one(
    ledger: Ledger, web
) -> None:
    with ledger.connect("app") as app:
        books = Books(app).open_run("night-1")
        books.supplier()
        books.order("PO-1", 1, 100, 10)
        books.receive("PO-1", 1, 100)
        books.invoice("R-1", [("PO-1", 1, 10, 10)])
        books.match()
        app.commit()
        held = active_policy(app, "approve_invoice")
        approve(web, propose(web, "clerk", version(NEXT)), "manager")
        refused(
            "BO403",
            app.execute,
            "SELECT ledger.record_machine_decisions(%s, 'approve_invoice', %s, '{1}', '{approve}', '{matched}', '{null}')",
            (books.run_id, held.sha256),
        )
        app.rollback()
        assert decide_open_invoices(app, books.run_id)["recorded"] == 1
        assert app.execute("SELECT policy_version FROM ledger.decision").fetchall() == [(NEXT,)]


# -- the log, and what protects it -----------------------------------------------------------------------------------


def test_each_step_is_a_record_with_person_hash_day_and_impact_and_the_words_encrypted(web, admin) -> None:
    told = propose(web, "clerk", version(NEXT), reason="fewer cases")
    approve(web, told, "manager", reason="tried on October")
    end(web, propose(web, "manager", version(SECOND)), "refuse", "clerk", reason="too loose")
    end(web, propose(web, "manager", version(THIRD)), "withdraw", "manager", reason="a typing error")
    records = [(kind, json.loads(body)) for kind, body in admin.execute(RECORDS).fetchall()]
    assert {kind for kind, _ in records} == {"policy"}
    installed, *steps = [body for _, body in records]
    assert (installed["step"], installed["activated_by"], installed["by_owner"]) == ("activated by the owner", "installation", "true")  # fmt: skip
    keys = dict(admin.execute("SELECT subject, key FROM vault.subject_key").fetchall())
    said = [json.loads(open_field(keys[one["principal_and_reason"]["subject"]], one["principal_and_reason"])) for one in steps]  # fmt: skip
    assert [(one["step"], int(one["version"]), one["person_id"], words["principal"], words["reason"]) for one, words in zip(steps, said, strict=True)] == [
        ("proposed", NEXT, "p-clerk", "airflow:clerk", "fewer cases"),
        ("approved", NEXT, "p-manager", "airflow:manager", "tried on October"),
        ("proposed", SECOND, "p-manager", "airflow:manager", "as discussed"),
        ("refused", SECOND, "p-clerk", "airflow:clerk", "too loose"),
        ("proposed", THIRD, "p-manager", "airflow:manager", "as discussed"),
        ("withdrawn", THIRD, "p-manager", "airflow:manager", "a typing error"),
    ]  # fmt: skip
    assert all(one["principal_and_reason"]["subject"] == f"person:{one['person_id']}" for one in steps)
    assert not {"principal", "reason"} & {name for one in steps for name in one}
    approved = steps[1]
    assert (approved["sha256"], approved["impact_sha256"]) == (told["sha256"], told["impact_sha256"])
    assert (approved["effective_from"], approved["replaces_version"], approved["machine_limit"]) == (BUSINESS_DATE.isoformat(), str(INSTALLED), "100000")  # fmt: skip
    assert approved["proposed_by"] == "p-clerk"


def test_without_the_encrypted_form_of_what_a_person_says_nothing_is_recorded(web, admin) -> None:
    told = propose(web, "clerk", version(NEXT))
    other = sealed(web, "airflow", "manager", "x" * 200)
    before = admin.execute(RECORDS).fetchall()
    for form in (None, "", "plain words", other):
        refused("BO422", propose, web, "clerk", version(SECOND), sealed=form)
        refused("BO422", approve, web, told, "manager", sealed=form)
        refused("BO422", end, web, told, "refuse", "manager", sealed=form)
        refused("BO422", end, web, told, "withdraw", "clerk", sealed=form)
    assert admin.execute(RECORDS).fetchall() == before
    assert admin.execute("SELECT state FROM review.policy_proposal").fetchall() == [("proposed",)]


def test_a_step_that_fails_leaves_no_record(web, admin) -> None:
    told = propose(web, "clerk", version(NEXT))
    before = admin.execute(RECORDS).fetchall()
    refused("BO403", approve, web, told, "clerk")
    refused("BO409", propose, web, "clerk", version(INSTALLED - 1))
    with pytest.raises(ZeroDivisionError), web.transaction():
        approve(web, told, "manager")
        raise ZeroDivisionError
    assert admin.execute(RECORDS).fetchall() == before
    assert active(web) == [INSTALLED]


def test_what_the_owner_activates_alone_is_marked(admin) -> None:
    admin.execute("SELECT ledger.activate_policy(%s, 'Ada, by telephone')", (version(NEXT),))
    assert admin.execute("SELECT approved_by, by_owner FROM ledger.policy_version WHERE version = %s", (NEXT,)).fetchone() == ("Ada, by telephone", True)  # fmt: skip
    body = json.loads(admin.execute(RECORDS).fetchall()[-1][1])
    assert (body["step"], body["by_owner"]) == ("activated by the owner", "true")
    refused("BO403", admin.execute, "SELECT ledger.activate_policy(%s, 'installation')", (version(SECOND),))
    refused("BO409", admin.execute, "SELECT ledger.activate_policy(%s, 'me')", (version(NEXT),))
    refused("BO409", admin.execute, "SELECT ledger.activate_policy(%s, 'me')", (limited(NEXT, "5.00"),))
    refused("BO409", admin.execute, "SELECT ledger.activate_policy(%s, 'me')", (version(INSTALLED),))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.policy_version SET content = content || ' '",
        "UPDATE ledger.policy_version SET effective_from = '2000-01-01'",
        "DELETE FROM ledger.policy_version",
        "UPDATE review.policy_proposal SET content = content || ' '",
        "UPDATE review.policy_proposal SET impact_text = '{}'",
        "UPDATE review.policy_proposal SET proposed_by = 'p-buyer'",
        "DELETE FROM review.policy_proposal",
        "UPDATE review.policy_act SET person_id = 'p-buyer'",
        "DELETE FROM review.policy_act",
        "DELETE FROM ledger.policy_use",
        "TRUNCATE ledger.policy_version CASCADE",
    ],
)
def test_not_even_the_owner_rewrites_what_was_proposed_and_approved(ledger: Ledger, web, statement) -> None:
    approve(web, propose(web, "clerk", version(NEXT)), "manager")
    with ledger.connect("migrator") as connection:
        connection.execute("SET ROLE backoffice_owner")
        refused("BO403", connection.execute, statement)


def test_changing_makes_the_whole_change(web) -> None:
    assert changing.change(web, version(NEXT))["state"] == "active"


# -- the last day ----------------------------------------------------------------------------------------------------

LAST = BUSINESS_DATE + timedelta(days=2)


def dated(number: int, *lines: str) -> str:
    """Return the shipped text as another version, its line of days replaced by others."""
    return version(number).replace("effective_from: 2026-01-01", "\n".join(lines))


def ending(number: int, last: date = LAST) -> str:
    return dated(number, "effective_from: 2026-01-01", f"effective_to: {last}")


def test_behind_its_last_day_a_version_decides_nothing_and_no_earlier_one_comes_back(web, admin) -> None:
    approve(web, propose(web, "clerk", ending(NEXT)), "manager")
    for days, deciding in ((0, [NEXT]), (2, [NEXT]), (3, []), (400, [])):
        set_day(admin, BUSINESS_DATE + timedelta(days=days))
        assert active(web) == deciding
    assert states(web) == {INSTALLED: "superseded", NEXT: "ended"}
    told = approve(web, propose(web, "clerk", version(SECOND)), "manager")
    assert told["state"] == "active"
    assert states(web) == {INSTALLED: "superseded", NEXT: "superseded", SECOND: "active"}


def test_as_of_a_moment_behind_the_last_day_no_version_is_found(web, admin) -> None:
    in_force = "SELECT version FROM ledger.policy_in_force('approve_invoice', %s)"
    approve(web, propose(web, "clerk", ending(NEXT)), "manager")
    seen = []
    for days in (2, 3):
        set_day(admin, BUSINESS_DATE + timedelta(days=days))
        admin.execute(
            "SELECT ops.open_run('invoice_reconciliation', 'invoice_reconciliation', %s, false, '{}', '0')",
            (f"night-{days}",),
        )
        seen.append(moment(admin))
    assert [admin.execute(in_force, (at,)).fetchone() for at in seen] == [(NEXT,), None]


def test_as_of_a_moment_by_the_real_clock_the_last_day_ends_with_the_furthest_company(web, admin) -> None:
    admin.execute("DELETE FROM ops.simulated_clock")
    today = admin.execute("SELECT ledger.policy_day()").fetchone()[0]
    last = today + timedelta(days=2)
    approve(web, propose(web, "clerk", ending(NEXT, last)), "manager")
    zone = admin.execute("SELECT time_zone FROM ops.entity").fetchone()[0]
    rows = admin.execute(
        "SELECT (SELECT p.version FROM ledger.policy_in_force('approve_invoice', m.at) AS p) FROM (VALUES "
        "((%(day)s::date + 1)::timestamp AT TIME ZONE %(zone)s - interval '1 second'), "
        "((%(day)s::date + 1)::timestamp AT TIME ZONE %(zone)s)) AS m(at)",
        {"day": last, "zone": zone},
    ).fetchall()
    assert rows == [(NEXT,), (None,)]


def test_a_version_is_neither_proposed_nor_approved_behind_its_last_day(web, admin) -> None:
    past = ending(NEXT, BUSINESS_DATE - timedelta(days=1))
    assert "counts until 2026-11-" in refused("BO422", propose, web, "clerk", past)
    refused("BO422", propose, web, "clerk", ending(NEXT), effective=LAST + timedelta(days=1))
    told = propose(web, "clerk", ending(NEXT))
    set_day(admin, LAST + timedelta(days=1))
    assert "that day has passed" in refused("BO409", approve, web, told, "manager")
    set_day(admin, LAST)
    assert approve(web, told, "manager")["state"] == "active"


def test_without_an_active_version_the_run_says_which_since_when_and_what_to_do(
    ledger: Ledger, web, admin
) -> None:
    approve(web, propose(web, "clerk", ending(NEXT)), "manager")
    later = LAST + timedelta(days=9)
    with ledger.connect("app") as app:
        books = Books(app).open_run("night-1")
        books.supplier()
        books.order("PO-1", 1, 100, 10)
        books.receive("PO-1", 1, 100)
        books.invoice("R-1", [("PO-1", 1, 10, 10)])
        books.match()
        app.commit()
        set_day(admin, LAST + timedelta(days=1))
        with pytest.raises(ConfigurationError) as refusal:
            decide_open_invoices(app, books.run_id)
        app.rollback()
        assert f"version {NEXT} decided until {LAST}" in str(refusal.value)
        assert "backoffice policy activate" in str(refusal.value)
        assert app.execute("SELECT count(*) FROM ledger.decision").fetchone() == (0,)
        approve(web, propose(web, "clerk", version(SECOND), effective=later), "manager")
        with pytest.raises(ConfigurationError, match=f"version {SECOND} begins on {later}"):
            decide_open_invoices(app, books.run_id)
        app.rollback()
        set_day(admin, later)
        assert decide_open_invoices(app, books.run_id)["recorded"] == 1
    with pytest.raises(ConfigurationError, match="none is entered"):
        active_policy(web, "other")


def test_what_the_ledger_gives_and_the_policy_does_not_declare_stops_the_run(ledger: Ledger, web) -> None:
    renamed = version(NEXT).replace("days_until_due", "days_untill_due")
    approve(web, propose(web, "clerk", renamed), "manager")
    with ledger.connect("app") as app:
        books = Books(app).open_run("night-1")
        books.supplier()
        books.order("PO-1", 1, 100, 10)
        books.receive("PO-1", 1, 100)
        books.invoice("R-1", [("PO-1", 1, 10, 10)])
        books.match()
        with pytest.raises(
            ConfigurationError, match="has no input days_until_due; did you mean days_untill_due"
        ):
            decide_open_invoices(app, books.run_id)


@pytest.mark.parametrize(
    "lines",
    [
        ['effective_from: "2030-01-01"'],
        ['"effective_from": 2030-01-01'],
        ["'effective_from' : 2030-01-01"],
        ["effective_from: 2026-01-01", 'effective_to: "2030-01-01"'],
        ["effective_from: 2026-01-01", "effective_to: 2030-01-01", '"effective_to": 2031-01-01'],
        ["effective_from: 2026-01-01", "effective_from: 2026-01-02"],
        ["effective_from: 2026-01-01 # at once"],
        ["effective_from: 2026-01-01", "effective_to: null"],
        ["effective_from: 2026-01-01", "effective_to: 2026-02-30"],
        ["effective_from: 2026-01-01", "effective_to: 0000-01-01"],
    ],
)
def test_a_day_that_does_not_stand_there_plainly_is_refused(web, admin, lines) -> None:
    """Today's reader refuses such a text; the ledger does not rely on that, on neither way."""
    text = dated(NEXT, *lines)
    impact = json.loads(canonical_bytes(replay(load_policy(version(NEXT)), [])))
    refused("BO422", propose, web, "clerk", text, impact=json.dumps(impact))
    refused("BO422", admin.execute, "SELECT ledger.activate_policy(%s, 'me')", (text,))
    assert active(web) == [INSTALLED]


def test_the_days_of_the_lines_are_those_that_were_proved(web) -> None:
    impact = json.loads(canonical_bytes(replay(load_policy(ending(NEXT)), [])))
    for wrong in ({"effective_to": None}, {"effective_to": "2026-12-31"}, {"effective_from": "2025-01-01"}):
        said = refused("BO422", propose, web, "clerk", ending(NEXT), impact=json.dumps(impact | wrong))
        assert "the lines of the text say" in said
