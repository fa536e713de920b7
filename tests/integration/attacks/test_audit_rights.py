"""What each log-in may do to the audit log: add through the functions that are its own, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.conftest import LOG_INS, Ledger
from tests.integration.attacks.test_rights import CALLS
from tests.sealing import connected_sealer, seal, sealer_config

pytestmark = pytest.mark.integration

ROLES = ("app", "web", "auditor", "sealer", "migrator")
TABLES = ("record", "waiting", "leaf", "seal", "sealing_key", "block", "anchor", "verification")
STRANGER = "audit_test_stranger"


@pytest.fixture
def sealed(ledger: Ledger, tmp_path: Path) -> Ledger:
    seal(ledger, tmp_path)
    return ledger


def refused(connection: psycopg.Connection, statement: str, *values: object) -> None:
    """The statement is refused for want of rights."""
    answer = "not refused"
    try:
        connection.execute(statement, values)
    except psycopg.Error as refusal:
        answer = refusal.sqlstate or str(refusal)
    assert answer == "42501", statement


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", TABLES)
def test_no_log_in_writes_a_table_of_the_log(sealed: Ledger, role: str, table: str) -> None:
    with sealed.connect("admin") as admin:
        columns = [
            name
            for (name,) in admin.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                (f"audit.{table}",),
            )
        ]
    with sealed.connect(role, autocommit=True) as connection:
        refused(connection, f"INSERT INTO audit.{table} OVERRIDING SYSTEM VALUE SELECT * FROM audit.{table}")
        refused(connection, f"INSERT INTO audit.{table} DEFAULT VALUES")
        refused(connection, f"DELETE FROM audit.{table}")
        refused(connection, f"TRUNCATE audit.{table} CASCADE")
        with connection.transaction(force_rollback=True):
            refused(connection, f"LOCK TABLE audit.{table} IN ACCESS EXCLUSIVE MODE")
        for column in columns:
            refused(
                connection,
                f"INSERT INTO audit.{table} ({column}) OVERRIDING SYSTEM VALUE SELECT {column} FROM audit.{table}",
            )
            refused(connection, f"UPDATE audit.{table} SET {column} = DEFAULT")


@pytest.mark.parametrize("role", ROLES)
def test_no_log_in_takes_the_protection_away(sealed: Ledger, role: str) -> None:
    with sealed.connect(role, autocommit=True) as connection:
        for statement in (
            "DROP TABLE audit.record CASCADE",
            "DROP SCHEMA audit CASCADE",
            "DROP TRIGGER append_only ON audit.record",
            "ALTER TABLE audit.record DISABLE TRIGGER ALL",
            "DROP TRIGGER leaf_is_hash_of_body ON audit.record",
            "ALTER TABLE audit.record OWNER TO CURRENT_USER",
            "CREATE TRIGGER mine BEFORE INSERT ON audit.record FOR EACH ROW EXECUTE FUNCTION audit.refuse_change()",
            "CREATE RULE mine AS ON INSERT TO audit.record DO INSTEAD NOTHING",
            "CREATE OR REPLACE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "SET session_replication_role = replica",
            "SET LOCAL session_replication_role = replica",
            "ALTER ROLE CURRENT_USER SET session_replication_role = replica",
            "COPY audit.record TO PROGRAM 'cat'",
            *(f"SET SESSION AUTHORIZATION {other}" for other in LOG_INS.values() if other != LOG_INS[role]),
            *(f"SET ROLE {other}" for other in LOG_INS.values() if other != LOG_INS[role]),
            *([] if role == "migrator" else ["SET ROLE backoffice_owner"]),
        ):
            refused(connection, statement)
        # who may not grant a right is warned, and nothing is granted
        if role != "migrator":
            connection.execute("GRANT INSERT ON audit.record TO CURRENT_USER")
        assert connection.execute(
            "SELECT has_any_column_privilege(oid, 'INSERT') FROM pg_class WHERE relname = 'record' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'audit')"
        ).fetchone() == (False,)


@pytest.mark.parametrize("role", ROLES)
def test_the_functions_of_the_log_are_called_by_whose_they_are(sealed: Ledger, role: str) -> None:
    """Every function of the schema, tried with NULLs: who may not call it is told so before it looks at them."""
    with sealed.connect("admin") as admin:
        functions = admin.execute(
            "SELECT p.oid::regproc::text, p.pronargs - p.pronargdefaults FROM pg_proc p "
            "WHERE p.pronamespace = 'audit'::regnamespace AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype AND p.provariadic = 0"
        ).fetchall()
    assert len(functions) > 10
    with sealed.connect(role, autocommit=True) as connection:
        for name, arguments in functions:
            if name in CALLS[role]:
                continue
            refused(connection, f"SELECT {name}({', '.join(['NULL'] * arguments)})")


def test_records_are_written_with_their_own_number_moment_and_hash(sealed: Ledger) -> None:
    """Who may record calls hands in nothing but their content: id, transaction, hash and moment are the database's."""
    with sealed.connect("app") as app:
        run = app.execute("SELECT ops.open_run('x', 'x', 'x', false, '{}', '0')").fetchone()[0]
        app.execute(
            'SELECT audit.record_calls(%s, \'[{"method": "GET", "record_id": "1", "xid": "1", "leaf": "00", "recorded_at": "2000-01-01"}]\')',
            (run,),
        )
        row = app.execute(
            "SELECT r.record_id = (SELECT max(record_id) FROM audit.record), r.xid = pg_current_xact_id(), r.recorded_at = now(), r.leaf = sha256('\\x00' || r.body), "
            "convert_from(r.body, 'UTF8')::jsonb ->> 'recorded_at' = ops.utc(now()) FROM audit.record r WHERE r.kind = 'api_call'"
        ).fetchone()
    assert row == (True, True, True, True, True)


