"""A ledger, a source and a Dag run for operators."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.conftest import Ledger
from tests.hooks.source_server import SourceServer, serving

Context = dict[str, Any]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SourceServer]:
    """A source under the connection ``test_source``."""
    with serving() as running:
        monkeypatch.setenv("AIRFLOW_CONN_TEST_SOURCE", running.connection())
        yield running


@pytest.fixture
def books(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """The ledger under the connection ``backoffice_ledger``, as the application role."""
    parts = conninfo_to_dict(ledger.dsn("app"))
    connection = {
        "conn_type": "postgres",
        "host": parts["host"],
        "port": int(str(parts["port"])),
        "login": parts["user"],
        "password": parts["password"],
        "schema": parts["dbname"],
    }
    monkeypatch.setenv("AIRFLOW_CONN_BACKOFFICE_LEDGER", json.dumps(connection))
    return ledger


@pytest.fixture
def context() -> Callable[..., Context]:
    """Make the context of a task in a Dag run."""

    def make(run_id: str = "manual__1", **params: object) -> Context:
        return {
            "dag_run": SimpleNamespace(dag_id="invoice_reconciliation", run_id=run_id),
            "params": params,
        }

    return make


@pytest.fixture
def rows(books: Ledger) -> Callable[..., list[dict[str, Any]]]:
    """Read rows of the ledger as the auditor."""
    from psycopg.rows import dict_row

    def read(query: str, *values: object) -> list[dict[str, Any]]:
        with books.connect("auditor", row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[return-value]

    return read
