"""``migrate`` and ``dsn``: the ledger database."""

from __future__ import annotations

import argparse
import os
from typing import Any

from backoffice.cli.ledger_access import dsn_in
from backoffice.runtime.errors import RuntimeFault

ROLES = {
    "auditor": "backoffice_auditor",
    "app": "backoffice_app",
}  # never the owner, the migrator or the web log-in


def register(subparsers: Any) -> None:
    """Add the commands."""
    migrate = subparsers.add_parser("migrate", help="bring the ledger database to this version")
    migrate.add_argument(
        "--dsn-file",
        metavar="FILE",
        type=dsn_in,
        dest="dsn",
        help="a file with the DSN of a log-in that may create roles and databases (first time) or of "
        "backoffice_migrator (later); - reads it from standard input. A command line is no place for a "
        "password. Without it the database of the local installation is meant",
    )
    migrate.set_defaults(run=_migrate)
    dsn = subparsers.add_parser("dsn", help="print the ledger's DSN of the local installation")
    dsn.add_argument(
        "--role",
        choices=sorted(ROLES),
        default="auditor",
        help="whose log-in (default: auditor, who may only read)",
    )
    dsn.set_defaults(run=_dsn)


def _migrate(arguments: argparse.Namespace) -> int:
    if arguments.dsn is not None:
        return _migrate_foreign(arguments.dsn)
    from backoffice.runtime.database import LEDGER_DATABASE
    from backoffice.runtime.home import find_home
    from backoffice.runtime.ledger_database import migrate_local

    home = find_home()
    home.prepare()
    # The package reads Airflow's configuration: let it be the installation's, not one made up in the user's
    # home.
    os.environ.setdefault("AIRFLOW_HOME", str(home.airflow))
    result = migrate_local(home)
    print(f"{LEDGER_DATABASE}: revision {result.revision}, routines installed: {len(result.installed)}")
    return 0


def _migrate_foreign(admin_dsn: str) -> int:
    """A server that somebody else runs: its log-ins get their passwords from its own administrator."""
    import psycopg

    from backoffice.migrations import LOG_INS, migrate

    try:
        result = migrate(admin_dsn)
    except psycopg.Error as error:
        raise RuntimeFault(f"the server refuses: {error}") from error
    print(
        f"the ledger database is at revision {result.revision}; routines installed: {len(result.installed)}"
    )
    print(f"The first time, give {', '.join(LOG_INS)} their passwords (psql: \\password ROLE), then set")
    print(
        "AIRFLOW_CONN_BACKOFFICE_LEDGER (backoffice_app) and, for the API server alone, "
        "AIRFLOW__BACKOFFICE__WEB_DSN (backoffice_web)"
    )
    return 0


def _dsn(arguments: argparse.Namespace) -> int:
    from backoffice.runtime.home import find_home
    from backoffice.runtime.ledger_database import ledger_dsn

    print(ledger_dsn(find_home(), ROLES[arguments.role]))
    return 0
