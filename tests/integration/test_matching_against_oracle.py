"""The product's matching against the oracle's: on random small books, and on books about one rule each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.conftest import cloned_ledger
from tests.oracle.book import Book, Invoice
from tests.oracle.comparison import compare, read_outcome
from tests.oracle.judge import judge
from tests.oracle.loader import Connection, load_documents, load_masters, open_run
from tests.oracle.named_books import NAMED_BOOKS
from tests.oracle.strategies import books

pytestmark = pytest.mark.integration

EXAMPLES = int(os.environ.get("BACKOFFICE_ORACLE_EXAMPLES", "150"))
by_chance = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)


@pytest.fixture(scope="module")
def connection(postgres: str, ledger_template: str) -> Iterator[Connection]:
    """One ledger for all books: each is matched in a transaction that is rolled back."""
    with (
        cloned_ledger(postgres, ledger_template) as ledger,
        psycopg.connect(ledger.dsn("admin")) as opened,
    ):
        yield opened


@pytest.mark.parametrize("name", NAMED_BOOKS)
def test_product_and_oracle_agree_on_named_books(connection: Connection, name: str) -> None:
    book, _ = NAMED_BOOKS[name]
    assert_agreement(connection, book, [book.invoices])


@by_chance
@given(book=books())
def test_product_and_oracle_agree(connection: Connection, book: Book) -> None:
    assert_agreement(connection, book, [book.invoices])


@by_chance
@given(book=books(), later=st.sets(st.integers(0, 5)))
def test_agree_when_documents_come_over_two_nights(
    connection: Connection, book: Book, later: set[int]
) -> None:
    """Each night only queues what is new; what is booked came the first night."""
    second = [
        invoice for at, invoice in enumerate(book.invoices) if at in later and invoice.booking_no is None
    ]
    first = [invoice for invoice in book.invoices if invoice not in second]
    assert_agreement(connection, book, [first, second])


def assert_agreement(connection: Connection, book: Book, nights: Sequence[Sequence[Invoice]]) -> None:
    """Match the book's documents night by night and compare the last state; leaves nothing behind."""
    try:
        loaded = load_masters(connection, book)
        for number, invoices in enumerate(nights):
            if number > 0:
                loaded.run_id = open_run(connection, book, f"night {number}")
            load_documents(connection, book, invoices, loaded)
            connection.execute("SELECT ledger.match_invoices(%s)", [loaded.run_id])
        outcome = read_outcome(connection, loaded)
    finally:
        connection.rollback()
    differences = compare(book, judge(book), outcome)
    assert not differences, "\n".join([*differences, "", str(book)])
