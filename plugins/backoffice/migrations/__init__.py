"""The ledger database: roles, Alembic versions, routines and reference data.

``migrate`` is idempotent and safe to run at every start. Tables come from Alembic versions and never change
in place;
routines and views (``routines/*.sql``) are installed anew whenever their text differs, and the hash of every
installed
text is kept in ``ops.installed_text``, because it is part of each decision's evidence.
"""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from backoffice import __version__, settings

OWNER = "backoffice_owner"
LOG_INS = (
    "backoffice_migrator",
    "backoffice_app",
    "backoffice_web",
    "backoffice_auditor",
    "backoffice_sealer",
)
SCHEMAS = ("ops", "audit", "intake", "purchasing", "ledger", "review", "vault")
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class MigrationResult:
    """What a migration found and did."""

    revision: str
    installed: tuple[str, ...]


def migrate(
    admin_dsn: str,
    database: str = "backoffice",
    passwords: dict[str, str] | None = None,
    *,
    sandbox: bool = False,
) -> MigrationResult:
    """Bring the ledger database to this package's version.

    :param admin_dsn: A log-in that may create roles and databases (first time), or ``backoffice_migrator``
        (later).
    :param database: Name of the ledger database.
    :param sandbox: Also bring the sandbox company's entity, periods, people and their authority: for the
        demo and tests only. A company's own come from its people (docs/how-to/run-on-an-existing-airflow.md).
    :param passwords: Password per log-in role; a role that is not named keeps what it has.
    :raises psycopg.Error: The server refuses; nothing is half applied, every part is one transaction.
    """
    _bootstrap(admin_dsn, database, passwords or {})
    dsn = psycopg.conninfo.make_conninfo(admin_dsn, dbname=database)
    revision = _upgrade_tables(dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute(f"SET ROLE {OWNER}")
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('backoffice:migrate'))")
        _load_reference_data(connection)
        if sandbox:
            _load_sandbox_company(connection)
        installed = _install_routines(connection)
        _activate_shipped_policies(connection)
        # a restored back-up brings nobody back whom the log says to be erased
        connection.execute("SELECT vault.repeat_erasures()")
    return MigrationResult(revision, installed)


def head_revision() -> str:
    """Return the revision that this package brings."""
    from alembic.script import ScriptDirectory

    return str(ScriptDirectory.from_config(_alembic_config()).get_current_head())


def _bootstrap(admin_dsn: str, database: str, passwords: dict[str, str]) -> None:
    """Create roles and database where they are missing. Needs CREATEROLE and CREATEDB only then."""
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        # roles belong to the whole server: two migrations at once (tests, a second database) must
        # not race for them
        connection.execute("SELECT pg_advisory_lock(hashtext('backoffice:roles'))")
        existing = {
            row[0]
            for row in connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'backoffice\\_%'")
        }
        if OWNER not in existing:
            connection.execute(f"CREATE ROLE {OWNER} NOLOGIN")
        for role in LOG_INS:
            if role not in existing:
                # the migrator is nobody until it says SET ROLE: no slip of a query tool writes as the owner
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(sql.Identifier(role)))
                # many short statements over small sets: compiling them costs more than it saves
                connection.execute(sql.SQL("ALTER ROLE {} SET jit = off").format(sql.Identifier(role)))
            if role in passwords:
                connection.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                        sql.Identifier(role), sql.Literal(passwords[role])
                    )
                )
        if "backoffice_migrator" not in existing:
            connection.execute(f"GRANT {OWNER} TO backoffice_migrator")
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
        if found is None:
            connection.execute(f"GRANT {OWNER} TO CURRENT_USER")
            connection.execute(
                sql.SQL(
                    "CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0 LOCALE 'C.UTF-8'"
                ).format(sql.Identifier(database), sql.Identifier(OWNER))
            )
            connection.execute(
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database))
            )
            for role in LOG_INS:
                connection.execute(
                    sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                        sql.Identifier(database), sql.Identifier(role)
                    )
                )
        # a log-in that a later version brings is let in where the database was there before it
        for role in LOG_INS:
            if found is None or role not in existing:
                connection.execute(
                    sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                        sql.Identifier(database), sql.Identifier(role)
                    )
                )


def _alembic_config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade_tables(dsn: str) -> str:
    from alembic import command
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool)
    config = _alembic_config()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SET ROLE {OWNER}")
        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS ops")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return head_revision()


def schema_text(*names: str) -> list[str]:
    """Return the statements of ``schema/<name>.sql``, for an Alembic version."""
    folder = resources.files("backoffice.migrations") / "schema"
    return [(folder / f"{name}.sql").read_text(encoding="utf-8") for name in names]


def _install_routines(connection: Connection) -> tuple[str, ...]:
    """Install every routine file whose text changed; ``{{ include: name }}`` takes in
    ``include/sql/<name>.sql``.
    """
    installed = []
    folder = Path(__file__).parent / "routines"
    known: dict[str, str] = dict(connection.execute("SELECT name, sha256 FROM ops.installed_text").fetchall())
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*.sql")):
        included: dict[str, str] = {}
        texts[path.stem] = _expand(path.read_text(encoding="utf-8"), included)
        for name, text in included.items():
            _remember(connection, f"include/sql/{name}.sql", text, known)
    changed = [name for name, text in texts.items() if known.get(f"routines/{name}.sql") != _sha256(text)]
    if not changed:
        return ()
    # one file changed: install all in order, because later files build on earlier ones
    for name, text in texts.items():
        connection.execute(text)
        _remember(connection, f"routines/{name}.sql", text, known)
        installed.append(name)
    _judge_anew(connection)
    return tuple(installed)


