"""What each log-in may write and call, read from the catalogue: whatever is open beyond this list fails a test."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tests.conftest import LOG_INS, Ledger

pytestmark = pytest.mark.integration

SCHEMAS = ("ops", "audit", "intake", "purchasing", "ledger", "review", "vault")
ROLES = ("app", "web", "auditor", "sealer", "migrator")
STAGES = (
    "stage_supplier",
    "stage_order_line",
    "stage_receipt_line",
    "stage_invoice",
    "stage_invoice_line",
    "stage_invoice_tax",
)
INSERTS = {"app": {*(f"intake.{stage}" for stage in STAGES), "intake.finding"}}
COLUMN_INSERTS = {"app": {f"intake.document.{column}" for column in ("sha256", "content", "media_type")}}
READING = {
    "ops.business_date", "ops.latest_moment", "ops.utc", "ops.stale_datasets", "ops.installed_texts_sha256", "ledger.tolerances_sha256", "ops.check_run", "ops.build_report", "ledger.draft_policies",
    "intake.this_load", "intake.in_unit", "intake.amounts_finer_than", "intake.resolve_supplier", "ledger.is_business_day", "ledger.business_days", "audit.text", "audit.number",
    "audit.object", "audit.sealer_is_there", "audit.why_no_confirmation", "purchasing.is_neighbour_swap", "purchasing.sorted_letters", "ledger.last_decision", "ledger.last_machine_decision", "review.may_read", "review.changes_since",
    "review.clock", "review.setting", "review.chain", "review.is_idle", "review.last_touch", "review.name_of", "review.holds_role", "review.stands_above", "review.open_question",
    "ledger.policy_day", "ledger.policy_day_at", "ledger.policy_in_force",
    "review.is_data_protection_officer", "audit.today", "review.may_decide", "review.why_not", "review.persons_needed", "review.acting_for", "review.offered_to",
    "review.is_access_administrator", "review.why_no_access_act",
    "review.persons_are_measured", "review.how_people_decide",
}  # fmt: skip
CALLS = {
    "app": READING | {
        "ops.open_run", "ops.write_report", "ops.keep_rehearsal", "ops.take_unsent", "ops.mark_attempt", "ops.mark_sent",
        "audit.record_calls", "intake.open_load", "intake.finish_load", "intake.begin_gate", "intake.mark_gated",
        "intake.accept_loads", "ledger.allocate_receipts", "ledger.match_invoices", "ledger.decision_input", "ledger.record_machine_decisions", "ledger.post_entries",
        "review.open_cases", "review.book_answers", "review.keep_cases", "review.priority_input", "review.record_priorities", "review.write_notices", "review.take_notice", "review.notice_cases", "review.seed_test_cases", "review.check_oversight", "audit.request_seal", "audit.raise_alert", "audit.record_verification", "audit.user_hash", "ledger.policy_says", "ledger.policy_says_day",
    },
    "web": READING | {
        "review.decide_case", "review.propose_policy", "review.approve_policy", "review.refuse_policy", "review.withdraw_policy", "review.why_no_policy_act",
        "review.claim_case", "review.release_case", "review.reassign_case", "review.ask_information", "review.give_information", "review.comment_case", "review.attach_file",
        "review.ask_person_measure", "review.answer_person_measure", "review.place_hold", "review.request_privacy_act", "review.answer_privacy_request", "vault.writing_key",
        "audit.propose_restore", "audit.propose_lost_key", "audit.confirm_proposal", "review.propose_access_change", "review.answer_access_change",
    },
    "auditor": READING | {"vault.reading_key", "audit.check_purges", "audit.user_hash", "ledger.policy_says", "ledger.policy_says_day"},
    "sealer": {"audit.introduce_key", "audit.begin_seal", "audit.finish_seal", "audit.record_anchor", "audit.raise_alert", "audit.sealer_is_there"},
    "migrator": set(),
}  # fmt: skip
RELATIONS = """
SELECT c.oid, n.nspname || '.' || c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 2
"""
TABLE_RIGHTS = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
RIGHTS_SINCE_17 = ("MAINTAIN",)


@pytest.fixture
def admin(ledger: Ledger) -> Iterator[psycopg.Connection]:
    with ledger.connect("admin") as connection:
        yield connection


@pytest.mark.parametrize("role", ROLES)
def test_the_catalogue_opens_no_table_but_those_of_the_list(admin: psycopg.Connection, role: str) -> None:
    login = LOG_INS[role]
    rights = TABLE_RIGHTS + (RIGHTS_SINCE_17 if admin.info.server_version >= 170000 else ())
    writable = {
        (name, right)
        for oid, name, _ in admin.execute(RELATIONS).fetchall()
        for right in rights
        if admin.execute("SELECT has_table_privilege(%s, %s::oid, %s)", (login, oid, right)).fetchone()
        == (True,)
    }
    assert writable == {(table, "INSERT") for table in INSERTS.get(role, set())}
    columns = admin.execute(
        "SELECT n.nspname || '.' || c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY (%(schemas)s) AND a.attnum > 0 AND NOT a.attisdropped "
        "AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT has_table_privilege(%(login)s, c.oid, 'INSERT') "
        "AND (has_column_privilege(%(login)s, c.oid, a.attnum, 'INSERT') OR has_column_privilege(%(login)s, c.oid, a.attnum, 'UPDATE') "
        "OR has_column_privilege(%(login)s, c.oid, a.attnum, 'REFERENCES'))",
        {"schemas": list(SCHEMAS), "login": login},
    )
    assert {row[0] for row in columns} == COLUMN_INSERTS.get(role, set())


@pytest.mark.parametrize("role", ROLES)
def test_every_table_refuses_what_is_not_on_the_list(
    ledger: Ledger, admin: psycopg.Connection, role: str
) -> None:
    """By trying, as that log-in: INSERT, UPDATE, DELETE and TRUNCATE on every table and view."""
    relations = [(name, kind) for _, name, kind in admin.execute(RELATIONS).fetchall()]
    assert len(relations) > 60
    got_in = []
    with ledger.connect(role, autocommit=True) as connection:
        for name, kind in relations:
            for verb, statement in attempts(admin, name, kind):
                if verb == "INSERT" and (
                    name in INSERTS.get(role, set()) or (role, name) == ("app", "intake.document")
                ):
                    continue
                try:
                    connection.execute(statement)
                    got_in.append((verb, name))
                except psycopg.Error as error:
                    # a view that cannot be written at all says so before anyone asks who may
                    if error.sqlstate not in ("42501", "55000"):
                        got_in.append((verb, name, error.sqlstate))
    assert got_in == []


def attempts(admin: psycopg.Connection, name: str, kind: str) -> Iterator[tuple[str, sql.Composed]]:
    """Yield statements that write to a relation."""
    table = sql.Identifier(*name.split("."))
    row = admin.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attgenerated = '' AND NOT attisdropped AND attidentity = '' LIMIT 1",
        (".".join(f'"{part}"' for part in name.split(".")),),
    ).fetchone()
    assert row is not None
    column = sql.Identifier(row[0])
    yield "INSERT", sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table)
    yield "UPDATE", sql.SQL("UPDATE {} SET {} = NULL").format(table, column)
    yield "DELETE", sql.SQL("DELETE FROM {}").format(table)
    if kind == "r":
        yield "TRUNCATE", sql.SQL("TRUNCATE {} CASCADE").format(table)


@pytest.mark.parametrize("role", ROLES)
def test_no_function_is_open_but_those_of_the_list(admin: psycopg.Connection, role: str) -> None:
    rows = admin.execute(
        "SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'trigrams') AND has_function_privilege(%s, p.oid, 'EXECUTE')",
        (LOG_INS[role],),
    )
    assert {row[0] for row in rows} == CALLS[role]


@pytest.mark.parametrize("role", ROLES)
def test_nobody_may_look_anything_up_where_the_trigrams_stand(admin: psycopg.Connection, role: str) -> None:
    """Functions of an extension stay open to everybody; so nobody may use their schema, and it holds nothing else."""
    allowed = admin.execute(
        "SELECT has_schema_privilege(%s, 'trigrams', 'USAGE') OR has_schema_privilege(%s, 'trigrams', 'CREATE')",
        (LOG_INS[role], LOG_INS[role]),
    ).fetchone()
    assert allowed == (False,)
    others = admin.execute(
        "SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'trigrams'::regnamespace AND NOT EXISTS ("
        "SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid "
        "WHERE d.objid = p.oid AND d.deptype = 'e' AND e.extname = 'pg_trgm')"
    ).fetchall()
    assert others == []


def test_every_function_with_the_owners_rights_fixes_where_names_are_looked_up(
    admin: psycopg.Connection,
) -> None:
    """Temporary objects come last, and no schema in which a log-in could create something comes at all."""
    rows = admin.execute(
        "SELECT p.oid::regprocedure::text, p.prosecdef, p.proconfig FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY (%s) AND p.prokind = 'f' "
        # written out when it was made, and run with its caller's rights: it looks up nothing any more
        "AND (p.prosqlbody IS NULL OR p.prosecdef)",
        (list(SCHEMAS),),
    ).fetchall()
    assert len(rows) > 40
    wrong = []
    for name, definer, settings in rows:
        path = next(
            (
                setting.removeprefix("search_path=")
                for setting in settings or ()
                if setting.startswith("search_path=")
            ),
            None,
        )
        names = [part.strip() for part in (path or "").split(",")]
        sorted_letters = (
            name.startswith("purchasing.sorted_letters") and not definer
        )  # runs inside generated columns
        if not sorted_letters and (
            names[-1:] != ["pg_temp"] or not set(names[:-1]) <= {*SCHEMAS, "pg_catalog"}
        ):
            wrong.append((name, path))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_no_log_in_can_create_or_become_anything(postgres: str, ledger_template: str, role: str) -> None:
    """Neither objects in the database, nor temporary ones in a database as migrated, nor other roles."""
    login = LOG_INS[role]
    with psycopg.connect(make_conninfo(postgres, dbname=ledger_template)) as admin:
        rights = admin.execute(
            "SELECT has_database_privilege(%(login)s, current_database(), 'CREATE'), has_database_privilege(%(login)s, current_database(), 'TEMP'), "
            "(SELECT bool_or(has_schema_privilege(%(login)s, n.oid, 'CREATE')) FROM pg_namespace n), "
            "(SELECT bool_or(has_sequence_privilege(%(login)s, c.oid, 'USAGE') OR has_sequence_privilege(%(login)s, c.oid, 'UPDATE')) FROM pg_class c WHERE c.relkind = 'S'), "
            "(SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication FROM pg_roles WHERE rolname = %(login)s)",
            {"login": login},
        ).fetchone()
        assert rights == (False, False, False, False, False)
        member_of = {
            row[0]
            for row in admin.execute(
                "SELECT rolname FROM pg_roles WHERE pg_has_role(%s, oid, 'MEMBER') AND rolname <> %s",
                (login, login),
            )
        }
    assert member_of - {"pg_database_owner"} == ({"backoffice_owner"} if role == "migrator" else set())


def test_nobody_else_may_even_connect(postgres: str, ledger_template: str) -> None:
    """Another log-in of the server, as Airflow's own for its metadata, does not get into the ledger."""
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("CREATE ROLE test_stranger LOGIN PASSWORD 'x'")
    try:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(
                make_conninfo(postgres, dbname=ledger_template, user="test_stranger", password="x")
            )
    finally:
        with psycopg.connect(postgres, autocommit=True) as admin:
            admin.execute("DROP ROLE test_stranger")


def test_the_migrator_is_nobody_until_it_becomes_the_owner(ledger: Ledger) -> None:
    with ledger.connect("migrator", autocommit=True) as connection:
        for statement in (
            "SELECT * FROM ledger.journal_entry",
            "UPDATE ledger.setting SET value = 'x'",
            "SELECT review.decide_case(1, 'airflow', 'manager', 'accept', 'approved', 'x', '', 'k', 's')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        connection.execute("SET ROLE backoffice_owner")
        assert connection.execute("SELECT count(*) FROM ledger.journal_entry").fetchone() == (0,)


@pytest.mark.parametrize("role", ["app", "web", "auditor"])
@pytest.mark.parametrize(
    "become", ["backoffice_owner", "backoffice_migrator", "backoffice_web", "backoffice_app", "postgres"]
)
def test_no_log_in_becomes_another(ledger: Ledger, role: str, become: str) -> None:
    if LOG_INS[role] == become:
        pytest.skip("itself")
    with ledger.connect(role, autocommit=True) as connection:
        for statement in (f"SET ROLE {become}", f"SET SESSION AUTHORIZATION {become}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SET session_replication_role = replica")
