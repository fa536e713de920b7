"""Fixtures of the integration tests: a sandbox company over HTTP and the product's environment pointing at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.conftest import Ledger
from tests.night import connection_json, environment, http_json

from backoffice.sandbox.generator import generate
from backoffice.sandbox.server.background import running
from backoffice.sandbox.server.clock import SandboxClock
from backoffice.sandbox.server.gate import Credentials

USER, PASSWORD = "backoffice", "sandbox-test-only"
ANCHOR = date(2026, 11, 20)  # a Friday


@contextmanager
def product_environment(ledger: Ledger, folder: Path) -> Iterator[None]:
    """The product's environment on a ledger, with reports and pages in a folder, without sources."""
    with environment({
        "AIRFLOW_CONN_BACKOFFICE_LEDGER": connection_json(ledger.dsn("app")),
        "AIRFLOW__BACKOFFICE__WEB_DSN": ledger.dsn("web"),
        "AIRFLOW__BACKOFFICE__REPORT_DIR": str(folder / "reports"),
        "AIRFLOW__BACKOFFICE__GATE_DIR": str(folder / "gates"),
        "GX_ANALYTICS_ENABLED": "false",
    }):  # fmt: skip
        yield


@pytest.fixture
def product(ledger, tmp_path) -> Iterator[None]:
    """The product's environment on this test's ledger, without sources."""
    with product_environment(ledger, tmp_path):
        yield


def set_business_day(ledger: Ledger, day: date) -> None:
    """Set the ledger's business date."""
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE ops.simulated_clock SET business_date = %s", (day,))


@pytest.fixture
def business_day(ledger) -> Callable[[date], None]:
    """Set the ledger's business date."""
    return lambda day: set_business_day(ledger, day)


@pytest.fixture
def company(ledger, product, business_day):
    """Start a sandbox company by seed, size and mix; its sources become the product's connections."""
    with ExitStack() as stack:

        def start(seed: int, size: int, mix: str, anchor: date = ANCHOR):
            invented = generate(seed, size, mix, anchor)
            clock = SandboxClock(
                datetime(anchor.year, anchor.month, anchor.day, tzinfo=UTC) + timedelta(days=1)
            )
            url = stack.enter_context(running(invented, Credentials(USER, PASSWORD), clock))
            names = ("ERP", "WAREHOUSE", "MAILBOX")
            stack.enter_context(
                environment(
                    {f"AIRFLOW_CONN_BACKOFFICE_{name}": http_json(url, USER, PASSWORD) for name in names}
                )
            )
            business_day(anchor)
            return invented, clock, url

        yield start
