"""Fixtures of the page and API tests: a ledger with cases, the application on it, and clients that are logged in.

``books`` and ``login`` are a ledger of the test's own. ``standing_books`` and ``look`` are one ledger for all tests
that write nothing; it is checked at the end that none did.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator

import psycopg
import pytest
from airflow.api_fastapi.app import create_auth_manager
from airflow.models.dag import DagModel  # noqa: TID251 - to keep Airflow's code from asking its database
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.conftest import LOG_INS, Ledger
from tests.web.books import Books, write_books
from tests.web.host import create_host, create_test_app, log_in, serve

# other folders import these fixtures, and each import is a fixture of its own
_number = itertools.count(1)
Login = Callable[[str | None], TestClient]


@pytest.fixture(scope="session")
def airflow_without_its_database() -> Iterator[None]:
    """Let Airflow's own security code run without Airflow's database, which it asks for teams alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "test-only-" * 8)
        patch.setattr(DagModel, "get_team_name", staticmethod(lambda dag_id: None))
        create_auth_manager()
        yield


def client_factory(app: FastAPI) -> Login:
    """Return a function that gives a client logged in as a user, or not at all."""

    def client(user: str | None) -> TestClient:
        headers = {"Authorization": f"Bearer {log_in(user)}"} if user else {}
        return TestClient(app, headers=headers, follow_redirects=False)

    return client


@pytest.fixture
def books(ledger: Ledger) -> Books:
    """Cases in a ledger of the test's own."""
    with ledger.connect("admin") as connection:
        return write_books(connection)


@pytest.fixture
def app(ledger: Ledger, airflow_without_its_database: None) -> Iterator[FastAPI]:
    """The application on the test's own ledger."""
    created = create_test_app(lambda: ledger.dsn("web"))
    yield created
    created.state.ledger.close()


@pytest.fixture
def login(app: FastAPI) -> Login:
    """Clients of the test's own application."""
    return client_factory(app)


@pytest.fixture(scope="session")
def standing_ledger(postgres: str, ledger_template: str) -> Iterator[Ledger]:
    """A ledger that no test writes to."""
    name = f"ledger_standing_{os.getpid()}_{next(_number)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {ledger_template}")
        for role in LOG_INS.values():
            connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {role}")
    yield Ledger(postgres, name)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def standing_books(standing_ledger: Ledger) -> Iterator[Books]:
    """Cases that no test decides."""
    with standing_ledger.connect("admin") as connection:
        written = write_books(connection)
    yield written
    with standing_ledger.connect("admin") as connection:
        assert connection.execute("SELECT count(*) FROM review.answer").fetchone() == (0,), (
            "a test that only looks wrote"
        )


@pytest.fixture(scope="session")
def look(
    standing_ledger: Ledger, standing_books: Books, airflow_without_its_database: None
) -> Iterator[Login]:
    """Clients that only look."""
    app = create_test_app(lambda: standing_ledger.dsn("web"))
    yield client_factory(app)
    app.state.ledger.close()


@pytest.fixture
def host(ledger: Ledger, books: Books, airflow_without_its_database: None) -> Iterator[str]:
    """The address of a host that serves the pages on the test's own ledger."""
    with serve(create_host(lambda: ledger.dsn("web"))) as base:
        yield base


@pytest.fixture(scope="session")
def standing_host(
    standing_ledger: Ledger, standing_books: Books, airflow_without_its_database: None
) -> Iterator[str]:
    """The address of a host for tests that only look."""
    with serve(create_host(lambda: standing_ledger.dsn("web"))) as base:
        yield base
