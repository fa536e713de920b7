"""The documents as data: pages, headings, tables, links and blocks of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")


def all_pages() -> list[Path]:
    """Return every document of the repository."""
    top = [PROJECT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "dags/README.md")]
    return [*top, *sorted((PROJECT / "docs").rglob("*.md"))]


def page(name: str) -> str:
    """Return the text of a document."""
    return (PROJECT / name).read_text(encoding="utf-8")


def without_code(text: str) -> str:
    """Return the text without fenced and indented blocks of code."""
    return re.sub(r"^(?: {4}|\t).*$", "", _FENCE.sub("", text), flags=re.MULTILINE)


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return [body for found, body in _FENCE.findall(text) if found == language]


def links(text: str) -> list[str]:
    """Return the targets of all links and images."""
    return _LINK.findall(without_code(text))


def spans(text: str) -> list[str]:
    """Return everything between single backticks."""
    return _SPAN.findall(text)


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings, in the way GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+)$", _FENCE.sub("", text), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = 1
        while slug in found:
            slug = f"{slug.rsplit('-', 1)[0] if number > 1 else slug}-{number}"
            number += 1
        found.add(slug)
    return found


def section(text: str, heading: str) -> str:
    """Return the text below a heading, up to the next one of the same or a higher level."""
    found = re.search(rf"^(#+) +{re.escape(heading)}\n(.*?)(?=^#{{1,6}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {heading!r}"
    return found[2]


@dataclass(frozen=True)
class Table:
    """A table: names of its columns, and its rows by column."""

    header: list[str]
    rows: list[dict[str, str]]

    def column(self, name: str) -> list[str]:
        """Return the cells of a column."""
        return [row[name] for row in self.rows]


def tables(text: str) -> list[Table]:
    """Return the tables in a text."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", f"{text}\n", re.MULTILINE):
        lines = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.splitlines()]
        header, rule, *rows = lines
        assert all(re.fullmatch(r":?-+:?", cell) for cell in rule), f"a table without a rule: {header}"
        assert all(len(row) == len(header) for row in rows), f"rows of other widths: {header}"
        found.append(Table(header, [dict(zip(header, row, strict=True)) for row in rows]))
    return found


def marked_table(text: str, mark: str) -> Table:
    """Return the first table after ``<!-- tested: mark -->``."""
    _, comment, rest = text.partition(f"<!-- tested: {mark} -->")
    assert comment, f"there is no mark {mark!r}"
    return tables(rest)[0]


def marks(text: str) -> list[str]:
    """Return what is marked as tested."""
    return re.findall(r"<!-- tested: (.+?) -->", text)
