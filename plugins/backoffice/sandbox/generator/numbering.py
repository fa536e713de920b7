"""Invoice numbers as suppliers write them, and the ways in which the same number is written again.

Ordinary numbers end in a check digit after H. M. Damm: two of them never differ by one digit or by two
neighbours swapped. So a document only looks like another one where that was planted.
"""

from __future__ import annotations

from dataclasses import dataclass

_QUASIGROUP = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)
"""Totally anti-symmetric, so that swapped neighbours never pass the check."""

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without I and O, which people mistake for 1 and 0."""

STYLES = 5


def check_digit(digits: str) -> str:
    """The digit that makes the check come out: 572 gives 4."""
    state = 0
    for digit in digits:
        state = _QUASIGROUP[state][int(digit)]
    return str(state)


@dataclass(slots=True)
class NumberRange:
    """The invoice numbers of one supplier, unlike those of every other supplier.

    :param index: The supplier's place, which gives its letters and its style.
    """

    index: int
    used: int = 0
    special: int = 0

    @property
    def letters(self) -> str:
        """The supplier's two letters."""
        return _LETTERS[self.index // len(_LETTERS) % len(_LETTERS)] + _LETTERS[self.index % len(_LETTERS)]

    @property
    def zero_padded(self) -> bool:
        """Whether the numbers begin with zeros that somebody may leave out."""
        return self.index % STYLES == 2

    def next(self, year: int, *, credit: bool = False) -> str:
        """The next ordinary number."""
        self.used += 1
        return self._written(_checked(str(100 + self.used)), year, credit=credit)

    def next_confusable(self, year: int) -> str:
        """A number with 0, 1 and two unlike neighbours, far from the ordinary ones."""
        self.special += 1
        return self._written(_checked(f"9{self.special:03d}01{self.special % 8 + 2}"), year, credit=False)

    def _written(self, core: str, year: int, *, credit: bool) -> str:
        letters = ("GS" if credit else "") + self.letters
        style = self.index % STYLES
        if style == 0:
            return f"{letters}-{core:0>9}"
        if style == 1:
            return f"{letters}/{year}/{core}"
        if style == 2:
            return f"00{'8' if credit else '7'}{self.index:03d}{core:0>9}"
        if style == 3:
            return f"{letters} {year % 100}-{core}"
        return f"{letters}&Co.{core}"


def _checked(digits: str) -> str:
    return digits + check_digit(digits)


def respelled(number: str) -> str:
    """The same number with other punctuation and small letters: AB-0017 becomes ab/0017."""
    return number.lower().translate(str.maketrans("-/ ", "/._"))


def without_zeros(number: str) -> str:
    """The same number without its leading zeros: 0017 becomes 17; zeros after letters would stay."""
    return number.lstrip("0")


def letter_for_digit(number: str, digit: str) -> str:
    """The number with its last 0 written as O, or its last 1 as I."""
    at = number.rindex(digit)
    return number[:at] + {"0": "O", "1": "I"}[digit] + number[at + 1 :]


def swapped(number: str) -> str:
    """The number with two unlike neighbouring digits near its end swapped: 9001012 becomes 9001102."""
    return number[:-3] + number[-2] + number[-3] + number[-1]
