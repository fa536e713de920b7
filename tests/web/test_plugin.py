"""What Airflow loads: small, quick, without a database, and never twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.api_fastapi.app import RESERVED_URL_PREFIXES

import backoffice_plugin
from backoffice_plugin import BackofficePlugin

MOST_SECONDS = 0.3
UNDER_A_PATH = (
    "import backoffice_plugin; print([v['href'] for v in backoffice_plugin.BackofficePlugin.external_views])"
)
PROBE = """
import sys, time
import airflow.plugins_manager, airflow.sdk
from airflow.sdk import BaseOperator
began = time.process_time()
import backoffice_plugin
print(time.process_time() - began)
print("great_expectations" in sys.modules)
print("backoffice.web.application" in sys.modules)
"""


@pytest.fixture(autouse=True)
def this_checkout_is_what_a_process_imports(monkeypatch):
    """A process of its own knows nothing of pytest's path: without this it would import what happens to be installed."""
    plugins = Path(backoffice_plugin.__file__).parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(plugins), os.environ.get("PYTHONPATH", "")]))


def test_importing_it_is_quick_and_builds_nothing(monkeypatch):
    for name in ("AIRFLOW__BACKOFFICE__WEB_DSN", "AIRFLOW__BACKOFFICE__WEB_DSN_CMD"):
        monkeypatch.delenv(name, raising=False)
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True
        ).stdout.splitlines()[-3:]
        for _ in range(2)
    ]
    assert min(float(run[0]) for run in runs) < MOST_SECONDS, runs
    assert runs[0][1:] == ["False", "False"]


def test_its_pages_are_mounted_once_beside_airflows_own():
    (app,) = BackofficePlugin.fastapi_apps
    assert app["url_prefix"] == "/backoffice"
    assert not any(app["url_prefix"].startswith(prefix) for prefix in RESERVED_URL_PREFIXES)
    assert callable(app["app"])


def test_its_views_lead_to_pages_that_exist(look, standing_books):
    addresses = {view["url_route"]: view["href"] for view in BackofficePlugin.external_views}
    assert len(addresses) == len(BackofficePlugin.external_views), (
        "two views share a route: Airflow drops one"
    )
    for href in addresses.values():
        address = href.removeprefix("/backoffice").format(
            DAG_ID=standing_books.dag_id, RUN_ID=standing_books.airflow_run_id
        )
        assert look("clerk").get(address).status_code == 200
    assert all(f"/{route}/" != href for route, href in addresses.items()), (
        "the host redirects such an address oddly"
    )


def test_its_views_keep_the_path_that_airflow_is_served_under(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.com/airflow/")
    run = subprocess.run([sys.executable, "-c", UNDER_A_PATH], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == str(
        [
            "/airflow/backoffice/cases",
            "/airflow/backoffice/runs/{DAG_ID}/{RUN_ID}",
            "/airflow/backoffice/runs/{DAG_ID}/{RUN_ID}",
            "/airflow/backoffice/runs",
        ]
    )


def test_the_gates_pages_open_from_their_tasks():
    assert [link.name for link in BackofficePlugin.operator_extra_links] == ["Gate result"]
