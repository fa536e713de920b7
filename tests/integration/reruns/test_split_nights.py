"""The same documents in one night or over several end in the same position."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.books import Books
from tests.integration.reruns.works import (
    ANCHOR,
    HELD_AND_PROPOSED,
    START,
    Works,
    expect_success,
    rows,
    works_of,
)
from tests.night import run_night

from backoffice.sandbox.generator import generate

pytestmark = pytest.mark.integration

LINES = """
SELECT o.entity || '/' || o.po_number || '/' || o.po_line, o.quantity - g.received_quantity, g.received_quantity, g.billed_quantity, g.billed_value - g.received_value
FROM ledger.gr_ir g JOIN purchasing.order_line o USING (order_line_id)
"""
ITEMS = "SELECT encode(i.content_hash, 'hex'), n.amount, n.currency FROM ledger.open_item n JOIN purchasing.invoice i USING (invoice_id) WHERE n.closed_by_entry IS NULL"
REPEATS = "SELECT encode(i.content_hash, 'hex'), h.facts ->> 'other_sha256' FROM ledger.hold h JOIN purchasing.invoice i USING (invoice_id) WHERE h.code LIKE 'DUP%'"
CHANGED_ORDERS = (
    "SELECT business_key FROM purchasing.master_version WHERE kind = 'order_line' AND version_no > 1"
)


@dataclasses.dataclass(frozen=True)
class Position:
    """What must not depend on how the documents were split over nights.

    :param lines: Per order line: open, received and billed quantity, balance of GR/IR.
    :param items: Open items; of documents that repeat each other one, by the first of their hashes.
    """

    lines: dict[str, tuple[Decimal, ...]]
    items: dict[str, tuple[Decimal, str]]


def position(works: Works, database: str, groups: Mapping[str, str], changed: set[str]) -> Position:
    lines = {key: values for key, *values in rows_in_order(works, database, LINES) if key not in changed}
    items: dict[str, tuple[Decimal, str]] = {}
    for sha, amount, currency in rows_in_order(works, database, ITEMS):
        items.setdefault(groups.get(sha, sha), (amount, currency))
    return Position({key: tuple(values) for key, values in lines.items()}, items)


def rows_in_order(works: Works, database: str, query: str) -> list[tuple[Any, ...]]:
    with works.connect(database, "auditor") as connection:
        return sorted(connection.execute(query).fetchall())


def repeat_groups(works: Works, *databases: str) -> dict[str, str]:
    """Return for each document that repeats another, or is repeated, the name of its group."""
    parent: dict[str, str] = {}

    def root(sha: str) -> str:
        while parent.setdefault(sha, sha) != sha:
            sha = parent[sha]
        return sha

    for database in databases:
        for one, other in rows(works, database, REPEATS):
            first, second = sorted((root(one), root(other)))
            parent[second] = first
    return {sha: root(sha) for sha in parent}


def test_split_over_nights(postgres: str, ledger_template: str, tmp_path) -> None:
    """Documents that become visible over one, two or five nights of one business day end in the same position."""
    company = generate(31, 30, "realistic", ANCHOR)
    chance = random.Random(1)
    came = (one.updated_at for records in (company.documents, company.receipts) for one in records)
    moments = sorted(set(came))
    with works_of(company, postgres, ledger_template, tmp_path) as works:
        ways = {
            nights: night_by_night(works, [*sorted(chance.sample(moments[5:-1], nights - 1)), START])
            for nights in (1, 2, 5)
        }
        groups = repeat_groups(works, *ways.values())
        # what was booked at a price that the order changed since depends on when that was, by definition
        changed = {key for database in ways.values() for (key,) in rows(works, database, CHANGED_ORDERS)}
        found = {nights: position(works, database, groups, changed) for nights, database in ways.items()}
        assert found[2] == found[1]
        assert found[5] == found[1]
        assert len(found[1].lines) > 30
        assert len(changed) < 5


def night_by_night(works: Works, cuts: Sequence[datetime]) -> str:
    """Run a night at each of these moments of the company's clock; return the ledger."""
    database = works.copy(works.empty)
    for at, cut in enumerate(cuts):
        works.clock.set(cut)
        with works.at(database):
            expect_success(run_night(f"night-{at}"))
        assert works.one(database, HELD_AND_PROPOSED) == 0
    return database


