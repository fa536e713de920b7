"""The first page of the inbox with 100,000 open cases: the whole answer, from the request to the last byte of HTML."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

PROJECT = Path(__file__).parents[1]
TARGET_MS = 150
PAGES = {
    "as it opens": "/cases",
    "my cases": "/cases?mine=true",
    "largest first": "/cases?sort=amount",
    "oldest first": "/cases?sort=age",
    "most urgent first": "/cases?sort=priority",
    "one role": "/cases?role=ap_manager",
    "a code that 5 cases carry": "/cases?code=TOTAL_ARITH",
    "a number": "/cases?q=RE77777",
    "a supplier": "/cases?supplier=Supplier+77+GmbH",
    "two words, order by amount": "/cases?q=supplier+gmbh&sort=amount",
    "amounts, past due, older than 30 days": "/cases?amount_from=1000&amount_to=2000&due=past&older_than=30",
    "no case matches": "/cases?q=zzzzzz",
    "the counts alone": "/cases/counts",
}


def login(dsn: str) -> Callable[[str], Any]:
    """Return a function that asks the application as the sandbox's buyer."""
    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="backoffice-bench-airflow-"))
    os.environ.setdefault("AIRFLOW__API_AUTH__JWT_SECRET", "bench-only-" * 8)
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api import security
    from fastapi.testclient import TestClient

    from backoffice.web.application import create_app
    from backoffice.web.rate import ALLOWED, Allowance, Buckets

    app = create_app(lambda: dsn)
    app.state.rates = Buckets(dict.fromkeys(ALLOWED, Allowance(1_000_000, 1_000.0)))
    app.dependency_overrides[security.get_user] = lambda: SimpleAuthManagerUser(
        username="bench-one", role="USER"
    )
    return TestClient(app).get


def measure(get: Callable[[str], Any], address: str, times: int) -> tuple[float, float]:
    """Return the median and the 95th percentile in milliseconds."""
    for _ in range(3):
        assert get(address).status_code == 200, address
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        response = get(address)
        taken.append((time.perf_counter() - began) * 1000)
        assert response.status_code == 200
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


def main(cases: int = 100_000, times: int = 60) -> None:
    """Print one row per page."""
    sys.path.insert(0, str(PROJECT / "plugins"))
    from benchmarks.server import ledger_database

    with ledger_database() as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            text = (PROJECT / "benchmarks/invent_cases.sql").read_text(encoding="utf-8")
            for statement in text.replace(":cases", str(cases)).split(";\n"):
                if statement.strip():
                    connection.execute(statement.encode())
        get = login(dsn)
        assert f"For everybody ({cases})" in get("/cases").text
        for what, address in PAGES.items():
            median, high = measure(get, address, times)
            remark = f"median {median:.0f} ms; {address}"
            print(
                f"| inbox of {cases:,} cases: {what}, p95 | {high:.0f} ms | target {TARGET_MS} ms | {high / TARGET_MS:.2f} x | {remark} |",
                flush=True,
            )


if __name__ == "__main__":
    main(*(int(given) for given in sys.argv[1:]))
