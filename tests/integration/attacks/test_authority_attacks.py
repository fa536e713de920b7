"""Attacks on "no act without authority", each by a log-in that has everything it has in production.

After each attack the attacker also runs what the night runs: posting, cases, booking of answers. Then the journal, payment
proposals, holds and states must be those of a ledger that was not attacked. What is *not* stopped stands in
docs/explanation/threats.md and, as far as it can be shown, in the last test of test_staged_lies.py.
"""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest
from tests.answering import decide, open_cases
from tests.books import Books, digest
from tests.integration.attacks.target import ACTIVE, RECORD, Target, aftermath, approve, expect_nothing_gained

pytestmark = pytest.mark.integration


def test_there_is_something_to_steal(target: Target) -> None:
    text = "\n".join(line for lines in target.untouched.values() for line in lines)
    for number in ("R-PAID", "R-PRICE", "R-QTY", "R-DUP", "R-WAITS", "R-BIG", "R-NEW", "R-BIG-NEW"):
        assert number in text
    assert len(target.untouched["payment proposals"]) == 2, "R-PAID and the first R-DUP"
    assert {line.split(" | ")[2] for line in target.untouched["open holds"]} == {
        "PRICE",
        "QTY_ORD",
        "QTY_REC",
        "NO_RECEIPT",
        "DUP_EXACT",
        "APPROVAL",
    }
    assert {line.split(" | ")[3] for line in target.untouched["cases"]} == {
        "buyer",
        "receiver",
        "ap_clerk",
        "ap_manager",
    }


# -- forged machine decisions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["R-PRICE", "R-QTY", "R-DUP", "R-WAITS", "R-BIG", "R-BIG-NEW"])
@pytest.mark.parametrize("rule", ["matched", "above_machine_limit", "forged"])
def test_a_forged_approval_releases_nothing(target: Target, victim: str, number: str, rule: str) -> None:
    """The machine's own log-in records "approve" for what is held, parked, waiting or above the limit."""
    with target.copies.connect(victim, "app") as app:
        sha256 = app.execute(ACTIVE).fetchone()[0]
        invoice = target.invoice(app, number)
        approve(app, target.run_id, sha256, invoice, rule, '{"why": "forged"}')
        app.execute("SELECT ledger.post_entries(%s)", (target.run_id,))
    after = aftermath(target, victim)
    money = ("journal", "payment proposals", "GR/IR", "open items")
    assert {name: after[name] for name in money} == {name: target.untouched[name] for name in money}
    assert set(target.untouched["open holds"]) <= set(after["open holds"])


def test_an_approval_does_not_outlive_its_facts(target: Target, victim: str) -> None:
    """R-NEW is rightly approved; before it is posted its order becomes cheaper: nothing is posted on the old approval."""
    with target.copies.connect(victim, "app") as app:
        sha256 = app.execute(ACTIVE).fetchone()[0]
        approve(app, target.run_id, sha256, target.invoice(app, "R-NEW"))
        books = Books(app, target.run_id)
        books.order("PO-1", 5, 100, 5, version=2)
        books.accept()
        app.execute("SELECT ledger.post_entries(%s)", (target.run_id,))
        assert books.status("R-NEW") == ("matched", False, None), "posted before the new facts were compared"
        app.execute("SELECT ledger.match_invoices(%s)", (target.run_id,))
        app.execute("SELECT ledger.post_entries(%s)", (target.run_id,))
        assert books.codes("R-NEW") == {"1": ["PRICE"]}
        assert books.status("R-NEW") == ("held", False, None), "posted on an approval of other facts"


