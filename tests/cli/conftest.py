"""The pages on a real port, as the command line meets them."""

from __future__ import annotations

import pytest
from tests.web.conftest import (
    airflow_without_its_database,
    books,
    host,
    standing_books,
    standing_host,
    standing_ledger,
)

__all__ = [
    "airflow_without_its_database",
    "books",
    "host",
    "standing_books",
    "standing_host",
    "standing_ledger",
]


def _nobody_logged_in(monkeypatch: pytest.MonkeyPatch, address: str) -> str:
    for name in ("TOKEN", "USER", "PASSWORD", "HOME"):
        monkeypatch.delenv(f"BACKOFFICE_{name}", raising=False)
    monkeypatch.setenv("BACKOFFICE_URL", address)
    return address


@pytest.fixture
def api(host: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an API server with cases of the test's own; nobody is logged in yet."""
    return _nobody_logged_in(monkeypatch, host)


@pytest.fixture
def standing_api(standing_host: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same for tests that only look."""
    return _nobody_logged_in(monkeypatch, standing_host)