@dataclasses.dataclass(frozen=True)
class Paper:
    """One document of a small book and how it is put in."""

    kind: str
    values: tuple[Any, ...]
    more: tuple[tuple[str, Any], ...] = ()

    def put(self, books: Books) -> None:
        """Stage it."""
        getattr(books, self.kind)(*self.values, **dict(self.more))


def small_book(chance: random.Random) -> tuple[list[Paper], list[Paper]]:
    """Return orders, and receipts and invoices on them: partial, over-delivered, over-billed, credited, at prices with many decimals."""
    orders, papers = [], []
    for at in range(1, 4):
        price = Decimal(chance.choice(["10", "0.335", "0.005", "3.3333", "7.77", "0.004", "12.345678"]))
        base = Decimal(chance.choice(["1", "1", "100"]))
        match_type = chance.choice([2, 3, 3, 3])
        more = {
            "price_base_quantity": base,
            "match_type": match_type,
            "gr_based": match_type == 3 and chance.random() < 0.3,
        }
        orders.append(Paper("order", ("PO-1", at, chance.choice([10, 30, 100]), price), tuple(more.items())))
        for n in range(chance.randrange(4)):
            quantity = chance.choice([1, 3, 7, 10, 33])
            papers.append(
                Paper(
                    "receive",
                    ("PO-1", at, quantity, f"GR-{at}-{n}"),
                    (("received_at", datetime(2026, 11, 10 + n, 8, tzinfo=UTC)),),
                )
            )
        for n in range(chance.randrange(4)):
            quantity = chance.choice([1, 2, 5, 10, 30])
            billed = (price / base * chance.choice([Decimal(1), Decimal(1), Decimal("1.5")])).quantize(
                Decimal("0.000001")
            )
            kind = "credit_note" if chance.random() < 0.2 else "invoice"
            day = date(2026, 11, chance.randrange(1, 19))
            papers.append(
                Paper(kind, (f"{at}{kind[0]}{n}", [("PO-1", at, quantity, billed)]), (("invoice_date", day),))
            )
    return orders, papers


POSITION = """
SELECT o.po_line, g.received_quantity, g.billed_quantity, g.billed_value - g.received_value,
  (SELECT sum(n.amount) FROM ledger.open_item n JOIN purchasing.invoice_line l USING (invoice_id) WHERE l.order_line_id = g.order_line_id)
FROM ledger.gr_ir g JOIN purchasing.order_line o USING (order_line_id) WHERE (g.received_quantity, g.billed_quantity) <> (0, 0) ORDER BY 1
"""
CREDITED_TOO_MUCH = "SELECT DISTINCT o.po_line FROM ledger.hold h JOIN purchasing.invoice_line l USING (invoice_line_id) JOIN purchasing.order_line o USING (order_line_id) WHERE h.code = 'CREDIT_EXCESS'"


@pytest.mark.parametrize("seed", range(16))
def test_small_books_in_one_night_or_in_several(ledger, seed: int) -> None:
    """Per order line billed, received, GR/IR and what is payable do not depend on the night in which a document came.

    Left out are lines on which more was credited than billed at some time: which of the credits is parked is then a
    question of which came first, and people decide it.
    """
    chance = random.Random(seed)
    orders, papers = small_book(chance)
    ways = {
        "one night": [papers],
        "several nights": split(papers, chance),
        "other nights": split(papers, chance),
    }
    found, left_out = {}, set()
    for way, nights in ways.items():
        with ledger.connect("app") as connection:
            books = Books(connection).open_run("night-0")
            books.supplier()
            for order in orders:
                order.put(books)
            for at, batch in enumerate(nights):
                books.open_run(f"night-{at}")
                for paper in batch:
                    paper.put(books)
                books.night()
                assert connection.execute(HELD_AND_PROPOSED).fetchone() == (0,)
            found[way] = {line: values for line, *values in connection.execute(POSITION)}
            left_out |= {line for (line,) in connection.execute(CREDITED_TOO_MUCH)}
            connection.rollback()
    comparable = {
        way: {line: values for line, values in lines.items() if line not in left_out}
        for way, lines in found.items()
    }
    assert comparable["several nights"] == comparable["one night"], papers
    assert comparable["other nights"] == comparable["one night"], papers


def split(papers: Sequence[Paper], chance: random.Random) -> list[list[Paper]]:
    """Deal papers to two to five nights by chance."""
    nights: list[list[Paper]] = [[] for _ in range(chance.randrange(2, 6))]
    for paper in papers:
        chance.choice(nights).append(paper)
    return nights
