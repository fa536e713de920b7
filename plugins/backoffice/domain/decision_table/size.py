"""How large a table may be: what is larger is a finding before anybody begins to build it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from backoffice.domain.decision_table.cells import Cell
from backoffice.domain.decision_table.inputs import ORDERED, Input

MOST_CODES = 2_000_000
MOST_BOUNDARIES = 50_000
MOST_STATES = 6_561  # eight groups of codes, each none, some or all
MOST_LISTS = 5_000_000


class TooFine(ValueError):
    """Codes or boundaries are too many to tell all cases apart."""


def check_codes(inputs: Iterable[Input], rules: int) -> None:
    """Refuse more codes than can be held against each rule.

    :raises TooFine: There are more.
    """
    codes = sum(len(column.values) for column in inputs)
    if codes * (rules + 1) > MOST_CODES:
        raise TooFine(f"{rules} rules over {codes} codes are more than {MOST_CODES} pairs of both")


def check_boundaries(inputs: Mapping[str, Input], cells: Mapping[str, Sequence[Cell]]) -> None:
    """Refuse more boundaries of amounts, numbers and days than can be told apart.

    :raises TooFine: There are more.
    """
    boundaries = sum(
        2 * len(cell.intervals)
        for name, column in inputs.items()
        if column.kind in ORDERED
        for cell in cells[name]
    )
    if boundaries > MOST_BOUNDARIES:
        raise TooFine(f"its cells have {boundaries} boundaries, more than {MOST_BOUNDARIES}")


def check_states(groups: int, states: int, conditions: int) -> None:
    """Refuse conditions on a list that tell too many groups of codes apart.

    :raises TooFine: They do.
    """
    if states > MOST_STATES or states * conditions > MOST_LISTS:
        raise TooFine(f"its {conditions} conditions on a list tell {groups} groups of codes apart")
