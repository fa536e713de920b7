"""The product's matching against the oracle's, on random small books."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from tests.oracle.book import Book
from tests.oracle.comparison import compare, read_outcome
from tests.oracle.judge import judge
from tests.oracle.loader import Connection, load_book
from tests.oracle.strategies import books

pytestmark = pytest.mark.integration

EXAMPLES = int(os.environ.get("BACKOFFICE_ORACLE_EXAMPLES", "150"))


@pytest.fixture
def connection(ledger: Any) -> Iterator[Connection]:
    with psycopg.connect(ledger.dsn("admin")) as opened:
        yield opened
        opened.rollback()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(book=books())
def test_product_and_oracle_agree(connection: Connection, book: Book) -> None:
    try:
        loaded = load_book(connection, book)
        connection.execute("SELECT ledger.match_invoices(%s)", [loaded.run_id])
        outcome = read_outcome(connection, loaded)
    finally:
        connection.rollback()
    differences = compare(book, judge(book), outcome)
    assert not differences, "\n".join([*differences, "", str(book)])
