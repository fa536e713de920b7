"""Words of findings: a few of many names, the name that was meant, and no character that nobody sees."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from itertools import islice

MOST_NAMED = 12
MOST_SHOWN = 120
MOST_COMPARED = 200
# marks, fillers and selectors that Unicode calls printable and that show nothing
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# what has a reader see words and signs in another order than they stand in
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def listed(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """Return the first names and how many more there are: ``a, b, c and 997 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(shortened, names[:most])) + more


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant: ``amount`` for ``amuont``."""
    by_fold = {one.casefold(): one for one in islice(known, MOST_COMPARED)}
    found = get_close_matches(name[:80].casefold(), by_fold, 1)
    return by_fold[found[0]] if found else None


def use_one_of(name: str, known: Collection[str]) -> str:
    """Return what to do about a name that is not known."""
    meant = nearest_name(name, known)
    return (f"did you mean {meant}? " if meant else "") + f"use one of {listed(list(known))}"


def shortened(text: str) -> str:
    """Return a text that fits into a message."""
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."


def unseen(text: str) -> str | None:
    """Return the name of the first character that no reader sees, or tells from a space: ``U+00A0 NO-BREAK
    SPACE``.
    """
    blank = _BLANK.search(text)
    if blank is None and text.isprintable():
        return None
    hidden = (one for one in text if not one.isprintable() and one not in "\t\n")
    first = blank[0] if blank else next(hidden, None)
    return named(first) if first else None


def named(character: str) -> str:
    """Return code and name of a character: ``U+00A0 NO-BREAK SPACE``."""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()


def visible(text: str) -> str:
    """Return a text with such characters written out, so that it drives no terminal and forges no line."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
