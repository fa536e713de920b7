"""Every Dag of the repository, as the Dag processor loads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DAG_FILES = sorted((PROJECT / "dags").glob("*.py"))


@pytest.fixture(scope="session")
def dag_bag() -> Any:
    """The Dags of ``dags/``, loaded once."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(PROJECT / "dags"))
    assert bag.import_errors == {}
    assert sorted(bag.dags) == [path.stem for path in DAG_FILES]
    return bag


@pytest.fixture(params=[path.stem for path in DAG_FILES])
def dag(request: pytest.FixtureRequest, dag_bag: Any) -> Any:
    """Each Dag in turn."""
    return dag_bag.dags[request.param]


@pytest.fixture
def built() -> Callable[..., Any]:
    """Build a reconciliation Dag over given sources."""
    from airflow.sdk import DAG

    from backoffice.processes.invoice_reconciliation import Reconciliation, build_tasks

    def build(*sources: Any) -> Any:
        with DAG("built", schedule=None) as dag:
            build_tasks(Reconciliation(sources=sources) if sources else Reconciliation())
        return dag

    return build
