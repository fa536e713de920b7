"""Reads the declarations of inputs."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from backoffice.domain.decision_table.cells import places
from backoffice.domain.decision_table.document import Absent, Mapping, Node, Scalar
from backoffice.domain.decision_table.findings import Kind
from backoffice.domain.decision_table.inputs import ORDERED, TYPES, Input, Ordered, Type
from backoffice.domain.decision_table.notes import Notes, shape
from backoffice.domain.decision_table.words import unseen

MOST_INPUTS = 40
KEYS = frozenset(
    {
        "type",
        "values",
        "nullable",
        "optional",
        "currency",
        "decimals",
        "min",
        "max",
        "step",
        "unit",
        "authority",
        "reason",
    }
)
# which keys say something only of some types
ONLY_OF: dict[str, frozenset[str]] = {
    "values": frozenset({"code", "codes"}),
    "currency": frozenset({"money"}),
    "decimals": frozenset({"money"}),
    "min": ORDERED,
    "max": ORDERED,
    "step": frozenset({"number", "date"}),
    "authority": frozenset({"money", "number"}),
    "reason": frozenset({"money", "number"}),
}
_CODE = re.compile(r"[^\s,()\[\]'\"]{1,80}")
RESERVED = frozenset(
    {"-", "null", "missing", "not", "empty", "contains", "any", "all", "none", "only", "true", "false"}
)


def read_inputs(notes: Notes, node: Node | None) -> dict[str, Input] | None:
    """Return the inputs by name, or None when one of them cannot be used."""
    before = len(notes.findings)
    found: dict[str, Input] = {}
    for name, key, about in notes.named(node, "inputs", "an input"):
        column = _Reader(notes, name).read(about)
        if column is not None and name not in found:
            found[name] = column
        if len(found) > MOST_INPUTS:
            notes.add(
                Kind.SIZE,
                f"there are more than {MOST_INPUTS} inputs",
                "split the policy",
                rule="inputs",
                node=key,
            )
            return None
    if isinstance(node, Mapping) and not node.pairs:
        notes.add(Kind.TYPE, "there are no inputs", "declare at least one", rule="inputs", node=node)
    return found if len(notes.findings) == before else None


class _Reader:
    def __init__(self, notes: Notes, name: str) -> None:
        self.notes = notes
        self.name = name
        self.place = f"input {name}"

    def fault(self, kind: Kind, problem: str, remedy: str, cell: str, node: Node | None) -> None:
        self.notes.add(kind, problem, remedy, rule=self.place, cell=cell, node=node)

    def read(self, node: Node) -> Input | None:
        about = self.notes.mapping(node, self.place, KEYS)
        if about is None:
            return None
        kind = self._type(about)
        if kind is None:
            return None
        for key, value in about.pairs:
            if kind not in ONLY_OF.get(key.text, {kind}):
                wanted = ", ".join(sorted(ONLY_OF[key.text]))
                self.fault(
                    Kind.TYPE,
                    f"{key.text!r} says nothing about a {kind}",
                    f"only of {wanted}",
                    key.text,
                    value,
                )
        return self._column(about, kind)

    def _type(self, about: Mapping) -> Type | None:
        node = about.get("type")
        text = node.text if isinstance(node, Scalar) else None
        found = next((kind for kind in TYPES if kind == text), None)
        if found is None:
            self.fault(
                Kind.TYPE,
                f"the type is {shape(node)}",
                f"use {', '.join(TYPES)}",
                "type",
                node or Absent(about.line),
            )
        return found

    def _column(self, about: Mapping, kind: Type) -> Input:
        facts: dict[str, Any] = {
            "nullable": self.notes.flag(about.get("nullable"), self.place, "nullable"),
            "optional": self.notes.flag(about.get("optional"), self.place, "optional"),
        }
        unit = about.get("unit")
        facts["unit"] = None if unit is None else self.notes.text(unit, self.place, "unit")
        if kind in ("code", "codes"):
            facts["values"] = self._codes(about)
        if kind == "money":
            facts["currency"] = self._currency(about)
            facts["decimals"] = self._decimals(about)
        if kind in ("money", "number"):
            facts["indifferent"] = self._indifferent(about)
        if kind in ORDERED:
            facts |= self._bounds(about, kind)
        column = Input(self.name, kind, **facts)
        self._check_bounds(about, column)
        return column

    def _codes(self, about: Mapping) -> tuple[str, ...]:
        found: dict[str, str] = {}
        node = about.get("values")
        for item in self.notes.items(node or Absent(about.line), self.place, "values"):
            text = item.value if isinstance(item, Scalar) else None
            if not isinstance(text, str) or not _is_code(text):
                self.fault(
                    Kind.TYPE,
                    f"{shape(item)} cannot be a code",
                    "use a word without blanks, commas, brackets and characters that nobody sees, "
                    "and none that a cell says itself",
                    "values",
                    item,
                )
            elif (same := unicodedata.normalize("NFKC", text)) in found:
                twice = f"the code {text!r} stands there twice"
                if text != found[same]:
                    twice = f"the codes {found[same]!a} and {text!a} look the same"
                self.fault(Kind.NAME, twice, "keep one", "values", item)
            else:
                found[same] = text
        if node is not None and not found:
            self.fault(Kind.TYPE, "there are no codes", "list them", "values", node)
        return tuple(found.values())

    def _currency(self, about: Mapping) -> str:
        node = about.get("currency") or Absent(about.line)
        if isinstance(node, Scalar) and re.fullmatch("[A-Z]{3}", node.text):
            return node.text
        self.fault(
            Kind.MONEY,
            f"the currency is {shape(node)}",
            "money needs its currency, such as EUR",
            "currency",
            node,
        )
        return "XXX"

    def _decimals(self, about: Mapping) -> int:
        node = about.get("decimals")
        return 2 if node is None else self.notes.whole(node, self.place, "decimals", 6) or 0

    def _indifferent(self, about: Mapping) -> str | None:
        node, reason = about.get("authority"), about.get("reason")
        if node is None:
            if reason is not None:
                self.fault(Kind.NAME, "a reason without authority: indifferent", "drop it", "reason", reason)
            return None
        if not (isinstance(node, Scalar) and node.text == "indifferent"):
            self.fault(
                Kind.NAME, f"authority is {shape(node)}", "write indifferent, or drop it", "authority", node
            )
            return None
        if reason is not None:
            return self.notes.text(reason, self.place, "reason")
        self.fault(
            Kind.AUTHORITY,
            "it gives no reason",
            "say in reason: why more of it asks for no more authority",
            "authority",
            node,
        )
        return None

    def _bounds(self, about: Mapping, kind: Type) -> dict[str, Any]:
        read = self.notes.day if kind == "date" else self.notes.number
        bounds: dict[str, Any] = {}
        for key, fact in (("min", "low"), ("max", "high")):
            node = about.get(key)
            bounds[fact] = None if node is None else read(node, self.place, key)
        node = about.get("step")
        if node is not None:
            step = bounds["step"] = self.notes.number(node, self.place, "step")
            if step is not None and (step <= 0 or (kind == "date" and step % 1)):
                self.fault(
                    Kind.TYPE, "it is no distance", "write a number above zero; days are whole", "step", node
                )
                bounds["step"] = None
        return bounds

    def _check_bounds(self, about: Mapping, column: Input) -> None:
        low, high = column.low, column.high
        if low is not None and high is not None and high < low:  # type: ignore[operator]  # of one type
            self.fault(Kind.TYPE, "the most is below the least", "exchange them", "max", about.get("max"))
        for key, bound in (("min", low), ("max", high)):
            if bound is not None and self._too_fine(column, bound):
                self.fault(
                    Kind.MONEY,
                    f"it has more than {column.decimals} decimals",
                    "round it",
                    key,
                    about.get(key),
                )

    @staticmethod
    def _too_fine(column: Input, bound: Ordered) -> bool:
        return column.kind == "money" and places(bound) > column.decimals


def _is_code(text: str) -> bool:
    fits = _CODE.fullmatch(text) and not unseen(text)
    return bool(fits) and text not in RESERVED and not text.startswith("-")
