"""HTML that cannot be broken by what it shows: text is escaped wherever it enters, without exception."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# signs that turn the direction of writing or print as nothing: they could make one text look like another
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_WORD = re.compile(r"\S{1,24}")
_HASH = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+Z?)?")


class Html(str):
    """Markup that was put together here; every other text is escaped."""

    __slots__ = ()


def text(value: object) -> Html:
    """Return a value as escaped text; what cannot be seen is spelled out."""
    if isinstance(value, Html):
        return value
    shown = "" if value is None else str(value)
    shown = _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", shown)
    shown = shown.encode("utf-8", "backslashreplace").decode("utf-8")
    return Html(html.escape(shown, quote=True))


def tag(name: str, *parts: object, **attributes: str) -> Html:
    """Return an element; an attribute ``class_`` is written ``class``."""
    given = "".join(f' {key.rstrip("_")}="{text(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{given}>{''.join(text(part) for part in parts)}</{name}>")


def join(parts: Iterable[object], between: str = "\n") -> Html:
    """Return parts one after the other."""
    return Html(text(between).join(text(part) for part in parts))


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """Return a table; where it is wider than the page it moves by itself."""
    head = tag("tr", *(tag("th", cell) for cell in header))
    body = (tag("tr", *map(_cell, row)) for row in rows)
    return tag("div", tag("table", tag("thead", head), "\n", tag("tbody", join(body))), class_="wide")


def _cell(cell: object) -> Html:
    """Return a cell: numbers to the right, moments to the second in one line, hashes broken anywhere."""
    shown = str(cell)
    if isinstance(cell, Html):
        return tag("td", cell)
    if _NUMBER.fullmatch(shown):
        return tag("td", cell, class_="n")
    if _MOMENT.fullmatch(shown):
        return tag("td", shown[:19].replace("T", " "), class_="t")
    if _WORD.fullmatch(shown):
        return tag("td", cell, class_="t")
    return tag("td", cell, class_="h") if _HASH.search(shown) else tag("td", cell)


def listing(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Html:
    """Return rows of named values as a table, with the columns that any of them has."""
    used = [name for name in names if any(row.get(name) not in (None, "") for row in rows)]
    return table([names[name] for name in used], ([row.get(name) for name in used] for row in rows))


def pairs(given: Iterable[tuple[str, object]]) -> Html:
    """Return what has a name as a table of two columns; what is not known is left out."""
    rows = [tag("tr", tag("th", name), tag("td", value)) for name, value in given if value not in (None, "")]
    return tag("table", tag("tbody", join(rows)), class_="pairs")


def items(parts: Iterable[object]) -> Html:
    """Return a list."""
    return tag("ul", join(tag("li", part) for part in parts))


def page(title: str, style: str, *parts: object) -> str:
    """Return a whole page that loads nothing and runs nothing."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = (
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{text(title)}</title>\n<style>{style}</style>"
    )
    body = join(part for part in parts if part)
    return f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'
