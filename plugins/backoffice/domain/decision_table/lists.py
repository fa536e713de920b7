"""Lists of codes in pieces: which lists no condition of the table tells apart.

Codes that stand in the same conditions are one group; of a group matters only whether a list holds none of
it, some of it or all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from backoffice.domain.decision_table.cells import Cell
from backoffice.domain.decision_table.inputs import Input
from backoffice.domain.decision_table.size import check_states

NONE, SOME, ALL = 0, 1, 2
State = tuple[int, ...]


class ListPieces:
    """The pieces of an input that is a list of codes."""

    def __init__(self, column: Input, cells: Sequence[Cell]) -> None:
        self.groups = _groups(column, cells)
        options = [(NONE, ALL) if len(group) == 1 else (NONE, SOME, ALL) for group in self.groups]
        count = 1
        for option in options:
            count *= len(option)
            check_states(len(self.groups), count, 1)
        check_states(len(self.groups), count, sum(len(cell.tests) for cell in cells))
        by_mask: dict[int, list[State]] = {}
        for state in product(*options):
            given = self._list(state)
            mask = sum(
                1 << place
                for place, cell in enumerate(cells)
                if cell.anything or any(test.accepts(given) for test in cell.tests)
            )
            by_mask.setdefault(mask, []).append(state)
        self.masks = list(by_mask)
        self._states = list(by_mask.values())
        self._piece_of = {state: piece for piece, states in enumerate(self._states) for state in states}

    def _list(self, state: State) -> frozenset[str]:
        taken: list[str] = []
        for group, held in zip(self.groups, state, strict=True):
            taken.extend(group if held == ALL else group[:held])
        return frozenset(taken)

    def _state(self, given: frozenset[str]) -> State:
        held = [sum(code in given for code in group) for group in self.groups]
        return tuple(
            NONE if not count else ALL if count == len(group) else SOME
            for count, group in zip(held, self.groups, strict=True)
        )

    def locate(self, given: frozenset[str]) -> int:
        """Return the number of the piece to which a list belongs."""
        return self._piece_of[self._state(given)]

    def sample(self, piece: int) -> frozenset[str]:
        """Return a list of the piece."""
        return self._list(self._states[piece][0])

    def nearest(self, piece: int, given: frozenset[str]) -> tuple[int, frozenset[str]]:
        """Return the list of the piece that takes the fewest codes put in or taken out."""
        found = [self._moved(given, state) for state in self._states[piece]]
        best = min(found, key=lambda one: len(one ^ given))
        return len(best ^ given), best

    def _moved(self, given: frozenset[str], state: State) -> frozenset[str]:
        result: set[str] = set()
        for group, wanted in zip(self.groups, state, strict=True):
            held = [code for code in group if code in given]
            if wanted == ALL:
                result.update(group)
            elif wanted == SOME:
                result.update(held[:-1] if len(held) == len(group) else held or group[:1])
        return frozenset(result)


def _groups(column: Input, cells: Sequence[Cell]) -> list[list[str]]:
    """Return the codes by the conditions in which they stand, in declared order."""
    sets = sorted({tuple(sorted(test.codes)) for cell in cells for test in cell.tests})
    members = [frozenset(one) for one in sets]
    by_signature: dict[tuple[bool, ...], list[str]] = {}
    for code in column.values:
        by_signature.setdefault(tuple(code in one for one in members), []).append(code)
    return list(by_signature.values())
