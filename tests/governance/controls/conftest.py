"""A sandbox night, answered by people and sealed, made once; every test has a copy of it to spoil."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.answering import answer_all
from tests.conftest import BUSINESS_DATE, Ledger, cloned_ledger
from tests.copies import Copies
from tests.integration.conftest import PASSWORD, USER, product_environment
from tests.night import environment, http_json, run_night
from tests.sealing import seal

from backoffice.sandbox.generator import generate
from backoffice.sandbox.server.background import running
from backoffice.sandbox.server.clock import SandboxClock
from backoffice.sandbox.server.gate import Credentials


@dataclass(frozen=True)
class Books:
    """A ledger and the days on which something was posted or decided in it."""

    ledger: Ledger
    first_day: date
    last_day: date

    @property
    def period(self) -> str:
        """The period that holds all of it, as it is typed."""
        return f"{self.first_day}..{self.last_day}"

    def as_owner(self, statement: str, *values: Any, triggers: bool = True) -> None:
        """Change the ledger as its owner, past every function; without triggers, past the record of changes too."""
        with self.ledger.connect("admin") as connection:
            connection.execute("SET ROLE backoffice_owner")
            if not triggers:
                switch_triggers(connection, "DISABLE")
            connection.execute(statement, values or None)
            if not triggers:
                switch_triggers(connection, "ENABLE ALWAYS")

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what the auditor reads."""
        with self.ledger.connect("auditor") as connection:
            return connection.execute(statement, values or None).fetchall()


def switch_triggers(connection: psycopg.Connection[Any], how: str) -> None:
    """Switch the product's own triggers off, or on as they were installed."""
    rows = connection.execute(
        "SELECT format('ALTER TABLE %s {} TRIGGER %I', t.tgrelid::regclass, t.tgname) FROM pg_trigger t "
        "WHERE NOT t.tgisinternal AND t.tgenabled = %s".replace("{}", how),
        ("A" if how == "DISABLE" else "D",),
    ).fetchall()
    for (statement,) in rows:
        connection.execute(statement)


@pytest.fixture(scope="session")
def finished_night(
    postgres: str, ledger_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledger]:
    """A ledger after two nights with answers between them, all of it sealed."""
    folder: Path = tmp_path_factory.mktemp("night")
    company = generate(11, 120, "realistic", BUSINESS_DATE)
    clock = SandboxClock(datetime(2026, 11, 21, tzinfo=UTC))
    with cloned_ledger(postgres, ledger_template) as ledger:
        with product_environment(ledger, folder), running(company, Credentials(USER, PASSWORD), clock) as url:
            sources = {f"AIRFLOW_CONN_BACKOFFICE_{name}": http_json(url, USER, PASSWORD) for name in ("ERP", "WAREHOUSE", "MAILBOX")}  # fmt: skip
            with environment(sources):
                for number in (1, 2):
                    ended = run_night(f"night-{number}")
                    assert not [name for name, result in ended.items() if isinstance(result, Exception)], (
                        ended
                    )
                    with ledger.connect("web") as web:
                        answer_all(web)
                run_night("night-3")
        seal(ledger, folder)
        yield ledger


@pytest.fixture
def night(postgres: str, finished_night: Ledger) -> Iterator[Books]:
    """A copy of the finished night."""
    copies = Copies(postgres)
    with copies.scratch(finished_night.database) as database:
        yield Books(Ledger(postgres, database), *days_of(BUSINESS_DATE))


def days_of(business_day: date) -> tuple[date, date]:
    """Postings carry the business day, acts the clock's: return days around both."""
    today = datetime.now(UTC).date()
    return min(business_day, today) - timedelta(days=1), max(business_day, today) + timedelta(days=1)
