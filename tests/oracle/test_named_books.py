"""The oracle on the named books, against the codes worked by hand."""

from __future__ import annotations

import pytest
from tests.oracle.book import Book
from tests.oracle.judge import judge
from tests.oracle.named_books import NAMED_BOOKS


def codes_by_name(book: Book) -> dict[str, set[str]]:
    verdicts = judge(book)
    codes: dict[str, set[str]] = {ref: set(found) for ref, found in verdicts.documents.items()}
    for invoice in book.invoices:
        for line in invoice.lines if not invoice.rejected else ():
            name = invoice.ref if len(invoice.lines) == 1 else f"{invoice.ref} {line.position}"
            codes.setdefault(name, set()).update(verdicts.lines[invoice.ref, line.position].codes)
    return {name: found for name, found in codes.items() if found}


@pytest.mark.parametrize("name", NAMED_BOOKS)
def test_oracle_agrees_with_the_hand_worked_codes(name: str) -> None:
    book, expected = NAMED_BOOKS[name]
    assert codes_by_name(book) == expected
