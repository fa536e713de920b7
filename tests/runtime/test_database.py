"""The database server: where it is, how its DSNs are written, and that nothing of others is taken over."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from backoffice.runtime import database
from backoffice.runtime.database import (
    DatabaseServer,
    current_server,
    ensure_airflow_database,
    remembered_server,
    require_same_server,
)
from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.home import Home
from backoffice.runtime.secret_store import load_secrets


@pytest.mark.parametrize(
    ("server", "host", "port"),
    [
        (DatabaseServer("127.0.0.1", 5432), "127.0.0.1", "5432"),
        (DatabaseServer("/var/run/postgresql", 5433), "/var/run/postgresql", "5433"),
        (DatabaseServer("db.example", 5432, (("sslmode", "verify-full"),)), "db.example", "5432"),
    ],
)
def test_a_dsn_says_the_same_to_libpq(server: DatabaseServer, host: str, port: str) -> None:
    read = conninfo_to_dict(server.url("who@where", "p/w:d%?#", "ledger"))
    assert (read["host"], read["port"], read["user"]) == (host, port, "who@where")
    assert (read["password"], read["dbname"]) == ("p/w:d%?#", "ledger")
    assert read.get("sslmode") == dict(server.options).get("sslmode")


def test_a_dsn_says_the_same_to_sqlalchemy() -> None:
    from sqlalchemy.engine import make_url

    server = DatabaseServer("127.0.0.1", 5432, (("sslmode", "disable"),))
    url = make_url(server.url("airflow", "p/w:d%?#", "airflow", "postgresql+psycopg2"))
    assert (url.username, url.password, url.host, url.port) == ("airflow", "p/w:d%?#", "127.0.0.1", 5432)
    assert url.query == {"sslmode": "disable"}


def test_an_external_server_is_remembered_without_its_password(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.prepare()
    monkeypatch.setenv(
        "BACKOFFICE_ADMIN_DSN", "postgresql://boss:hush@db.example:5499/postgres?sslmode=require"
    )
    assert current_server(home) == DatabaseServer(
        "db.example", 5499, (("sslmode", "require"),), embedded=False
    )
    monkeypatch.delenv("BACKOFFICE_ADMIN_DSN")
    assert remembered_server(home) == DatabaseServer(
        "db.example", 5499, (("sslmode", "require"),), embedded=False
    )
    assert "hush" not in (home.state / "external-server.json").read_text()


@pytest.mark.parametrize("dsn", ["nonsense", "postgresql://boss@a,b/postgres"])
def test_a_dsn_that_cannot_serve_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    home.prepare()
    monkeypatch.setenv("BACKOFFICE_ADMIN_DSN", dsn)
    with pytest.raises(RuntimeFault, match="BACKOFFICE_ADMIN_DSN"):
        current_server(home)


@pytest.mark.integration
def test_airflows_database_is_made_once_and_a_foreign_one_is_left_alone(
    home: Home, monkeypatch: pytest.MonkeyPatch, postgres: str
) -> None:
    """On a server of somebody else: made where free, left alone where another installation has it."""
    home.prepare()
    secrets = load_secrets(home)
    monkeypatch.setenv("BACKOFFICE_ADMIN_DSN", postgres)
    try:
        ensure_airflow_database(home, secrets)
        ensure_airflow_database(home, secrets)
        dsn = current_server(home).url("airflow", secrets.databases["airflow"], "airflow")
        with psycopg.connect(dsn) as connection:
            owner = connection.execute(
                "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'airflow'"
            )
            assert owner.fetchone() == ("airflow",)
        other = Home(home.state.with_name("other"), home.project)
        other.prepare()
        with pytest.raises(RuntimeFault, match="that is not ours; it was left alone"):
            ensure_airflow_database(other, load_secrets(other))
        assert database.answers(dsn)
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS airflow WITH (FORCE)")
            connection.execute("DROP ROLE IF EXISTS airflow")


def test_books_on_another_server_are_not_begun_anew_on_the_bundled_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.prepare()
    require_same_server(home)
    monkeypatch.setenv("BACKOFFICE_ADMIN_DSN", "postgresql://boss:hush@db.example:5499/postgres")
    current_server(home)
    require_same_server(home)
    monkeypatch.delenv("BACKOFFICE_ADMIN_DSN")
    with pytest.raises(RuntimeFault, match=r"are on db\.example:5499"):
        require_same_server(home)
