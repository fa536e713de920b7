"""A ledger of before keeps the version that decided, and what somebody had ended stays ended."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from psycopg.conninfo import make_conninfo
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from tests.changing import SHIPPED, version

from backoffice import migrations, settings
from backoffice.operators.case_keeping import POLICY_ID as PRIORITY

pytestmark = pytest.mark.integration
SHIPPED_PRIORITY = (settings.include_dir() / "policies" / "review" / f"{PRIORITY}.yaml").read_text(
    encoding="utf-8"
)
OLD_VERSION = "INSERT INTO ledger.policy_version (policy_id, version, sha256, content, machine_limit, currency, active_from, active_until, activated_by) VALUES (%s, %s, %s, %s, 100000, 'EUR', %s, %s, 'me')"
DECISION = "INSERT INTO ledger.decision (process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority, policy_id, policy_version, policy_sha256, evidence_hash, explanation, run_id) VALUES (%s, 'invoice', 1, 'x', 'machine', 'approve', 'x', 'x', %s, %s, 'x', '', '{}', %s)"


@pytest.fixture
def old(postgres: str, ledger_template: str) -> Iterator[str]:
    """A database as the version before left it: tables alone. The DSN of its superuser."""
    name = f"ledger_old_{os.getpid()}"
    migrations._bootstrap(postgres, name, {})
    dsn = make_conninfo(postgres, dbname=name)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool)
    config = migrations._alembic_config()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SET ROLE {migrations.OWNER}")
        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS ops")
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    yield dsn
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def enter(connection: psycopg.Connection, policy: str, number: int, since: str, until: str | None) -> None:
    text = version(number).replace("policy: approve_invoice", f"policy: {policy}")
    connection.execute(
        OLD_VERSION, (policy, number, hashlib.sha256(text.encode()).hexdigest(), text, since, until)
    )


def test_what_was_active_is_active_and_nothing_else(postgres: str, old: str) -> None:
    with psycopg.connect(old) as connection:
        # the owner had gone back from version 5 to version 4, both in one transaction; and had ended another policy
        enter(connection, "approve_invoice", 2, "2026-01-01", "2026-02-01")
        enter(connection, "approve_invoice", 5, "2026-02-01", "2026-03-01")
        enter(connection, "approve_invoice", 4, "2026-03-01", None)
        enter(connection, "twins", 1, "2026-02-01", "2026-02-01")
        enter(connection, "twins", 2, "2026-02-01", None)
        enter(connection, "ended", 1, "2026-01-01", "2026-02-01")
        connection.execute(
            "INSERT INTO ops.run (process, dag_id, airflow_run_id, business_date, package_version) VALUES ('payment_run', 'd', 'r', '2026-01-02', '0')"
        )
        connection.execute(DECISION, ("payment_run", "twins", 2, 1))
    name = psycopg.conninfo.conninfo_to_dict(old)["dbname"]
    migrations.migrate(postgres, str(name), sandbox=True)
    with psycopg.connect(old) as connection:
        assert connection.execute("SELECT policy_id, version FROM ledger.active_policy ORDER BY 1").fetchall() == [
            ("approve_invoice", 4),
            (PRIORITY, 2),
            ("twins", 2),
        ]  # fmt: skip
        assert connection.execute("SELECT policy_id, process FROM ledger.policy ORDER BY 1").fetchall() == [
            ("approve_invoice", "invoice_reconciliation"),
            (PRIORITY, "review"),
            ("ended", "*"),
            ("twins", "payment_run"),
        ]
        assert connection.execute("SELECT policy_id, version, run_id FROM ledger.policy_use").fetchall() == [("twins", 2, 1)]  # fmt: skip
        as_of = "SELECT version FROM ledger.policy_in_force('approve_invoice', %s)"
        found = [
            connection.execute(as_of, (moment,)).fetchall()
            for moment in ("2025-12-31", "2026-01-15", "2026-02-15", "2026-03-15")
        ]
        assert found == [[], [(2,)], [(5,)], [(4,)]]
        assert connection.execute("SELECT bool_and(by_owner) FROM ledger.policy_version").fetchone() == (True,)  # fmt: skip


def test_installing_twice_activates_once(postgres: str, old: str) -> None:
    name = str(psycopg.conninfo.conninfo_to_dict(old)["dbname"])
    for _ in range(2):
        migrations.migrate(postgres, name, sandbox=True)
    with psycopg.connect(old) as connection:
        assert connection.execute("SELECT policy_id, version, content, approved_by FROM ledger.policy_version ORDER BY 1").fetchall() == [
            ("approve_invoice", 3, SHIPPED, "installation"),
            (PRIORITY, 2, SHIPPED_PRIORITY, "installation"),
        ]  # fmt: skip
        assert connection.execute("SELECT count(*) FROM audit.record WHERE subject LIKE 'policy:%'").fetchone() == (2,)  # fmt: skip
        assert connection.execute("SELECT policy_id, process FROM ledger.policy ORDER BY 1").fetchall() == [("approve_invoice", "invoice_reconciliation"), (PRIORITY, "review")]  # fmt: skip
