"""Attacks on "no act without authority", each by a log-in that has everything it has in production.

After each attack the attacker also runs what the night runs: posting, cases, booking of answers. Then the journal, payment
proposals, holds and states must be those of a ledger that was not attacked. What is *not* stopped stands in
docs/explanation/threats.md and, as far as it can be shown here, in the tests at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from tests import dump
from tests.answering import open_cases
from tests.books import Books, digest
from tests.copies import Copies

pytestmark = pytest.mark.integration

SECTIONS = (
    "journal", "payment proposals", "open holds", "invoice states", "GR/IR", "open items", "answers", "cases", "suppliers",
    "order lines", "receipts", "invoices", "quarantine", "outbox",
)  # fmt: skip
APPROVE = "SELECT ledger.record_machine_decisions(%s, 'approve_invoice', %s, %s::bigint[], %s::text[], %s::text[], %s::jsonb[])"
ACTIVE = (
    "SELECT sha256 FROM ledger.policy_version WHERE policy_id = 'approve_invoice' AND active_until IS NULL"
)


@dataclass
class Target:
    """A ledger with something of every kind to steal, and the run that the attacker works in."""

    copies: Copies
    template: str
    untouched: dump.Dump
    run_id: int

    def invoice(self, connection: psycopg.Connection[Any], number: str) -> int:
        """Return the id of an invoice."""
        row = connection.execute(
            "SELECT invoice_id FROM purchasing.invoice WHERE invoice_number = %s ORDER BY invoice_id DESC",
            (number,),
        ).fetchone()
        assert row is not None
        return row[0]


def build(copies: Copies, database: str) -> int:
    """Fill a ledger: paid, held for payment, parked, above the limit, waiting, quarantined, and one that is not decided yet."""
    with copies.connect(database, "admin") as admin:
        admin.execute("INSERT INTO ops.simulated_clock (business_date) VALUES ('2026-11-20')")
        admin.execute(
            "INSERT INTO ledger.tolerance (tolerance_set, code, up_pct, up_abs, combine, effective_from) "
            "SELECT 'generous', code, 100, 100000, 'lenient', '2000-01-01' FROM ledger.tolerance WHERE tolerance_set = 'default'"
        )
        admin.execute(
            "SELECT ledger.activate_policy('approve_invoice', 2, content || E'\\n# generous', 999999999, 'EUR', 'test') FROM ledger.policy_version WHERE policy_id = 'approve_invoice'"
        )
        admin.execute("UPDATE ledger.policy_version SET active_until = now() WHERE version = 2")
        admin.execute("UPDATE ledger.policy_version SET active_until = NULL WHERE version = 1")
    with copies.connect(database, "app") as app:
        books = Books(app).open_run()
        books.supplier()
        for line in range(1, 7):
            books.order("PO-1", line, 100, 10)
        books.order("PO-1", 8, 1000, 1000)
        books.order("PO-1", 9, 100, 10, gr_based=True)
        for line in (1, 2, 3, 4, 5):
            books.receive("PO-1", line, 100)
        books.receive("PO-1", 8, 1000)
        books.invoice("R-PAID", [("PO-1", 1, 10, 10)])
        books.invoice("R-PRICE", [("PO-1", 2, 100, 12)])
        books.invoice("R-QTY", [("PO-1", 3, 101, 10)])
        books.invoice("R-DUP", [("PO-1", 4, 10, 10)])
        books.invoice("R-WAITS", [("PO-1", 9, 10, 10)])
        books.invoice("R-BIG", [("PO-1", 8, 100, 1000)])
        books.night()
        books.open_run("night-2")
        books.invoice("R-DUP", [("PO-1", 4, 20, 10)], payee_iban="DE2")
        books.invoice("Q-1", [("PO-1", 6, 1, 10)])
        books.stage("invoices", gate=False)
        app.execute(
            "INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason) SELECT load_id, 'invoices', 2, 'x', 'quarantine', 'x' FROM intake.load WHERE state = 'read'"
        )
        app.execute("SELECT intake.mark_gated(load_id, '{}') FROM intake.load WHERE state = 'read'")
        books.night()
        books.open_run("night-3")
        books.invoice("R-NEW", [("PO-1", 5, 10, 10)])
        books.invoice("R-BIG-NEW", [("PO-1", 8, 101, 1000)])
        books.match()
    return books.run_id


@pytest.fixture(scope="module")
def target(postgres: str, ledger_template: str) -> Iterator[Target]:
    copies = Copies(postgres)
    template = copies.copy(ledger_template)
    run_id = build(copies, template)
    made = Target(copies, template, {}, run_id)
    with copies.scratch(template) as database:
        made.untouched = aftermath(made, database)
    yield made
    copies.drop_all()


def aftermath(target: Target, database: str) -> dump.Dump:
    """Run what the night runs, as the attacker may, and return what counts."""
    with target.copies.connect(database, "app") as app:
        for statement in (
            "ledger.post_entries(%s)",
            "review.open_cases(%s)",
            "review.book_answers(%s, 'invoice_reconciliation')",
            "ledger.post_entries(%s)",
        ):
            app.execute(f"SELECT {statement}", (target.run_id,))
    with target.copies.connect(database, "auditor") as connection:
        found = dump.books(connection)
    return {name: found[name] for name in SECTIONS}


@pytest.fixture
def victim(target: Target) -> Iterator[str]:
    with target.copies.scratch(target.template) as database:
        yield database


def expect_nothing_gained(target: Target, database: str) -> None:
    found = aftermath(target, database)
    assert found == target.untouched, dump.differences(target.untouched, found)


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
        app.execute(APPROVE, (target.run_id, sha256, [invoice], ["approve"], [rule], ['{"why": "forged"}']))
        app.execute("SELECT ledger.post_entries(%s)", (target.run_id,))
    after = aftermath(target, victim)
    money = ("journal", "payment proposals", "GR/IR", "open items")
    assert {name: after[name] for name in money} == {name: target.untouched[name] for name in money}
    assert set(target.untouched["open holds"]) <= set(after["open holds"])


def test_an_approval_does_not_outlive_its_facts(target: Target, victim: str) -> None:
    """R-NEW is rightly approved; before it is posted its order becomes cheaper: nothing is posted on the old approval."""
    with target.copies.connect(victim, "app") as app:
        sha256 = app.execute(ACTIVE).fetchone()[0]
        app.execute(
            APPROVE, (target.run_id, sha256, [target.invoice(app, "R-NEW")], ["approve"], ["matched"], ["{}"])
        )
        books = Books(app, target.run_id)
        books.order("PO-1", 5, 100, 5, version=2)
        books.accept()
        app.execute("SELECT ledger.post_entries(%s)", (target.run_id,))
        assert books.status("R-NEW") == ("matched", False, None), "posted before the new facts were compared"
        app.execute("SELECT ledger.match_invoices(%s)", (target.run_id,))
        app.execute("SELECT ledger.post_entries(%s)", (target.run_id,))
        assert books.codes("R-NEW") == {"1": ["PRICE"]}
        assert books.status("R-NEW") == ("held", False, None), "posted on an approval of other facts"


@pytest.mark.parametrize("version", ["inactive", "foreign", "a file that nobody activated", None])
def test_a_decision_by_another_policy_is_refused(target: Target, victim: str, version: str | None) -> None:
    with target.copies.connect(victim, "app") as app:
        hashes = {
            "inactive": app.execute("SELECT sha256 FROM ledger.policy_version WHERE version = 2").fetchone()[
                0
            ],
            "foreign": "0" * 64,
            "a file that nobody activated": digest("draft").hex(),
            None: None,
        }
        with pytest.raises(psycopg.Error) as refusal:
            app.execute(
                APPROVE,
                (
                    target.run_id,
                    hashes[version],
                    [target.invoice(app, "R-NEW")],
                    ["approve"],
                    ["matched"],
                    ["{}"],
                ),
            )
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
            app.execute(
                APPROVE, (run_id, sha256, [target.invoice(app, number)], ["approve"], ["matched"], ["{}"])
            )
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


# -- the wrong caller -----------------------------------------------------------------------------------------------------

CALLS: list[tuple[str, str]] = [
    ("app", "SELECT review.decide_case(1, 'airflow', 'manager', 'accept', 'approved', 'x', '', 'k')"),
    ("app", "SELECT review.settle_quarantine(1, 1)"),
    ("app", "SELECT ledger.activate_policy('approve_invoice', 9, 'x', 1e12, 'EUR', 'me')"),
    ("app", "SELECT ledger.book_invoices(1)"),
    ("app", "SELECT ledger.post_accepted(1, 'invoice_reconciliation')"),
    ("app", "SELECT ledger.settle_blocks(1)"),
    ("app", "SELECT ledger.reverse_invoice(1, 1, 1)"),
    ("app", "SELECT audit.append('human', 'invoice:x', '{}')"),
    ("app", "SELECT intake.accept_invoices(1)"),
    ("app", "SELECT pg_catalog.lo_import('/etc/passwd')"),
    ("app", "COPY (SELECT 1) TO PROGRAM 'true'"),
    ("web", "SELECT ledger.post_entries(1)"),
    ("web", "SELECT review.book_answers(1, 'invoice_reconciliation')"),
    ("web", "SELECT ledger.match_invoices(1)"),
    ("web", "SELECT ledger.record_machine_decisions(1, 'approve_invoice', '', '{}', '{}', '{}', '{}')"),
    ("web", "SELECT review.open_cases(1)"),
    ("web", "SELECT ops.open_run('invoice_reconciliation', 'd', 'r', false, '{}', '0')"),
    ("auditor", "SELECT ledger.post_entries(1)"),
    ("auditor", "SELECT review.decide_case(1, 'airflow', 'manager', 'accept', 'approved', 'x', '', 'k')"),
    ("migrator", "SELECT ledger.post_entries(1)"),
]
FORGERIES: list[tuple[str, str]] = [
    ("app", "INSERT INTO ledger.decision (process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority, evidence_hash, explanation) VALUES ('invoice_reconciliation', 'invoice', 1, 'x', 'human', 'accept', 'x', 'x', '', '{}')"),
    ("web", "INSERT INTO ledger.decision (process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority, evidence_hash, explanation) VALUES ('invoice_reconciliation', 'invoice', 1, 'x', 'machine', 'approve', 'x', 'x', '', '{}')"),
    ("app", "INSERT INTO review.answer (case_id, idempotency_key, person_id, principal, action, reason_code, reason, evidence_hash, final) SELECT case_id, 'k', 'p-manager', 'airflow:manager', 'accept', 'approved', 'x', evidence_hash, true FROM review.\"case\""),
    ("app", "UPDATE review.\"case\" SET state = 'decided'"),
    ("app", "UPDATE ledger.hold SET released_at = now(), release_kind = 'person'"),
    ("app", "DELETE FROM ledger.hold"),
    ("app", "UPDATE ledger.invoice_status SET payment_block = false, state = 'matched'"),
    ("app", "INSERT INTO ledger.payment_proposal (invoice_id, amount, currency, pay_on, decision_id) SELECT 1, 1, 'EUR', now(), 1"),
    ("app", "INSERT INTO ledger.journal_entry (entity, business_key, event, posting_date, period) VALUES ('1000', 'x', 'invoice', now(), '2026-11')"),
    ("app", "UPDATE ledger.tolerance SET up_abs = 1e9"),
    ("app", "UPDATE ledger.setting SET value = 'generous'"),
    ("app", "UPDATE ledger.policy_version SET machine_limit = 1e12"),
    ("app", "INSERT INTO ledger.holiday VALUES ('1000', now(), 'mine')"),
    ("app", "UPDATE ledger.fiscal_period SET state = 'open'"),
    ("app", "INSERT INTO ops.simulated_clock (business_date) VALUES ('2030-01-01')"),
    ("app", "UPDATE review.authority SET amount_limit = 1e12"),
    ("app", "INSERT INTO review.identity VALUES ('airflow', 'me', 'p-manager')"),
    ("web", "INSERT INTO review.identity VALUES ('airflow', 'me', 'p-manager')"),
    ("web", "UPDATE review.authority SET amount_limit = 1e12"),
    ("web", "UPDATE ledger.hold SET released_at = now(), release_kind = 'person'"),
    ("app", "UPDATE purchasing.order_line SET unit_price = 99"),
    ("app", "UPDATE purchasing.receipt_line SET quantity = 999"),
    ("app", "UPDATE purchasing.invoice SET gross_total = 1"),
    ("app", "UPDATE intake.stage_invoice SET gross_total = 1"),
    ("app", "DELETE FROM ops.rehearsal"),
    ("app", "DELETE FROM ledger.match_queue"),
    ("app", "DELETE FROM audit.record"),
    ("app", "UPDATE ops.installed_text SET sha256 = 'x'"),
    ("app", "ALTER TABLE ledger.hold DISABLE TRIGGER ALL"),
    ("app", "DROP TRIGGER append_only ON audit.record"),
    ("app", "CREATE OR REPLACE FUNCTION ledger.post_entries(bigint) RETURNS void LANGUAGE sql AS ''"),
    ("app", "CREATE TABLE ledger.mine (x int)"),
    ("app", "GRANT backoffice_owner TO backoffice_app"),
    ("app", "ALTER ROLE backoffice_web PASSWORD 'known'"),
    ("web", "ALTER ROLE backoffice_app PASSWORD 'known'"),
]  # fmt: skip


@pytest.mark.parametrize(("role", "statement"), CALLS + FORGERIES)
def test_refused(target: Target, victim: str, role: str, statement: str) -> None:
    with target.copies.connect(victim, role, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
    expect_nothing_gained(target, victim)


# -- names that mean something else ---------------------------------------------------------------------------------------


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
            "current_evidence() RETURNS int",
            "posting_date(text, date) RETURNS date",
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
        sha256 = "SELECT sha256 FROM ledger.policy_version WHERE policy_id OPERATOR(pg_catalog.=) 'approve_invoice' AND active_until IS NULL"
        active = app.execute(sha256).fetchone()[0]
        for number in ("R-PRICE", "R-DUP", "R-BIG-NEW"):
            row = app.execute(
                "SELECT invoice_id FROM purchasing.invoice WHERE invoice_number OPERATOR(pg_catalog.=) %s ORDER BY invoice_id DESC",
                (number,),
            ).fetchone()
            app.execute(APPROVE, (target.run_id, active, [row[0]], ["approve"], ["matched"], ["{}"]))
        app.execute("SELECT ledger.match_invoices(%s)", (target.run_id,))
        app.execute("SELECT ledger.post_entries(%s)", (target.run_id,))
        app.execute("SELECT review.open_cases(%s)", (target.run_id,))
    after = aftermath(target, victim)
    for name in ("journal", "payment proposals", "GR/IR", "open items"):
        assert after[name] == target.untouched[name]
    assert set(target.untouched["open holds"]) <= set(after["open holds"])


# -- staging --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["closed", "gated", "accepted"])
def test_rows_staged_behind_a_closed_load_never_become_facts(target: Target, victim: str, when: str) -> None:
    with target.copies.connect(victim, "app") as app:
        books = Books(app).open_run("forged")
        books.order("PO-7", 1, 1, 1)
        load_id = books.stage("orders", gate=when != "closed")
        if when == "accepted":
            app.execute("SELECT intake.accept_loads(%s)", (books.run_id,))
        app.execute(
            "INSERT INTO intake.stage_order_line (load_id, row_no, content_hash, control_amount, entity, po_number, po_line, supplier_id, currency, quantity, uom, unit_price, match_type, approved, status) "
            "VALUES (%s, 99, 'x', 1, '1000', 'PO-FORGED', '1', 'S1', 'EUR', 1, 'EA', 1, 2, true, 'open')",
            (load_id,),
        )
        app.commit()
        if when == "closed":
            app.execute("SELECT intake.mark_gated(%s, '{}')", (load_id,))
        if when != "accepted":
            with pytest.raises(psycopg.errors.CheckViolation):
                app.execute("SELECT intake.accept_loads(%s)", (books.run_id,))
            app.rollback()
        assert app.execute(
            "SELECT count(*) FROM purchasing.order_line WHERE po_number = 'PO-FORGED'"
        ).fetchone() == (0,)


def test_a_forged_copy_of_a_receipt_replaces_nothing(target: Target, victim: str) -> None:
    """The same receipt number with another quantity is not taken over, even past the gate."""
    with target.copies.connect(victim, "app") as app:
        number = app.execute(
            "SELECT receipt_number FROM purchasing.receipt_line r JOIN purchasing.order_line o USING (order_line_id) WHERE o.po_line = '3'"
        ).fetchone()[0]
        books = Books(app).open_run("forged")
        books.receive("PO-1", 3, 1000, number)
        books.stage("receipts")
        app.commit()
        with pytest.raises(psycopg.errors.UniqueViolation):
            app.execute("SELECT intake.accept_loads(%s)", (books.run_id,))
        app.rollback()
    expect_nothing_gained(target, victim)


def test_what_a_stolen_task_log_in_can_do_is_lie_about_the_sources(target: Target, victim: str) -> None:
    """Not stopped, and said so in docs/explanation/threats.md: who holds the tasks' log-in transcribes the sources.

    A forged version of an order, at the price billed, clears the price hold, and the machine pays. What stays: the version
    before it, the load that brought it with its run and time, and every limit that does not depend on the sources.
    """
    with target.copies.connect(victim, "app") as app:
        books = Books(app).open_run("forged")
        books.order("PO-1", 2, 100, 12, version=2)
        books.night()
        assert books.status("R-PRICE") == ("matched", True, False)
        versions = app.execute(
            "SELECT version_no, load_id FROM purchasing.master_version WHERE business_key = '1000/PO-1/2' ORDER BY 1"
        ).fetchall()
        assert len(versions) == 2
        assert app.execute(
            "SELECT count(*) FROM audit.record WHERE subject = %s AND convert_from(body, 'UTF8') LIKE '%%load accepted%%'",
            (f"run:{books.run_id}",),
        ).fetchone() == (1,)
        books.order("PO-1", 8, 1000, 1000, version=2)
        books.receive("PO-1", 8, 5000, "GR-FORGED")
        books.night()
        assert books.status("R-BIG") == ("held", False, None), (
            "no lie about a source lifts the machine's limit"
        )


# -- the books themselves -------------------------------------------------------------------------------------------------

APPEND_ONLY = (
    "audit.record",
    "ledger.journal_entry",
    "ledger.journal_line",
    "ledger.decision",
    "intake.document",
    "purchasing.master_version",
)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("who", ["owner", "superuser", "superuser as a replica"])
def test_what_is_written_stays(target: Target, victim: str, table: str, who: str) -> None:
    """Not even the owner or a superuser changes, deletes or truncates it, short of removing the protection itself."""
    with target.copies.connect(victim, "admin", autocommit=True) as connection:
        if who == "owner":
            connection.execute("SET ROLE backoffice_owner")
        if who == "superuser as a replica":
            connection.execute("SET session_replication_role = replica")
        column = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 1 LIMIT 1", (table,)
        ).fetchone()[0]
        for statement in (
            f'UPDATE {table} SET "{column}" = "{column}"',
            f"DELETE FROM {table}",
            f"DELETE FROM {table} WHERE false",
            f"TRUNCATE {table} CASCADE",
            f"TRUNCATE ONLY {table}",
        ):
            with pytest.raises(psycopg.Error) as refusal:
                connection.execute(statement)
            assert refusal.value.sqlstate in ("BO403", "0A000"), statement  # or other tables stand on it
        for statement in ("TRUNCATE purchasing.invoice CASCADE", "TRUNCATE ops.entity CASCADE"):
            with pytest.raises(psycopg.Error):
                connection.execute(statement)
    expect_nothing_gained(target, victim)


ENTRY = "INSERT INTO ledger.journal_entry (entity, business_key, event, posting_date, period) VALUES ('1000', 'forged', 'invoice', '2026-11-20', '2026-11') RETURNING entry_id"
LINE = "INSERT INTO ledger.journal_line (entry_id, line_no, account, debit, credit, currency, ledger_debit, ledger_credit, purpose) VALUES "


def entry(*lines: str) -> Callable[[psycopg.Connection[Any]], None]:
    """Return an attempt to write an entry; ``%(entry)s`` stands for its id, each element is one statement."""

    def write(connection: psycopg.Connection[Any]) -> None:
        entry_id = connection.execute(ENTRY).fetchone()[0]
        for line in lines:
            connection.execute(LINE + line, {"entry": entry_id})

    return write


def more_lines(connection: psycopg.Connection[Any]) -> None:
    """Add a balanced pair to an entry that is booked."""
    connection.execute(
        LINE
        + "((SELECT max(entry_id) FROM ledger.journal_entry), 901, '1400', 1, 0, 'EUR', 1, 0, 'x'), ((SELECT max(entry_id) FROM ledger.journal_entry), 902, '1600', 0, 1, 'EUR', 0, 1, 'x')"
    )


@pytest.mark.parametrize(
    ("what", "attempt", "state"),
    [
        ("debit without credit", entry("(%(entry)s, 1, '1400', 10, 0, 'EUR', 10, 0, 'x')"), "BO500"),
        ("a cent too much", entry("(%(entry)s, 1, '1400', 10.01, 0, 'EUR', 10.01, 0, 'x'), (%(entry)s, 2, '1600', 0, 10, 'EUR', 0, 10, 'x')"), "BO500"),
        ("balanced in the ledger currency alone", entry("(%(entry)s, 1, '1400', 10, 0, 'EUR', 10, 0, 'x'), (%(entry)s, 2, '1600', 0, 11, 'EUR', 0, 10, 'x')"), "BO500"),
        ("balanced over two currencies", entry("(%(entry)s, 1, '1400', 10, 0, 'EUR', 10, 0, 'x'), (%(entry)s, 2, '1600', 0, 10, 'USD', 0, 10, 'x')"), "BO500"),
        ("completed later", entry("(%(entry)s, 1, '1400', 10, 0, 'EUR', 10, 0, 'x')", "(%(entry)s, 2, '1600', 0, 10, 'EUR', 0, 10, 'x')"), "BO500"),
        ("no lines at all", entry(), "BO500"),
        ("negative amounts", entry("(%(entry)s, 1, '1400', -10, 0, 'EUR', 10, 0, 'x'), (%(entry)s, 2, '1600', 0, -10, 'EUR', 0, 10, 'x')"), "23514"),
        ("both sides of one line", entry("(%(entry)s, 1, '1400', 10, 10, 'EUR', 10, 10, 'x')"), "23514"),
        ("lines for a booked entry", more_lines, "BO403"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("who", ["owner", "superuser as a replica"])
def test_an_entry_that_does_not_balance_is_refused(
    target: Target,
    victim: str,
    who: str,
    what: str,
    attempt: Callable[[psycopg.Connection[Any]], None],
    state: str,
) -> None:
    with target.copies.connect(victim, "admin") as connection:
        connection.execute(
            "SET ROLE backoffice_owner" if who == "owner" else "SET session_replication_role = replica"
        )
        with pytest.raises(psycopg.Error) as refusal:
            attempt(connection)
            connection.commit()
        assert refusal.value.sqlstate == state, what
    expect_nothing_gained(target, victim)


def test_amounts_of_the_journal_come_from_no_caller(target: Target) -> None:
    """No function that tasks or pages may call takes an amount, an account or a hash to be booked."""
    with target.copies.connect(target.template, "auditor") as connection:
        signatures = dict(connection.execute(
            "SELECT p.proname, pg_get_function_identity_arguments(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
            "WHERE n.nspname IN ('ledger', 'review') AND p.proname IN ('post_entries', 'match_invoices', 'open_cases', 'book_answers', 'record_machine_decisions', 'decide_case')"
        ).fetchall())  # fmt: skip
    assert len(signatures) == 6
    for name, arguments in signatures.items():
        assert "numeric" not in arguments, name
        assert "bytea" not in arguments or name == "decide_case", name


def test_a_person_with_authority_still_gets_through(target: Target, victim: str) -> None:
    """The control: the same ledger, the right person, and the hold is released, booked and paid."""
    from tests.answering import decide

    with target.copies.connect(victim, "web", autocommit=True) as web:
        case = next(case for case in open_cases(web) if case["codes"] == ["PRICE"])
        decide(web, case, "buyer", "accept")
    after = aftermath(target, victim)
    gained = set(after["payment proposals"]) - set(target.untouched["payment proposals"])
    assert [Decimal(line.split(" | ")[1]) for line in gained] == [Decimal("1440")]