def _judge_anew(connection: Connection) -> None:
    """Let the next run judge what is open by the rules of this version.

    A statement on the settings is what tells the ledger so, whether or not it changes a row.
    """
    connection.execute("UPDATE ledger.setting SET value = value WHERE false")


def _expand(text: str, included: dict[str, str]) -> str:
    def take_in(match: re.Match[str]) -> str:
        name = match.group(1)
        included[name] = _expand(settings.sql(name), included)
        return included[name]

    return re.sub(r"\{\{ include: ([a-z_/]+) \}\}", take_in, text)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _remember(connection: Connection, name: str, text: str, known: dict[str, str]) -> None:
    if known.get(name) == _sha256(text):
        return
    connection.execute(
        "INSERT INTO ops.installed_text (name, sha256, package_version) VALUES (%s, %s, %s) "
        "ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, "
        "package_version = excluded.package_version, installed_at = now()",
        (name, _sha256(text), __version__),
    )


# file -> table, columns that identify a row. What is there already is kept: after the first install the
# data is the user's.
REFERENCE = (
    ("accounts", "ledger.account", "account"),
    ("account_roles", "ledger.account_role", "entity, role"),
    ("hold_codes", "ledger.hold_code", "code"),
    ("reason_codes", "review.reason_code", "subject_kind, action, code"),
    ("uom_factors", "purchasing.uom_factor", "from_uom, to_uom, item"),
    ("duty_rules", "review.duty_rule", "duty, code"),
    ("escalation", "review.escalation", "process, role, level"),
    ("retention", "audit.retention", "class"),
    ("record_classes", "audit.record_class", "kind, subject_kind"),
)


def _load_reference_data(connection: Connection) -> None:
    folder = settings.include_dir() / "reference"
    for name, table, key in REFERENCE:
        _add_rows(connection, folder / f"{name}.csv", table, key)
    # what has no natural key, or must never come back once removed, on the first install only
    installed = connection.execute("SELECT 1 FROM ledger.setting WHERE name = 'reference_data'").fetchone()
    if installed is not None:
        return
    connection.execute("INSERT INTO ledger.setting (name, value) VALUES ('reference_data', 'installed')")
    connection.execute("INSERT INTO ledger.setting (name, value) VALUES ('tolerance_set', 'default')")
    _, tolerances = _read_csv(folder / "tolerances.csv")
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ledger.tolerance (tolerance_set, code, up_pct, up_abs, combine, effective_from) "
            "VALUES (%s, %s, %s, %s, %s, '2000-01-01')",
            tolerances,
        )


SANDBOX = (
    ("entities", "ops.entity", "entity"),
    ("fiscal_periods", "ledger.fiscal_period", "entity, period"),
    ("persons", "review.person", "person_id"),
    ("identities", "review.identity", "system, user_id"),
    ("authority", "review.authority", "person_id, role, process, entity, cost_centre, code, effective_from"),
)


def _load_sandbox_company(connection: Connection) -> None:
    folder = settings.include_dir() / "reference" / "sandbox"
    for name, table, key in SANDBOX:
        _add_rows(connection, folder / f"{name}.csv", table, key)


def _add_rows(connection: Connection, file: Path, table: str, key: str) -> None:
    """Insert the rows of a file that are not there yet; what is there is the user's and stays.

    A statement is an event even when it adds nothing (open documents are judged anew when factors change):
    where every row is there, none is made.
    """
    columns, rows = _read_csv(file)
    names = key.split(", ")
    if set(names) <= set(columns):
        listed = ", ".join(f"{name}::text" for name in names)
        there = set(connection.execute(f"SELECT {listed} FROM {table}".encode()).fetchall())
        places_of_key = [columns.index(name) for name in names]
        rows = [row for row in rows if tuple(row[place] for place in places_of_key) not in there]
    places = ", ".join(["%s"] * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) ON CONFLICT ({key}) DO NOTHING"
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


def _read_csv(path: Path) -> tuple[list[str], list[list[str | None]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        columns = next(reader)
        return columns, [[value or None for value in row] for row in reader]


def _activate_shipped_policies(connection: Connection) -> None:
    """Activate each shipped policy that has no version yet, as principal ``installation``."""
    from backoffice.domain.decision_table import load_policy

    for path in sorted((settings.include_dir() / "policies").glob("*/*.yaml")):
        policy = load_policy(path.read_text(encoding="utf-8"), source=str(path))
        connection.execute(
            "SELECT ledger.activate_policy(%s, 'installation', %s) "
            "WHERE NOT EXISTS (SELECT FROM ledger.policy_version WHERE policy_id = %s)",
            (policy.text, path.parent.name, policy.policy_id),
        )
