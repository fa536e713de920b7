"""The doctor's look at the ledger: reachable, up to date, and each role no stronger than designed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from backoffice.runtime.findings import Finding, bad, good

Connection = psycopg.Connection[tuple[Any, ...]]
DsnOf = Callable[[str], str]  # the ledger's DSN of a log-in
_LOGINS = (
    "backoffice_app",
    "backoffice_web",
    "backoffice_auditor",
    "backoffice_migrator",
    "backoffice_sealer",
)
_REPAIR = (
    "`backoffice migrate`; if it stays, somebody changed the roles: compare with docs/explanation/threats.md"
)
# The only tables that tasks may write directly: raw documents, staging and findings of the gates.
_APP_INSERTS = ("intake.document", "intake.finding")
_APP_INSERT_PREFIX = "intake.stage_"
# Acts that one role may perform and the others may not.
_ACTS = {
    "review.decide_case": "backoffice_web",
    "review.place_hold": "backoffice_web",
    "review.request_privacy_act": "backoffice_web",
    "review.answer_privacy_request": "backoffice_web",
    "vault.writing_key": "backoffice_web",
    "vault.reading_key": "backoffice_auditor",
    "audit.propose_restore": "backoffice_web",
    "audit.propose_lost_key": "backoffice_web",
    "audit.confirm_proposal": "backoffice_web",
    "audit.introduce_key": "backoffice_sealer",
    "audit.finish_seal": "backoffice_sealer",
}

_TABLE_RIGHTS = """
SELECT role.rolname, schema.nspname || '.' || relation.relname, privilege.name
  FROM pg_class relation
  JOIN pg_namespace schema ON schema.oid = relation.relnamespace
 CROSS JOIN unnest(%(roles)s::text[]) AS role (rolname)
 CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) AS privilege
 (name) WHERE relation.relkind IN ('r', 'p', 'v', 'm')
   AND schema.nspname NOT IN ('pg_catalog', 'information_schema') AND schema.nspname NOT LIKE 'pg_toast%%'
   AND has_table_privilege(role.rolname, relation.oid, privilege.name)
"""
_COLUMN_RIGHTS = """
SELECT role.rolname, schema.nspname || '.' || relation.relname, privilege.name
  FROM pg_class relation
  JOIN pg_namespace schema ON schema.oid = relation.relnamespace
 CROSS JOIN unnest(%(roles)s::text[]) AS role (rolname)
 CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE']) AS privilege (name)
 WHERE relation.relkind IN ('r', 'p', 'v')
   AND schema.nspname NOT IN ('pg_catalog', 'information_schema') AND schema.nspname NOT LIKE 'pg_toast%%'
   AND has_any_column_privilege(role.rolname, relation.oid, privilege.name)
"""


@contextmanager
def auditor(dsn_of: DsnOf) -> Iterator[Connection]:
    """Open a session that may only read."""
    with psycopg.connect(dsn_of("backoffice_auditor"), connect_timeout=5) as connection:
        yield connection


def reachable(dsn_of: DsnOf) -> Iterator[Finding]:
    """Each log-in of the installation can open the ledger with its own password."""
    for login in _LOGINS:
        try:
            with psycopg.connect(dsn_of(login), connect_timeout=5) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            yield bad(
                f"log-in {login}",
                str(error).strip().splitlines()[-1],
                "`backoffice migrate` sets the passwords anew",
            )
        else:
            yield good(f"log-in {login}", "opens the ledger")


def at_head(dsn_of: DsnOf) -> Iterator[Finding]:
    """The schema has the version that this package brings."""
    from backoffice.migrations import head_revision

    with auditor(dsn_of) as connection:
        row = connection.execute(_version_table(connection)).fetchone()
    found, wanted = (str(row[0]) if row else "none"), head_revision()
    if found == wanted:
        yield good("ledger version", found)
    else:
        yield bad("ledger version", f"{found}, this package brings {wanted}", "`backoffice migrate`")


def _version_table(connection: Connection) -> str:
    row = connection.execute(
        "SELECT schemaname FROM pg_tables WHERE tablename = 'alembic_version' ORDER BY schemaname LIMIT 1"
    ).fetchone()
    if row is None:
        raise psycopg.ProgrammingError("the ledger has no alembic_version table; it was never migrated")
    return f'SELECT version_num FROM "{row[0]}".alembic_version'


def privileges(dsn_of: DsnOf) -> Iterator[Finding]:
    """Nobody but the owner writes books, decisions and audit, except by the functions made for it."""
    with auditor(dsn_of) as connection:
        yield _strength(connection)
        roles = [login for login in _LOGINS if login != "backoffice_migrator"]
        rights = connection.execute(_TABLE_RIGHTS, {"roles": roles}).fetchall()
        rights += connection.execute(_COLUMN_RIGHTS, {"roles": roles}).fetchall()
        for role in roles:
            excess = sorted(
                {
                    f"{right} on {table}"
                    for who, table, right in rights
                    if who == role and not _allowed(*(who, table, right))
                }
            )
            name = f"rights of {role}"
            if excess:
                yield bad(
                    name,
                    "; ".join(excess[:5]) + (f" and {len(excess) - 5} more" if len(excess) > 5 else ""),
                    _REPAIR,
                )
            else:
                yield good(
                    name,
                    "writes nothing directly"
                    if role != "backoffice_app"
                    else "writes documents, staging and findings only",
                )
        yield from _acts(connection)


def _allowed(role: str, table: str, right: str) -> bool:
    if role != "backoffice_app" or right != "INSERT":
        return False
    return table in _APP_INSERTS or table.startswith(_APP_INSERT_PREFIX)


def _strength(connection: Connection) -> Finding:
    strong = connection.execute(
        """
        SELECT rolname FROM pg_roles
         WHERE rolname = ANY (%s)
           AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication
                OR (rolname <> 'backoffice_migrator' AND pg_has_role(rolname, 'backoffice_owner', 'MEMBER')))
        """,
        [list(_LOGINS)],
    ).fetchall()
    if strong:
        return bad("strength of log-ins", f"too strong: {', '.join(row[0] for row in strong)}", _REPAIR)
    return good("strength of log-ins", "none is superuser or may become owner, but the migrator")


def _acts(connection: Connection) -> Iterator[Finding]:
    for act, actor in _ACTS.items():
        rows = connection.execute(
            """
            SELECT login FROM unnest(%s::text[]) AS login
              JOIN pg_proc ON true JOIN pg_namespace ON pg_namespace.oid = pronamespace
             WHERE nspname || '.' || proname = %s AND has_function_privilege(login, pg_proc.oid,
             'EXECUTE')
            """,
            [[login for login in _LOGINS if login != "backoffice_migrator"], act],
        ).fetchall()
        able = sorted({row[0] for row in rows})
        if able == [actor]:
            yield good(act, f"only {actor}")
        else:
            yield bad(
                act, f"may be called by {', '.join(able) or 'nobody'}, should be {actor} alone", _REPAIR
            )


def business_clock(dsn_of: DsnOf) -> Iterator[Finding]:
    """No simulated business day is set."""
    with auditor(dsn_of) as connection:
        row = connection.execute("SELECT business_date FROM ops.simulated_clock").fetchone()
    if row is None:
        yield good("business clock", "the real one")
    else:
        yield bad(
            "business clock",
            f"simulated: {row[0]}",
            "a drill left it; DELETE FROM ops.simulated_clock as the owner",
        )
