"""One real installation for all drills: bundled Postgres, sandbox company and the whole of Airflow."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from backoffice.runtime import process_table
from backoffice.runtime.airflow_api import AirflowApi
from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.home import INSTANCE_VARIABLE, Home, known_ports
from backoffice.runtime.ledger_database import ledger_dsn
from backoffice.runtime.lifecycle import bring_down, look
from backoffice.runtime.secret_store import Secrets, load_secrets

PROJECT = Path(__file__).resolve().parents[2]
DAG_ID = "invoice_reconciliation"


@dataclass
class Installation:
    """A running installation and the ways to look at it."""

    home: Home

    @property
    def secrets(self) -> Secrets:
        return load_secrets(self.home)

    @property
    def url(self) -> str:
        ports = known_ports(self.home)
        assert ports is not None
        return f"http://127.0.0.1:{ports.api}"

    @property
    def api(self) -> AirflowApi:
        return AirflowApi(self.url, "admin", self.secrets.users["admin"])

    def cli(self, *arguments: str, timeout: float = 480) -> subprocess.CompletedProcess[str]:
        """Run ``backoffice`` as a user would."""
        return subprocess.run(
            [sys.executable, "-m", "backoffice.cli", *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(PROJECT / "plugins"),
            "BACKOFFICE_HOME": str(self.home.state),
            "PYTHONUNBUFFERED": "1",
        }

    def processes(self) -> list[psutil.Process]:
        """All live processes of the installation but Postgres, which wipes its environment."""
        return process_table.marked(INSTANCE_VARIABLE, self.home.mark(self.secrets.instance))

    def service(self, name: str) -> dict[str, Any]:
        return next((one for one in look(self.home).services if one["name"] == name), {})

    def supervisor_pid(self) -> int:
        return int((look(self.home).said or {})["supervisor"]["pid"])

    def ledger(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(ledger_dsn(self.home, "backoffice_auditor")) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> None:
    """Wait for something to come to pass; while things restart, questions may go unanswered."""
    until = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (RuntimeFault, psycopg.Error):
            pass
        assert time.monotonic() < until, f"not within {seconds:g} s: {what}"
        time.sleep(0.3)


@contextmanager
def brought_up(folder: Path) -> Iterator[Installation]:
    """Everything up in a folder of its own; everything down at the end."""
    made = Installation(Home(folder / "var", PROJECT))
    answer = made.cli("up", "--detach")
    try:
        assert answer.returncode == 0, answer.stdout + answer.stderr
        yield made
    finally:
        bring_down(made.home, lambda text: None)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for all drills."""
    with brought_up(tmp_path_factory.mktemp("installation")) as made:
        yield made


@pytest.fixture
def running(installation: Installation) -> Installation:
    """The installation, with everything well, whatever the drill before did to it."""
    answer = installation.cli("up", "--detach")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return installation
