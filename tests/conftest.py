"""Fixtures shared by all tests: a real Postgres with a migrated ledger database, cloned per test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
# before Airflow is imported, which else makes a folder in the home of whoever runs the tests
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="backoffice-airflow-"))

PASSWORD = "test-only"
BUSINESS_DATE = date(2026, 11, 20)  # a Friday
LOG_INS = {
    "migrator": "backoffice_migrator",
    "app": "backoffice_app",
    "web": "backoffice_web",
    "auditor": "backoffice_auditor",
    "sealer": "backoffice_sealer",
}
SHARED = Path(__file__).resolve().parents[2] / "shared"


@dataclass(frozen=True)
class Ledger:
    """A migrated ledger database of one test's own."""

    admin: str
    database: str

    def dsn(self, role: str = "app") -> str:
        """Return the DSN of a role: app, web, auditor, migrator, or admin (superuser)."""
        if role == "admin":
            return make_conninfo(self.admin, dbname=self.database)
        return make_conninfo(self.admin, dbname=self.database, user=LOG_INS[role], password=PASSWORD)

    def connect(self, role: str = "app", **options: object) -> psycopg.Connection:
        """Open a connection as a role."""
        return psycopg.connect(self.dsn(role), **options)  # type: ignore[arg-type]


IN_MEMORY = Path("/dev/shm")
ROOM_NEEDED = 3 * 2**30


@contextmanager
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the server: in memory where there is room, because every test copies a database."""
    if not (
        IN_MEMORY.is_dir()
        and os.access(IN_MEMORY, os.W_OK)
        and shutil.disk_usage(IN_MEMORY).free > ROOM_NEEDED
    ):
        yield tmp_path_factory.mktemp("postgres")
        return
    with tempfile.TemporaryDirectory(
        prefix="backoffice-tests-", dir=IN_MEMORY, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for the whole test session; its superuser DSN."""
    given = os.environ.get("BACKOFFICE_TEST_ADMIN_DSN")
    if given:
        yield given
        return
    from backoffice.runtime.postgres import EmbeddedPostgres

    with data_folder(tmp_path_factory) as folder:
        server = EmbeddedPostgres(folder, fsync=False)
        server.start()
        try:
            yield server.admin_dsn()
        finally:
            server.stop()


@pytest.fixture(scope="session")
def ledger_template(postgres: str) -> str:
    """The name of a migrated database that tests clone."""
    from backoffice.migrations import migrate

    name = f"ledger_template_{os.getpid()}"
    migrate(postgres, name, dict.fromkeys(LOG_INS.values(), PASSWORD), sandbox=True)
    with psycopg.connect(make_conninfo(postgres, dbname=name)) as connection:
        # the ERP users of tests/books.py are somebody, else nobody could be told apart from them
        connection.execute("INSERT INTO review.identity VALUES ('erp', 'erp-creator', 'p-admin')")
        # the dates that tests write down are read on this day, whenever they run
        connection.execute("INSERT INTO ops.simulated_clock (business_date) VALUES (%s)", (BUSINESS_DATE,))
    return name


_number = itertools.count(1)


@contextmanager
def cloned_ledger(postgres: str, ledger_template: str) -> Iterator[Ledger]:
    """A fresh migrated ledger database, for as long as the block lasts."""
    name = f"ledger_test_{os.getpid()}_{next(_number)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {ledger_template}")
        for role in LOG_INS.values():
            connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {role}")
    yield Ledger(postgres, name)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def ledger(postgres: str, ledger_template: str) -> Iterator[Ledger]:
    """A fresh migrated ledger database of one test's own."""
    with cloned_ledger(postgres, ledger_template) as database:
        yield database


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real test data, which is no part of the product."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real test data is not beside this checkout")
    return folder
