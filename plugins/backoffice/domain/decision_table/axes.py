"""Axes: each input cut into elementary pieces on which no cell of the table changes its mind.

A piece of an axis is known by its number. ``masks[piece]`` says as bits which rules accept it (bit 0 is the
rule that is asked first), ``occurs`` which pieces hold a value that can occur. Pieces between the steps of
an input cannot occur, but are decided like any other. Null and missing are pieces of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from backoffice.domain.decision_table.cells import Cell
from backoffice.domain.decision_table.inputs import ORDERED, Input, Read
from backoffice.domain.decision_table.line import Line
from backoffice.domain.decision_table.lists import ListPieces
from backoffice.domain.decision_table.values import MISSING

Distance = int | Fraction  # exact, and quick where it is whole
CODE_CHANGED = 1
PRESENCE_CHANGED = 2


class Axis:
    """One input of a table, in pieces.

    :param cells: The cells of all rules for this input, in the order in which rules are asked.
    :param also_cut: Values after which a piece must end, though no cell does.
    """

    def __init__(self, column: Input, cells: Sequence[Cell], also_cut: Iterable[object] = ()) -> None:
        self.column = column
        self.line: Line | None = None
        self.lists: ListPieces | None = None
        self.codes: list[list[str | bool]] = []
        self._piece_of: dict[str | bool, int] = {}
        self.masks: list[int] = []
        if column.kind in ORDERED:
            self.line = Line(column, cells, also_cut)
            self.masks = [piece.mask for piece in self.line.pieces]
        elif column.kind == "codes":
            self.lists = ListPieces(column, cells)
            self.masks = list(self.lists.masks)
        else:
            self._cut_codes(cells)
        self.values = len(self.masks)
        self.null = self._presence(column.nullable, cells, lambda cell: cell.null)
        self.missing = self._presence(column.optional, cells, lambda cell: cell.missing)
        self.size = len(self.masks)
        self.occurs = sum(1 << piece for piece in range(self.size) if self._can_occur(piece))
        self.accepts = accepted_pieces(self.masks, len(cells))

    def _cut_codes(self, cells: Sequence[Cell]) -> None:
        anything = _mask(cells, lambda _: False)
        values = (True, False) if self.column.kind == "flag" else self.column.values
        mask_of: dict[str | bool, int] = dict.fromkeys(values, anything)
        for place, cell in enumerate(cells):
            for value in cell.values:
                mask_of[value] |= 1 << place
        by_mask: dict[int, list[str | bool]] = {}
        for value, mask in mask_of.items():
            by_mask.setdefault(mask, []).append(value)
        self.codes = list(by_mask.values())
        self.masks = list(by_mask)
        self._piece_of = {value: piece for piece, alike in enumerate(self.codes) for value in alike}

    def _presence(self, allowed: bool, cells: Sequence[Cell], accepts: Callable[[Cell], bool]) -> int | None:
        if not allowed:
            return None
        self.masks.append(_mask(cells, accepts))
        return len(self.masks) - 1

    def _can_occur(self, piece: int) -> bool:
        return self.line is None or piece >= self.values or self.line.pieces[piece].occurs

    def locate(self, value: Read) -> int:
        """Return the piece of a value that was read."""
        if value is None or value is MISSING:
            found = self.null if value is None else self.missing
            assert found is not None  # noqa: S101 - the input refused to read it otherwise
            return found
        if self.line is not None:
            return self.line.locate(value)  # type: ignore[arg-type]  # a number or a day
        if self.lists is not None:
            return self.lists.locate(value)  # type: ignore[arg-type]  # a set of codes
        return self._piece_of[value]  # type: ignore[index]  # a code or a flag

    def sample(self, piece: int) -> Read:
        """Return a value of a piece that can occur."""
        if piece == self.null:
            return None
        if piece == self.missing:
            return MISSING
        if self.line is not None:
            return self.line.pieces[piece].sample
        return self.lists.sample(piece) if self.lists is not None else self.codes[piece][0]

    def nearest(self, piece: int, value: Read) -> tuple[Distance, Read]:
        """Return the value of a piece that is nearest to ``value``, and how far away it is.

        Numbers: the difference by the sum of both sizes, from 0 to 1; days by themselves and a year; a code
        or flag is 1 away, each code of a list 1, and to or from null and missing it is 2.
        """
        if piece >= self.values or value is None or value is MISSING:
            return PRESENCE_CHANGED, self.sample(piece)
        if self.line is not None:
            return self.line.nearest(piece, value)  # type: ignore[arg-type]
        if self.lists is not None:
            return self.lists.nearest(piece, value)  # type: ignore[arg-type]
        return CODE_CHANGED, self.codes[piece][0]

    def words(self, piece: int) -> str:
        """Return what is in a piece, as a cell would say it."""
        if piece >= self.values:
            return "null" if piece == self.null else "missing"
        if self.line is not None:
            return self.line.words(piece)
        if self.lists is not None:
            return f"such as {self.column.write(self.sample(piece))}"
        return ", ".join(self.column.write(value) for value in self.codes[piece])

    def pieces(self, bits: int) -> list[int]:
        """Return the numbers of the pieces in a set given as bits."""
        return [piece for piece in range(self.size) if bits >> piece & 1]


def _mask(cells: Sequence[Cell], accepts: Callable[[Cell], bool]) -> int:
    return sum(1 << place for place, cell in enumerate(cells) if cell.anything or accepts(cell))


def accepted_pieces(masks: Sequence[int], rules: int) -> list[int]:
    """Return per rule the pieces that it accepts, as bits."""
    accepted, begun, before = [0] * rules, [0] * rules, 0
    for piece, mask in enumerate([*masks, 0]):
        changed = mask ^ before
        while changed:
            bit = changed & -changed
            rule = bit.bit_length() - 1
            if mask & bit:
                begun[rule] = piece
            else:
                accepted[rule] |= (1 << piece) - (1 << begun[rule])
            changed ^= bit
        before = mask
    return accepted
