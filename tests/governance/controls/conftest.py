"""A sandbox night, answered by people and sealed, made once; every test has a copy of it to spoil."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.answering import answer_all, decide, open_cases
from tests.conftest import BUSINESS_DATE, LOG_INS, Ledger, cloned_ledger
from tests.copies import Copies
from tests.integration.conftest import PASSWORD, USER, product_environment
from tests.night import environment, http_json, run_night
from tests.sealing import sealer_config

from backoffice.domain.period import Period
from backoffice.governance.controls.catalogue import load_catalogue
from backoffice.governance.controls.examine import Result, examine
from backoffice.runtime.sealer.process import serve
from backoffice.sandbox.generator import generate
from backoffice.sandbox.server.background import running
from backoffice.sandbox.server.clock import SandboxClock
from backoffice.sandbox.server.gate import Credentials

SOURCES = ("ERP", "WAREHOUSE", "MAILBOX")


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

    def examine(self) -> dict[str, Result]:
        """Test all controls, as the auditor."""
        period = Period(self.period, self.first_day, self.last_day)
        with self.ledger.connect("auditor") as connection:
            return {result.control.id: result for result in examine(connection, load_catalogue(), period)}

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
        "SELECT format('ALTER TABLE %%s {} TRIGGER %%I', t.tgrelid::regclass, t.tgname) FROM pg_trigger t "
        "WHERE NOT t.tgisinternal AND t.tgenabled = %s".replace("{}", how),
        ("A" if how == "DISABLE" else "D",),
    ).fetchall()
    for (statement,) in rows:
        connection.execute(statement)


@contextmanager
def sealer_at_work(ledger: Ledger, folder: Path) -> Iterator[None]:
    """The product's sealer, in a thread, for as long as the block lasts."""
    goes_on = threading.Event()
    goes_on.set()
    working = threading.Thread(target=serve, args=(sealer_config(ledger, folder), goes_on.is_set))
    working.start()
    try:
        yield
    finally:
        goes_on.clear()
        with ledger.connect("app") as connection:
            connection.execute("SELECT audit.request_seal('the day is over')")
        working.join()


@pytest.fixture(scope="session")
def finished_night(
    postgres: str, ledger_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledger]:
    """A ledger after three nights with answers between them, sealed at the end of each."""
    folder = tmp_path_factory.mktemp("night")
    company = generate(11, 120, "realistic", BUSINESS_DATE)
    clock = SandboxClock(datetime(2026, 11, 21, tzinfo=UTC))
    with cloned_ledger(postgres, ledger_template) as ledger:
        with (
            product_environment(ledger, folder),
            running(company, Credentials(USER, PASSWORD), clock) as url,
            environment(
                {f"AIRFLOW_CONN_BACKOFFICE_{name}": http_json(url, USER, PASSWORD) for name in SOURCES}
            ),
            sealer_at_work(ledger, folder),
        ):
            for number in (1, 2, 3):
                ended = run_night(f"night-{number}")
                failed = {name: result for name, result in ended.items() if isinstance(result, Exception)}
                assert failed == {}
                with ledger.connect("web") as web:
                    discard_one(web)
                    answer_all(web)
                take_their_time(ledger)
        verified(ledger)
        yield ledger


def verified(ledger: Ledger, failed: str = "{}", detail: str = "") -> int:
    """Record an outcome of the daily verification at the newest checkpoint; return its number."""
    with ledger.connect("app") as app:
        app.execute(
            "SELECT audit.record_verification('full', s.size, s.size, s.root, %s, '{}', %s) FROM audit.latest_seal s",
            (failed, detail),
        )
        row = app.execute("SELECT max(verification_id) FROM audit.verification").fetchone()
    assert row is not None
    return int(row[0])


def take_their_time(ledger: Ledger) -> None:
    """Let a minute lie between two answers, as between those of people who look."""
    with ledger.connect("admin") as connection:
        connection.execute(
            "UPDATE review.answer a SET answered_at = b.at FROM (SELECT answer_id, max(answered_at) OVER () "
            "- interval '1 minute' * (row_number() OVER (ORDER BY answer_id DESC) - 1) AS at FROM review.answer) b "
            "WHERE b.answer_id = a.answer_id"
        )


def discard_one(web: psycopg.Connection[Any]) -> None:
    """Two people discard the first document that could not be read."""
    for case in [case for case in open_cases(web) if case["subject_kind"] == "quarantine"][:1]:
        for user in ("clerk", "manager"):
            decide(web, case, user, "discard", code="sent_in_error")
            web.commit()


@pytest.fixture
def night(postgres: str, finished_night: Ledger) -> Iterator[Books]:
    """A copy of the finished night, closed to strangers as a ledger is."""
    copies = Copies(postgres)
    with copies.scratch(finished_night.database) as database:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {database} OWNER TO backoffice_owner")
            connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
            for role in LOG_INS.values():
                connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {role}")
        yield Books(Ledger(postgres, database), *days_around(BUSINESS_DATE))


def days_around(business_day: date) -> tuple[date, date]:
    """Postings carry the business day, acts the clock's: return days around both."""
    today = datetime.now(UTC).date()
    return min(business_day, today) - timedelta(days=3), max(business_day, today) + timedelta(days=1)