def test_the_sealer_changes_the_log_and_nothing_else(sealed: Ledger) -> None:
    """It reads the log alone; it has no function of another schema, and writes records of no other kind than its own."""
    with sealed.connect("sealer", autocommit=True) as sealer:
        for statement in (
            "SELECT * FROM ledger.journal_entry",
            "SELECT * FROM review.person",
            "SELECT ops.open_run('x', 'x', 'x', false, '{}', '0')",
            "SELECT audit.append('decision', 'log', '{}')",
            "SELECT audit.append_many('human', '{log}', '{\"{}\"}')",
            "SELECT audit.record_calls(1, '[]')",
            "SELECT ledger.post_entries(1)",
        ):
            refused(sealer, statement)
        before = kinds(sealer)
        sealer.execute("SELECT audit.raise_alert('decision', '{\"outcome\":\"approve\"}')")
        sealer.execute("SELECT audit.introduce_key('x+00000000+x', '00000000')")
        sealer.execute("SELECT audit.begin_seal('x', '00000000')")
        assert {kind: count - before.get(kind, 0) for kind, count in kinds(sealer).items()} == {
            **dict.fromkeys(before, 0), "alert": 1, "key": 1, "seal": 1,
        }  # fmt: skip


def kinds(connection: psycopg.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT kind, count(*) FROM audit.record GROUP BY 1").fetchall())


def test_the_sealer_signs_no_shorter_log_and_no_second_one(sealed: Ledger, tmp_path: Path) -> None:
    """What is handed to the second half of a seal is compared with what is stored."""
    with connected_sealer(sealer_config(sealed, tmp_path)) as sealer:
        note, root, edge, key = sealer.connection.execute(
            "SELECT note, root, edge, key_id FROM audit.latest_seal"
        ).fetchone()
        for blocks in ("'{}'", "ARRAY[sha256('x')]"):
            with pytest.raises(psycopg.DatabaseError, match="does not continue"):
                sealer.connection.execute(
                    f"SELECT audit.finish_seal(%s, %s, %s, 0, {blocks}::bytea[], %s, 'again')",
                    (note, root, edge, key),
                )


@pytest.fixture
def stranger(ledger: Ledger) -> Iterator[str]:
    """A log-in that got into the database and has nothing but what PUBLIC has."""
    with ledger.connect("admin", autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {STRANGER} LOGIN PASSWORD 'x'")
        admin.execute(f"GRANT CONNECT ON DATABASE {ledger.database} TO {STRANGER}")
    yield psycopg.conninfo.make_conninfo(ledger.dsn("admin"), user=STRANGER, password="x")
    with ledger.connect("admin", autocommit=True) as admin:
        admin.execute(f"REVOKE ALL ON DATABASE {ledger.database} FROM {STRANGER}")
        admin.execute(f"DROP ROLE {STRANGER}")


def test_public_has_nothing(ledger: Ledger, stranger: str) -> None:
    with psycopg.connect(stranger, autocommit=True) as connection:
        for table in TABLES:
            refused(connection, f"SELECT * FROM audit.{table}")
        refused(connection, "SELECT audit.raise_alert('x', 'x')")
        refused(connection, "SELECT audit.sealer_is_there()")


def test_a_good_verification_is_kept_only_of_a_checkpoint_that_is_there(sealed: Ledger) -> None:
    with sealed.connect("app") as app:
        for size, root in (("5", "sha256('x')"), ("0", "NULL")):
            with pytest.raises(psycopg.Error) as refusal, app.transaction():
                app.execute(
                    f"SELECT audit.record_verification('full', 5, {size}, {root}, '{{}}', '{{}}', '')"
                )
            assert refusal.value.sqlstate == "BO409"
