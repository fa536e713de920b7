"""A line is cut exactly where cells begin and end, and knows what can occur between two cuts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from backoffice.domain.decision_table.axes import Axis
from backoffice.domain.decision_table.cells import read_cell
from backoffice.domain.decision_table.inputs import Input

MONEY = Input("amount", "money", currency="EUR", decimals=2, low=Decimal("0.00"))
COUNT = Input("count", "number", step=Decimal(5), low=Decimal(1))
NUMBER = Input("number", "number")
DAY = Input("day", "date")
FORTNIGHT = Input("day", "date", low=date(2026, 1, 5), step=Decimal(14))


def axis(column: Input, *cells: str) -> Axis:
    return Axis(column, [read_cell(column, cell) for cell in cells])


@pytest.mark.parametrize(
    ("column", "cells", "pieces"),
    [
        # each piece: as a cell, whether it can occur, a value of it
        (MONEY, ["<= 5.00"], [("<= 5.00", True, "5.00 EUR"), ("> 5.00", True, "5.01 EUR")]),
        (MONEY, ["< 5.00", "> 4.99"], [("<= 4.99", True, "4.99 EUR"), ("(4.99..5.00)", False, None), (">= 5.00", True, "5.00 EUR")]),
        (MONEY, ["< 5.00", "> 4.98"], [("<= 4.98", True, "4.98 EUR"), ("(4.98..5.00)", True, "4.99 EUR"), (">= 5.00", True, "5.00 EUR")]),
        (MONEY, ["< 0.00"], [("< 0.00", False, None), (">= 0.00", True, "0.00 EUR")]),
        (MONEY, ["<= 0.00"], [("<= 0.00", True, "0.00 EUR"), ("> 0.00", True, "0.01 EUR")]),
        (MONEY, ["-"], [("-", True, "0.00 EUR")]),
        (MONEY, ["= 7.00"], [("< 7.00", True, "6.99 EUR"), ("= 7.00", True, "7.00 EUR"), ("> 7.00", True, "7.01 EUR")]),
        (COUNT, ["> 6"], [("<= 6", True, "6"), ("> 6", True, "11")]),
        (COUNT, ["(6..11)"], [("<= 6", True, "6"), ("(6..11)", False, None), (">= 11", True, "11")]),
        (COUNT, ["(6..12)"], [("<= 6", True, "6"), ("(6..12)", True, "11"), (">= 12", True, "16")]),
        (COUNT, ["< 1"], [("< 1", False, None), (">= 1", True, "1")]),
        (NUMBER, ["(1..2)"], [("<= 1", True, "1"), ("(1..2)", True, "1.5"), (">= 2", True, "2")]),
        (NUMBER, ["(1..1.1)"], [("<= 1", True, "1"), ("(1..1.1)", True, "1.05"), (">= 1.1", True, "1.1")]),
        (NUMBER, ["> 1.25"], [("<= 1.25", True, "1.25"), ("> 1.25", True, "1.26")]),
        (DAY, ["> 2026-02-28"], [("<= 2026-02-28", True, "2026-02-28"), ("> 2026-02-28", True, "2026-03-01")]),
        (DAY, ["> 9999-12-31"], [("<= 9999-12-31", True, "9999-12-31"), ("> 9999-12-31", False, None)]),
        (FORTNIGHT, ["> 2026-01-05"], [("<= 2026-01-05", True, "2026-01-05"), ("> 2026-01-05", True, "2026-01-19")]),
        (FORTNIGHT, ["(2026-01-05..2026-01-19)"], [("<= 2026-01-05", True, "2026-01-05"), ("(2026-01-05..2026-01-19)", False, None), (">= 2026-01-19", True, "2026-01-19")]),
    ],
)  # fmt: skip
def test_pieces(column: Input, cells: list[str], pieces: list[tuple[str, bool, str | None]]) -> None:
    found = axis(column, *cells)
    assert [
        (
            found.words(piece),
            bool(found.occurs >> piece & 1),
            column.write(found.sample(piece)) if found.occurs >> piece & 1 else None,
        )
        for piece in range(found.size)
    ] == pieces
    for piece in range(found.size):
        if found.occurs >> piece & 1:
            assert found.locate(found.sample(piece)) == piece


@pytest.mark.parametrize(
    ("column", "cells", "value", "words"),
    [
        (MONEY, ["<= 5.00"], Decimal("5"), "<= 5.00"),
        (MONEY, ["<= 5.00"], Decimal("5.0000000000000000000000000000000000001"), "> 5.00"),
        (MONEY, ["< 5.00"], Decimal("4.9999999999999999999999999999999999999"), "< 5.00"),
        (MONEY, ["< 5.00", "> 4.99"], Decimal("4.995"), "(4.99..5.00)"),
        (MONEY, ["[1.00..2.00)", "(2.00..3.00]"], Decimal("2"), "= 2.00"),
        (DAY, [">= 2026-01-01"], date(2025, 12, 31), "< 2026-01-01"),
    ],
)
def test_a_value_lies_in_its_piece(column: Input, cells: list[str], value: Any, words: str) -> None:
    found = axis(column, *cells)
    assert found.words(found.locate(value)) == words


@pytest.mark.parametrize(
    ("column", "cells", "value", "to", "nearest"),
    [
        (MONEY, ["<= 5.00"], Decimal("7.77"), 0, Decimal("5.00")),
        (MONEY, ["<= 5.00"], Decimal("4.999"), 1, Decimal("5.01")),
        (COUNT, ["> 6", "> 12"], Decimal("3"), 2, Decimal("16")),
        (DAY, [">= 2026-01-01"], date(2020, 1, 1), 1, date(2026, 1, 1)),
        (DAY, [">= 2026-01-01"], date(2027, 1, 1), 0, date(2025, 12, 31)),
    ],
)
def test_the_nearest_value_of_another_piece(
    column: Input, cells: list[str], value: Any, to: int, nearest: Any
) -> None:
    found = axis(column, *cells)
    distance, target = found.nearest(to, value)
    assert target == nearest
    assert 0 < distance < 1


def test_lists_are_told_apart_no_further_than_conditions_do() -> None:
    column = Input("tags", "codes", values=tuple("ABCDE"))
    found = axis(column, "contains any (A, B)", "contains all (C, D)", "only (A)", "empty")
    for given in (frozenset(), frozenset("A"), frozenset("ABCDE"), frozenset("CD"), frozenset("CE")):
        piece = found.locate(given)
        hits = [bool(found.masks[piece] >> rule & 1) for rule in range(4)]
        assert hits == [bool(given & set("AB")), given >= set("CD"), given <= {"A"}, not given]
    away, target = found.nearest(found.locate(frozenset("CDE")), frozenset("CE"))
    assert (away, target) == (1, frozenset("CDE"))