@pytest.mark.parametrize("asked", ["never", "in another transaction", "by another run", "about others"])
def test_what_nobody_asked_for_is_not_decided(target: Target, victim: str, asked: str) -> None:
    """What a decision rests on is the ledger's own reading of the same transaction; a decision without one is none."""
    with target.copies.connect(victim, "app") as app:
        sha256, run_id = app.execute(ACTIVE).fetchone()[0], target.run_id
        number = "R-NEW"
        if asked == "in another transaction":
            app.execute("SELECT ledger.decision_input(%s)", (run_id,))
            app.commit()
        elif asked == "by another run":
            app.execute("SELECT ledger.decision_input(%s)", (run_id - 1,))
        elif asked == "about others":
            app.execute("SELECT ledger.decision_input(%s)", (run_id,))
            number = "R-PAID"
        with pytest.raises(psycopg.Error) as refusal:
            app.execute(
                RECORD, (run_id, sha256, [target.invoice(app, number)], ["approve"], ["matched"], ["{}"])
            )
        assert refusal.value.sqlstate == "BO403"
        assert "decision_input" in str(refusal.value)
        app.rollback()
        assert app.execute(
            "SELECT count(*) FROM ledger.decision WHERE run_id = %s", (run_id,)
        ).fetchone() == (0,)


@pytest.mark.parametrize("version", ["inactive", "foreign", "a file that nobody activated", None])
def test_a_decision_by_another_policy_is_refused(target: Target, victim: str, version: str | None) -> None:
    with target.copies.connect(victim, "app") as app:
        hashes = {
            "inactive": app.execute("SELECT sha256 FROM ledger.policy_version WHERE version = 4").fetchone()[
                0
            ],
            "foreign": "0" * 64,
            "a file that nobody activated": digest("draft").hex(),
            None: None,
        }
        with pytest.raises(psycopg.Error) as refusal:
            approve(app, target.run_id, hashes[version], target.invoice(app, "R-NEW"))
        assert refusal.value.sqlstate == "BO403"
    expect_nothing_gained(target, victim)


# -- other tolerances, other runs, other clocks ---------------------------------------------------------------------------


def test_a_generous_tolerance_set_is_for_rehearsals_alone(target: Target, victim: str) -> None:
    """Neither in a real run, nor in one that calls itself dry and then commits."""
    with target.copies.connect(victim, "app") as app:
        with pytest.raises(psycopg.Error) as refusal:
            app.execute("SELECT ledger.match_invoices(%s, 'generous')", (target.run_id,))
        assert refusal.value.sqlstate == "BO403"
        app.rollback()
        for ending in ("COMMIT", "SET CONSTRAINTS ALL IMMEDIATE"):
            dry = Books(app).open_run("dry", dry_run=True)
            app.execute("SELECT ledger.match_invoices(%s, 'generous')", (dry.run_id,))
            with pytest.raises(psycopg.Error) as refusal:
                app.execute(ending)
            assert refusal.value.sqlstate == "BO403"
            app.rollback()
    expect_nothing_gained(target, victim)


@pytest.mark.parametrize(
    "function",
    [
        "intake.accept_loads(%s)",
        "ledger.match_invoices(%s)",
        "ledger.post_entries(%s)",
        "review.open_cases(%s)",
        "review.book_answers(%s, 'invoice_reconciliation')",
    ],
)
def test_a_dry_run_keeps_nothing_whoever_commits(target: Target, victim: str, function: str) -> None:
    with target.copies.connect(victim, "app") as app:
        dry = Books(app).open_run("dry", dry_run=True)
        app.commit()
        app.execute(f"SELECT {function}", (dry.run_id,))
        with pytest.raises(psycopg.Error) as refusal:
            app.commit()
        assert refusal.value.sqlstate == "BO403"
    expect_nothing_gained(target, victim)


def test_a_run_of_an_invented_process_gains_nothing(target: Target, victim: str) -> None:
    """Decisions of a process that nobody knows, posted by its own run."""
    with target.copies.connect(victim, "app") as app:
        run_id = app.execute("SELECT ops.open_run('other', 'other', 'other', false, '{}', '0')").fetchone()[0]
        sha256 = app.execute(ACTIVE).fetchone()[0]
        for number in ("R-PRICE", "R-DUP", "R-BIG", "R-BIG-NEW", "R-WAITS"):
            approve(app, run_id, sha256, target.invoice(app, number))
        app.execute("SELECT ledger.post_entries(%s)", (run_id,))
        app.execute("SELECT review.book_answers(%s, 'other')", (run_id,))
    after = aftermath(target, victim)
    for name in ("journal", "payment proposals", "GR/IR", "open items"):
        assert after[name] == target.untouched[name]


