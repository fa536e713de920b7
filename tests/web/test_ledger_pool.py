"""The pages' connections: few, checked, read-only unless they write, and our own page when there is none."""

from __future__ import annotations

import subprocess
import threading

import psycopg
import pytest
from fastapi.testclient import TestClient
from tests.web.host import create_host, log_in

from backoffice.exceptions import ConfigurationError
from backoffice.web.database import LedgerPool, LedgerUnavailable, fetch_one

DOWN = "host=127.0.0.1 port=1 dbname=x user=x password=x connect_timeout=1"


def client_of(dsn_source) -> TestClient:
    return TestClient(
        create_host(dsn_source),
        headers={"Authorization": f"Bearer {log_in('clerk')}"},
        raise_server_exceptions=True,
    )


def no_dsn() -> str:
    raise ConfigurationError("set AIRFLOW__BACKOFFICE__WEB_DSN")


def failing_command() -> str:
    raise subprocess.CalledProcessError(1, "fetch-secret --token hunter2")


@pytest.mark.parametrize("dsn_source", [lambda: DOWN, no_dsn, failing_command, lambda: "postgres:hunter2"])
def test_a_ledger_that_is_down_is_our_503_page_and_the_host_lives(dsn_source, caplog):
    client = client_of(dsn_source)
    page = client.get("/backoffice/cases")
    assert page.status_code == 503
    assert "The ledger does not answer" in page.text
    problem = client.get("/backoffice/api/v1/cases")
    assert (problem.status_code, problem.headers["content-type"]) == (503, "application/problem+json")
    assert "the ledger does not answer" in caplog.text
    for secret in ("hunter2", "password"):
        assert secret not in page.text + problem.text + caplog.text
    assert client.post("/auth/token", json={"username": "clerk", "password": "wrong"}).status_code == 401


def test_a_database_that_is_not_migrated_is_a_503(postgres):
    assert client_of(lambda: postgres).get("/backoffice/cases").status_code == 503


def test_pages_come_back_once_the_ledger_does(ledger, books):
    dsn = [DOWN]
    client = client_of(lambda: dsn[0])
    assert client.get("/backoffice/cases").status_code == 503
    dsn[0] = ledger.dsn("web")
    assert client.get("/backoffice/cases").status_code == 200


def test_connections_that_died_meanwhile_are_replaced_unnoticed(ledger, books):
    client = client_of(lambda: ledger.dsn("web"))
    assert client.get("/backoffice/cases").status_code == 200
    with ledger.connect("admin") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'backoffice_web'"
        )
    assert client.get("/backoffice/cases").status_code == 200


def fail_after_writing(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO review.person (person_id, name) VALUES ('p-x', 'X')")
    raise ZeroDivisionError


def test_reading_cannot_write_and_writing_is_undone_by_an_error(ledger):
    pool = LedgerPool(lambda: ledger.dsn("admin"))
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), pool.reading() as connection:
        connection.execute("INSERT INTO review.person (person_id, name) VALUES ('p-x', 'X')")
    with pytest.raises(ZeroDivisionError), pool.writing() as connection:
        fail_after_writing(connection)
    with pool.reading() as connection:
        assert fetch_one(connection, "SELECT 1 AS one FROM review.person WHERE person_id = 'p-x'", {}) is None
    pool.close()


def test_a_slow_statement_is_given_up(ledger):
    pool = LedgerPool(lambda: ledger.dsn("web"), statement_seconds=0.2)
    with pytest.raises(LedgerUnavailable, match="statement timeout"), pool.reading() as connection:
        connection.execute("SELECT pg_sleep(5)")
    with pool.reading() as connection:
        assert fetch_one(connection, "SELECT 1 AS one", {}) == {"one": 1}
    pool.close()


def test_no_more_connections_than_its_size_and_no_endless_wait(ledger):
    pool = LedgerPool(lambda: ledger.dsn("web"), size=2, wait_seconds=0.2)
    inside, leave = threading.Barrier(3), threading.Event()

    def hold() -> None:
        with pool.reading():
            inside.wait()
            leave.wait()

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait()
    with pytest.raises(LedgerUnavailable, match="busy"), pool.reading():
        pass
    with ledger.connect("admin") as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'backoffice web' AND datname = %s",
            (ledger.database,),
        ).fetchone()
        assert row == (2,)
    leave.set()
    for thread in threads:
        thread.join()
    with pool.reading():
        pass
    pool.close()


def test_amounts_in_json_never_become_binary_fractions(ledger):
    pool = LedgerPool(lambda: ledger.dsn("web"))
    with pool.reading() as connection:
        row = fetch_one(connection, "SELECT '{\"a\": 0.1000}'::jsonb AS value", {})
    assert str(row["value"]["a"]) == "0.1000"
    pool.close()
