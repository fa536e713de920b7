"""A gate as its task runs it on a ledger of the test's own, and a copy of the shipped checks to change."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.integration.quality_gate.staging import DAG, SUITES, Stager

from backoffice import settings
from backoffice.operators.quality_gate import QualityGateOperator


@pytest.fixture
def ledger_uri(ledger: Any) -> str:
    """The ledger as an Airflow connection in the environment names it."""
    known = conninfo_to_dict(ledger.dsn("app"))
    password = quote(str(known.get("password", "")), safe="")
    where = f"{known.get('host', '')}:{known.get('port', 5432)}/{known['dbname']}"
    return f"postgres://{known['user']}:{password}@{where}"


@pytest.fixture
def gates(tmp_path: Path) -> Path:
    """The folder of the gate's pages."""
    return tmp_path / "gates"


@pytest.fixture
def gate(ledger_uri: str, gates: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return a function that gates a dataset of a run as its task would."""
    monkeypatch.setenv("AIRFLOW_CONN_BACKOFFICE_LEDGER", ledger_uri)
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__GATE_DIR", str(gates))

    def run(dataset: str, run_id: str = "night-1", suites: list[str] | None = None) -> dict[str, Any]:
        operator = QualityGateOperator(
            task_id=f"check_{dataset}", dataset=dataset, suites=suites or SUITES[dataset]
        )
        return operator.execute({"dag_run": SimpleNamespace(dag_id=DAG, run_id=run_id)})  # type: ignore[arg-type,typeddict-item]

    return run


@pytest.fixture
def stager(ledger: Any) -> Iterator[Stager]:
    """Stages loads as the application role; every statement stands at once."""
    with ledger.connect("app") as connection:
        connection.autocommit = True
        yield Stager(connection)


@pytest.fixture
def own_include(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of ``include/`` that a test may change."""
    folder = tmp_path / "include"
    shutil.copytree(settings.include_dir(), folder)
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__INCLUDE_DIR", str(folder))
    return folder