@pytest.mark.parametrize(
    "setting",
    ["timezone = 'Pacific/Kiritimati'", "datestyle = 'German'", "intervalstyle = 'iso_8601'", "backoffice.load_id = '1'", "search_path = pg_temp, public",
     "transform_null_equals = on", "array_nulls = off", "bytea_output = 'escape'", "row_security = off", "default_transaction_isolation = 'repeatable read'"],
)  # fmt: skip
def test_the_callers_settings_change_no_outcome(target: Target, victim: str, setting: str) -> None:
    with target.copies.connect(victim, "app", autocommit=True) as app:
        app.execute(f"SET {setting}")
        app.execute("SELECT ledger.match_invoices(%s)", (target.run_id,))
        app.execute("SELECT ledger.post_entries(%s)", (target.run_id,))
    expect_nothing_gained(target, victim)


def test_temporary_objects_shadow_nothing(target: Target, victim: str) -> None:
    """The attacker's session is full of tables, views, functions, operators and types named like the product's and Postgres' own."""
    with target.copies.connect(victim, "app", autocommit=True) as app:
        tables = app.execute(
            "SELECT DISTINCT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('ops', 'audit', 'intake', 'purchasing', 'ledger', 'review') AND c.relkind IN ('r', 'v')"
        ).fetchall()
        for (name,) in tables:
            app.execute(
                f"CREATE TEMP TABLE \"{name}\" AS SELECT s.* FROM (SELECT NULL::bigint AS invoice_id, 'approve' AS outcome, 1e12 AS machine_limit, 'matched' AS state) s"
            )
        for function in (
            "now() RETURNS timestamptz",
            "abs(numeric) RETURNS numeric",
            "round(numeric, integer) RETURNS numeric",
            "sha256(bytea) RETURNS bytea",
            "coalesce_it() RETURNS int",
            "lock_process(text) RETURNS void",
            "rehearse(text) RETURNS void",
            "pg_advisory_xact_lock(bigint) RETURNS void",
            "evidence_of(bigint[]) RETURNS int",
            "queue_related(bigint) RETURNS void",
        ):
            app.execute(
                f"CREATE FUNCTION pg_temp.{function} LANGUAGE sql AS 'SELECT NULL::{function.rpartition(' ')[2]}'"
            )
        app.execute(
            "CREATE FUNCTION pg_temp.never(numeric, numeric) RETURNS boolean LANGUAGE sql AS 'SELECT true'"
        )
        for operator in ("<=", ">", "="):
            app.execute(
                f"CREATE OPERATOR pg_temp.{operator} (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = pg_temp.never)"
            )
        app.execute("CREATE DOMAIN pg_temp.numeric AS text")
        app.execute("SET search_path = pg_temp, pg_catalog")
        sha256 = (
            "SELECT sha256 FROM ledger.active_policy WHERE policy_id OPERATOR(pg_catalog.=) 'approve_invoice'"
        )
        active = app.execute(sha256).fetchone()[0]
        for number in ("R-PRICE", "R-DUP", "R-BIG-NEW"):
            row = app.execute(
                "SELECT invoice_id FROM purchasing.invoice WHERE invoice_number OPERATOR(pg_catalog.=) %s ORDER BY invoice_id DESC",
                (number,),
            ).fetchone()
            approve(app, target.run_id, active, row[0])
        app.execute("SELECT ledger.match_invoices(%s)", (target.run_id,))
        app.execute("SELECT ledger.post_entries(%s)", (target.run_id,))
        app.execute("SELECT review.open_cases(%s)", (target.run_id,))
    after = aftermath(target, victim)
    for name in ("journal", "payment proposals", "GR/IR", "open items"):
        assert after[name] == target.untouched[name]
    assert set(target.untouched["open holds"]) <= set(after["open holds"])


def test_a_person_with_authority_still_gets_through(target: Target, victim: str) -> None:
    """The control: the same ledger, the right person, and the hold is released, booked and paid."""
    with target.copies.connect(victim, "web", autocommit=True) as web:
        case = next(case for case in open_cases(web) if case["codes"] == ["PRICE"])
        decide(web, case, "buyer", "accept")
    after = aftermath(target, victim)
    gained = set(after["payment proposals"]) - set(target.untouched["payment proposals"])
    assert [Decimal(line.split(" | ")[1]) for line in gained] == [Decimal("1440")]
