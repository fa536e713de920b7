"""Document numbers, most of them unlike each other, some of them an earlier number spelt otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.oracle.draw_masters import rarely

UNLIKE = ("KX-I07", "QLB/4051", "77-2031", "000", "REO 20-5", "ZZ9", "05500-A", "H-8-H")
CONFUSED = {"0": "O", "O": "0", "1": "I", "I": "L", "L": "1"}


@st.composite
def draw_number(draw: DrawFn, number: int, earlier: Sequence[str]) -> str:
    """A number of its own, or now and then an earlier one in another spelling."""
    if draw(rarely(5)) and earlier:
        return draw(draw_spelling(draw(st.sampled_from(earlier))))
    return UNLIKE[number % len(UNLIKE)]


@st.composite
def draw_spelling(draw: DrawFn, number: str) -> str:
    """The same number, one that reads the same, one with neighbours swapped, or one a character longer."""
    at = draw(st.integers(0, len(number) - 1))
    swapped = number[:at] + number[at : at + 2][::-1] + number[at + 2 :]
    confused = "".join(CONFUSED.get(character, character) for character in number)
    one_confused = number[:at] + CONFUSED.get(number[at], number[at]) + number[at + 1 :]
    spellings = [
        number,
        swapped,
        one_confused,
        confused,
        number.lower(),
        f"00{number}",
        f"O{number}",
        f"{number[:at]} {number[at:]}",
        f"{number}7",
    ]
    return draw(st.sampled_from(spellings))
