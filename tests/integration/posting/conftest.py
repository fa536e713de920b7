"""A small company on a fixed business day, its nights by hand and the people who answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.books import Books
from tests.conftest import Ledger
from tests.integration.posting.desk import Desk


@pytest.fixture
def desk(ledger: Ledger) -> Iterator[Desk]:
    """The application's connection with a company's books on 20 November, and people's answers through the web log-in."""
    with (
        ledger.connect("admin", autocommit=True) as admin,
        ledger.connect("app") as app,
        ledger.connect("web", autocommit=True) as web,
    ):
        admin.execute(
            "INSERT INTO ops.simulated_clock (business_date) VALUES ('2026-11-20') "
            "ON CONFLICT (only_row) DO UPDATE SET business_date = excluded.business_date"
        )
        books = Books(app).open_run()
        books.supplier()
        yield Desk(books, web, admin)
