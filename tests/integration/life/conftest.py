"""A ledger with open cases of every kind and the people who work on them."""

from __future__ import annotations

import pytest
from tests.conftest import Ledger
from tests.integration.life.desk import Desk
from tests.web.books import write_books


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    """Open cases: a price (buyer), a receipt (receiver), a duplicate and a large amount (clerk), a document nobody could read."""
    with ledger.connect("admin") as connection:
        books = write_books(connection)
    return Desk(ledger, books)
