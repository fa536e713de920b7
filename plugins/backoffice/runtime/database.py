"""The database server of this installation: the bundled one, or the one that ``BACKOFFICE_ADMIN_DSN`` names.

Both databases live there: the ledger (roles and schema are the migrations' work) and Airflow's own, under a
role and password of its own. An object of the same name that is not ours is never taken over.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import conninfo, sql

from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.files import read_json, write_json
from backoffice.runtime.home import Home
from backoffice.runtime.postgres import EmbeddedPostgres, answers
from backoffice.runtime.secret_store import AIRFLOW_LOGIN, Secrets

ADMIN_VARIABLE = "BACKOFFICE_ADMIN_DSN"
LEDGER_DATABASE = "backoffice"
AIRFLOW_DATABASE = "airflow"
_PERSONAL = ("user", "password", "dbname", "passfile", "service")


@dataclass(frozen=True)
class DatabaseServer:
    """Where the server is, without anybody's password.

    :param host: Host name, or the folder of a Unix socket.
    :param port: Its port.
    :param options: Further connection parameters, e.g. ``sslmode``.
    :param embedded: Whether it is the bundled server.
    """

    host: str
    port: int
    options: tuple[tuple[str, str], ...] = ()
    embedded: bool = True

    def url(self, user: str, password: str, database: str, scheme: str = "postgresql") -> str:
        """Return the DSN of a log-in, for libpq or, with a driver in ``scheme``, for SQLAlchemy."""
        options = dict(self.options)
        place = f"{self.host}:{self.port}"
        if self.host.startswith("/"):
            options |= {"host": self.host, "port": str(self.port)}
            place = ""
        query = f"?{urlencode(options)}" if options else ""
        log_in = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"{scheme}://{log_in}@{place}/{quote(database, safe='')}{query}"


def embedded_server(home: Home) -> EmbeddedPostgres:
    """Return the bundled server of this installation, not started."""
    return EmbeddedPostgres(home.postgres, shared_buffers="256MB")


def external_admin_dsn() -> str | None:
    """Return the superuser DSN of a server that somebody else runs, where one is named."""
    return os.environ.get(ADMIN_VARIABLE) or None


def admin_dsn(home: Home, database: str = "postgres") -> str:
    """Return the superuser's DSN of this installation's server."""
    external = external_admin_dsn()
    if external is None:
        return embedded_server(home).admin_dsn(database)
    return conninfo.make_conninfo(external, dbname=database)


def current_server(home: Home) -> DatabaseServer:
    """Return where the server is, and remember it where it is an external one."""
    external = external_admin_dsn()
    if external is None:
        return DatabaseServer("127.0.0.1", embedded_server(home).port)
    server = _described(external)
    write_json(
        _note(home),
        {"host": server.host, "port": server.port, "options": dict(server.options)},
    )
    return server


def remembered_server(home: Home) -> DatabaseServer:
    """Return where the server of the last start is; for commands that are called without the variable.

    :raises RuntimeFault: There was no start yet.
    """
    if external_admin_dsn() is not None:
        return current_server(home)
    note = read_json(_note(home))
    if note is not None:
        options = tuple(sorted((str(name), str(value)) for name, value in note["options"].items()))
        return DatabaseServer(str(note["host"]), int(note["port"]), options, embedded=False)
    return current_server(home)


def require_same_server(home: Home) -> None:
    """See that books kept on another server are not begun anew, empty, on the bundled one.

    :raises RuntimeFault: The last start used an external server, and none is named now.
    """
    note = read_json(_note(home))
    if note is not None and external_admin_dsn() is None:
        raise RuntimeFault(
            f"the books of this installation are on {note['host']}:{note['port']}; set {ADMIN_VARIABLE}, "
            f"or remove {_note(home)} to begin new ones on the bundled server"
        )


def _note(home: Home) -> Path:
    return home.state / "external-server.json"


def _described(dsn: str) -> DatabaseServer:
    try:
        given = {
            name: str(value) for name, value in conninfo.conninfo_to_dict(dsn).items() if value is not None
        }
    except psycopg.Error as error:
        raise RuntimeFault(f"{ADMIN_VARIABLE} is no DSN that Postgres understands") from error
    host = given.pop("host", "127.0.0.1")
    if "," in host:
        raise RuntimeFault(f"{ADMIN_VARIABLE} names several hosts; name the one that takes writes")
    port = int(given.pop("port", "5432"))
    options = tuple(sorted((name, value) for name, value in given.items() if name not in _PERSONAL))
    return DatabaseServer(host, port, options, embedded=False)


def ensure_airflow_database(home: Home, secrets: Secrets) -> None:
    """Create Airflow's own log-in and database where they are missing.

    :raises RuntimeFault: On a server of somebody else, a role or database of that name exists that is not
        ours.
    """
    password = secrets.databases[AIRFLOW_LOGIN]
    if answers(current_server(home).url(AIRFLOW_LOGIN, password, AIRFLOW_DATABASE)):
        return
    with psycopg.connect(admin_dsn(home), autocommit=True, connect_timeout=10) as connection:
        role_exists = connection.execute(
            "SELECT 1 FROM pg_roles WHERE rolname = %s", [AIRFLOW_LOGIN]
        ).fetchone()
        owner = connection.execute(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [AIRFLOW_DATABASE]
        ).fetchone()
        if external_admin_dsn() is not None and (role_exists or owner):
            raise RuntimeFault(
                f"the server has a role or database {AIRFLOW_LOGIN!r} that is not ours; it was left alone. "
                "Name another server, or remove them if nothing uses them"
            )
        # Sent as a verifier: a failing statement goes to the server's log, where no password belongs.
        verifier = connection.pgconn.encrypt_password(
            password.encode(), AIRFLOW_LOGIN.encode(), b"scram-sha-256"
        ).decode()
        statement = "ALTER ROLE {} LOGIN PASSWORD {}" if role_exists else "CREATE ROLE {} LOGIN PASSWORD {}"
        connection.execute(sql.SQL(statement).format(sql.Identifier(AIRFLOW_LOGIN), sql.Literal(verifier)))
        if owner is None:
            name, role = sql.Identifier(AIRFLOW_DATABASE), sql.Identifier(AIRFLOW_LOGIN)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(name, role))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
