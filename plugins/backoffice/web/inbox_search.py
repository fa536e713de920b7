"""What is typed into the search of the inbox, as conditions: words, numbers, amounts, cases."""

from __future__ import annotations

import re
import unicodedata

MOST_WORDS = 6
_CASE = re.compile(r"(?:case\s*#?|#)\s*([0-9]{1,18})", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,18}")
# 2,304.00 and 2.304,00; a single comma or point before three digits parts thousands
_POINT = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,2})?")
_COMMA = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]{1,2})?|[0-9]+,[0-9]{1,2}")
_SHORT = 3  # digits of a number that would stand somewhere in every other case
_LETTERS = str.maketrans("øłđı", "oldi")


def folded(text: str) -> str:
    """Return a text in small letters without accents: Söhne is sohne. ``review.folded`` does the same."""
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in apart if not "\u0300" <= letter <= "\u036f")
    lowered = bare.lower().replace("ß", "ss").replace("æ", "ae").replace("œ", "oe")
    return lowered.translate(_LETTERS)


def anywhere(text: str) -> str:
    """Return the LIKE pattern of a text that stands anywhere, none of its letters a wildcard."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def search(text: str | None) -> tuple[list[str], dict[str, object]]:
    """Return conditions that ask for every word, and the values that they bind.

    ``case 34`` and ``#34`` are that case alone. So short a number as 34 is a case, an amount or part of the
    title, not of any number that nobody sees in the list.
    """
    asked = _CASE.fullmatch((text or "").strip())
    if asked:
        return ["c.case_id = %(case_no)s"], {"case_no": int(asked[1])}
    words = (text or "").split()[:MOST_WORDS]
    values: dict[str, object] = {}
    conditions = [_word(word, f"word_{place}", len(words) == 1, values) for place, word in enumerate(words)]
    return conditions, values


def _word(word: str, name: str, alone: bool, values: dict[str, object]) -> str:
    values[name] = anywhere(folded(word))
    listed = f"c.inbox_text LIKE %({name})s"
    if _NUMBER.fullmatch(word):
        values[f"{name}_no"] = int(word)
        if len(word) <= _SHORT:
            return (
                f"(c.case_id = %({name}_no)s OR c.amount = %({name}_no)s OR lower(c.title) LIKE %({name})s)"
            )
        return f"({listed} OR c.case_id = %({name}_no)s)" if alone else listed
    amount = _amount(word)
    if amount is None:
        return listed
    values[f"{name}_amount"] = anywhere(amount)
    return f"({listed} OR c.inbox_text LIKE %({name}_amount)s)"


def _amount(word: str) -> str | None:
    """Return an amount as the ledger writes it: with a point, thousands not parted; None for no amount."""
    if _POINT.fullmatch(word):
        return word.replace(",", "")
    if _COMMA.fullmatch(word):
        return word.replace(".", "").replace(",", ".")
    return None
