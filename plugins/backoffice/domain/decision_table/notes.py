"""Notes on a document: each accessor returns what it found, or notes a finding and returns None."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal

from backoffice.domain.decision_table.document import Absent, Listing, Mapping, Node, Scalar
from backoffice.domain.decision_table.findings import Finding, Kind
from backoffice.domain.decision_table.values import Money, read_day, read_number
from backoffice.domain.decision_table.words import shortened, use_one_of

ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
MOST_FINDINGS = 500
COMMA = "; quote a text that has a comma"
MONEY = re.compile(r"(-?[0-9]{1,20}(?:\.[0-9]{1,20})?) ([A-Z]{3})")


class Enough(Exception):
    """There are more findings than anybody reads."""


class Notes:
    """The findings of one file, at most ``MOST_FINDINGS`` of them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []

    def add(
        self,
        kind: Kind,
        problem: str,
        remedy: str,
        *,
        rule: str = "",
        cell: str = "",
        node: Node | None = None,
        value: str | None = None,
    ) -> None:
        """Note a finding about a node.

        :raises Enough: There are too many.
        """
        if len(self.findings) >= MOST_FINDINGS:
            raise Enough
        seen = shortened(value if value is not None else node.text if isinstance(node, Scalar) else "")
        line = node.line if node is not None else 0
        self.findings.append(Finding(self.file, kind, problem, remedy, rule, cell, seen, line))

    def mapping(self, node: Node | None, rule: str, known: Collection[str], cell: str = "") -> Mapping | None:
        """Return a mapping all of whose keys are known."""
        if not isinstance(node, Mapping):
            wanted = ", ".join(sorted(known)) or "names"
            self.add(
                Kind.TYPE,
                f"it is {shape(node)}, not a mapping",
                f"write keys with values ({wanted})",
                rule=rule,
                cell=cell,
                node=node,
            )
            return None
        for key, value in node.pairs if known else ():
            if key.value not in known:
                self.add(
                    Kind.NAME,
                    f"the key {shortened(key.text)!r} is not known",
                    use_one_of(key.text, sorted(known)) + cut_at_a_comma(value),
                    rule=rule,
                    cell=cell or shortened(key.text),
                    node=key,
                )
        return node

    def named(self, node: Node | None, rule: str, what: str) -> Iterator[tuple[str, Scalar, Node]]:
        """Yield the entries of a mapping from names to anything."""
        mapping = self.mapping(node, rule, ())
        by_letters: dict[str, str] = {}
        for key, value in mapping.pairs if mapping else ():
            if isinstance(key.value, str) and ID.fullmatch(key.value):
                self.check_capitals(key.value, by_letters, rule, key.value, key)
                yield key.value, key, value
            else:
                self.add(
                    Kind.SYNTAX,
                    f"{shortened(key.text)!r} is no name of {what}",
                    "begin with a letter; use letters, digits and underscores",
                    rule=rule,
                    node=key,
                )

    def check_capitals(self, name: str, by_letters: dict[str, str], rule: str, cell: str, node: Node) -> None:
        """Note a name that people take for an earlier one; ``by_letters`` holds those by small letters."""
        other = by_letters.setdefault(name.lower(), name)
        if other != name:
            self.add(
                Kind.NAME,
                f"{name!r} differs from {other!r} only in capitals",
                "give one of them another name",
                rule=rule,
                cell=cell,
                node=node,
            )

    def items(self, node: Node | None, rule: str, cell: str = "") -> list[Node]:
        """Return the items of a list."""
        if isinstance(node, Listing):
            return node.items
        self.add(
            Kind.TYPE,
            f"it is {shape(node)}, not a list",
            "write a list, such as [A, B]",
            rule=rule,
            cell=cell,
            node=node,
        )
        return []

    def text(self, node: Node | None, rule: str, cell: str) -> str | None:
        """Return a text in which there is something to see."""
        if isinstance(node, Scalar) and isinstance(node.value, str) and _can_be_seen(node.value):
            return node.value
        self.add(
            Kind.TYPE, f"it is {shape(node)}, not a text", "write a text", rule=rule, cell=cell, node=node
        )
        return None

    def identifier(self, node: Node | None, rule: str, cell: str) -> str | None:
        """Return a name of letters, digits and underscores."""
        found = self.text(node, rule, cell)
        if found is None or ID.fullmatch(found):
            return found
        self.add(
            Kind.SYNTAX,
            "it is no name",
            "begin with a letter; use letters, digits and underscores",
            rule=rule,
            cell=cell,
            node=node,
        )
        return None

    def flag(self, node: Node | None, rule: str, cell: str) -> bool:
        """Return true or false; what is not there is false."""
        if node is None:
            return False
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.add(
            Kind.TYPE,
            f"it is {shape(node)}, not true or false",
            "write true or false",
            rule=rule,
            cell=cell,
            node=node,
        )
        return False

    def whole(self, node: Node | None, rule: str, cell: str, most: int, least: int = 0) -> int | None:
        """Return a whole number from ``least`` to ``most``."""
        number = node.text if isinstance(node, Scalar) else ""
        if re.fullmatch(r"[0-9]{1,9}", number) and least <= int(number) <= most:
            return int(number)
        self.add(
            Kind.TYPE,
            f"it is {shape(node)}, not a whole number from {least} to {most}",
            "write a whole number",
            rule=rule,
            cell=cell,
            node=node,
        )
        return None

    def day(self, node: Node | None, rule: str, cell: str) -> date | None:
        """Return a day."""
        try:
            return read_day(node.text if isinstance(node, Scalar) else None)
        except ValueError:
            self.add(Kind.DATES, "it is no day", "write it as 2026-11-22", rule=rule, cell=cell, node=node)
            return None

    def number(self, node: Node | None, rule: str, cell: str) -> Decimal | None:
        """Return a number."""
        try:
            return read_number(node.text if isinstance(node, Scalar) else None)
        except ValueError:
            self.add(
                Kind.TYPE,
                f"it is {shape(node)}, not a number",
                "write a number",
                rule=rule,
                cell=cell,
                node=node,
            )
            return None

    def money(self, node: Node | None, rule: str, cell: str) -> Money | None:
        """Return an amount with its currency."""
        found = MONEY.fullmatch(node.text) if isinstance(node, Scalar) else None
        if found:
            return Money(Decimal(found[1]), found[2])
        self.add(
            Kind.MONEY,
            "it is no amount with a currency",
            "write an amount and a currency, such as 100000.00 EUR",
            rule=rule,
            cell=cell,
            node=node,
        )
        return None


def _can_be_seen(text: str) -> bool:
    return any(letter.isprintable() and not letter.isspace() for letter in text)


def shape(node: Node | None) -> str:
    """Return what a node is, in words."""
    if node is None or isinstance(node, Absent):
        return "missing"
    if isinstance(node, Listing):
        return "a list"
    return "a mapping" if isinstance(node, Mapping) else repr(shortened(node.text))


def cut_at_a_comma(value: Node) -> str:
    """Return a hint where a key has no value: in ``{kind: car, home}`` YAML reads ``home`` as one."""
    return COMMA if isinstance(value, Scalar) and value.value is None else ""
