"""The ledger database of the local installation: migrate it, log in to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from backoffice.runtime.database import (
    LEDGER_DATABASE,
    admin_dsn,
    embedded_server,
    external_admin_dsn,
    remembered_server,
    require_same_server,
)
from backoffice.runtime.errors import RuntimeFault, StartFault
from backoffice.runtime.home import Home
from backoffice.runtime.postgres import answers
from backoffice.runtime.secret_store import LEDGER_LOGINS, load_secrets

if TYPE_CHECKING:
    from backoffice.migrations import MigrationResult


def migrate_local(home: Home) -> MigrationResult:
    """Create or migrate the ledger and give its log-ins the installation's passwords.

    The bundled server is started for the purpose where it does not run, and stopped again.

    :raises RuntimeFault: The server does not run here, or refuses.
    """
    from backoffice.migrations import migrate

    require_same_server(home)
    secrets = load_secrets(home)
    with _server_running(home):
        dsn = admin_dsn(home)
        try:
            with psycopg.connect(dsn, connect_timeout=10) as connection:
                # Verifiers instead of passwords: a failing statement is logged by the server, word for word.
                verifiers = {
                    login: connection.pgconn.encrypt_password(
                        secrets.databases[login].encode(), login.encode(), b"scram-sha-256"
                    ).decode()
                    for login in LEDGER_LOGINS
                }
            return migrate(dsn, LEDGER_DATABASE, verifiers, sandbox=True)
        except psycopg.Error as error:
            raise StartFault(f"the ledger database cannot be migrated: {error}") from error


@contextmanager
def _server_running(home: Home) -> Iterator[None]:
    if external_admin_dsn() is not None or _runs(home):
        yield
        return
    with embedded_server(home):
        yield


def _runs(home: Home) -> bool:
    try:
        return answers(admin_dsn(home))
    except RuntimeFault:
        return False


def ledger_dsn(home: Home, login: str) -> str:
    """Return the ledger's DSN of a log-in of the local installation.

    :raises RuntimeFault: Nothing was ever started here.
    """
    if not home.secrets_file.exists():
        raise RuntimeFault("nothing was ever started here; `backoffice up` first")
    return remembered_server(home).url(login, load_secrets(home).databases[login], LEDGER_DATABASE)
