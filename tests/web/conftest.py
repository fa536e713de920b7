"""Fixtures of the page and API tests: a ledger with cases, the application on it, and clients that are logged in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from airflow.api_fastapi.app import create_auth_manager
from airflow.models.dag import DagModel
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.conftest import Ledger
from tests.web.books import Books, write_books
from tests.web.host import create_test_app, log_in

Login = Callable[..., TestClient]


@pytest.fixture
def books(ledger: Ledger) -> Books:
    with ledger.connect("admin") as connection:
        return write_books(connection)


@pytest.fixture
def app(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    monkeypatch.setenv(
        "AIRFLOW__API_AUTH__JWT_SECRET", "test-only-secret-of-more-than-thirty-two-bytes-and-then-some-64"
    )
    monkeypatch.setattr(
        DagModel, "get_team_name", staticmethod(lambda dag_id: None)
    )  # needs Airflow's own database
    create_auth_manager()
    created = create_test_app(lambda: ledger.dsn("web"))
    yield created
    created.state.ledger.close()


@pytest.fixture
def login(app: FastAPI) -> Login:
    def client(user: str | None, **options: object) -> TestClient:
        headers = {"Authorization": f"Bearer {log_in(user)}"} if user else {}
        return TestClient(
            app, headers=headers, raise_server_exceptions=True, follow_redirects=False, **options
        )

    return client
