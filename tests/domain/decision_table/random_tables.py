"""Random decision tables, and what they come to by trying every case one after the other.

A table is drawn as plain data (operators and values), written as YAML for the product to read, and judged here by a
second, plain evaluation that shares no code with it: every case on a grid around all boundaries.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise, product
from typing import Any

from hypothesis import strategies as st

LEVELS = ("machine", "clerk", "manager")
OUTCOMES = {"approve": "machine", "ask": "clerk", "wait": None, "review": "manager"}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
MISSING = "(missing)"
UNITS = {"money": Decimal("0.01"), "whole": Decimal(1), "number": Decimal("0.5"), "date": timedelta(days=1)}
BOUNDS = {
    "money": [Decimal(one) for one in ("-1.00", "0.00", "0.01", "0.02", "2.50", "3.00")],
    "whole": [Decimal(one) for one in (-1, 0, 1, 2, 5)],
    "number": [Decimal(one) for one in ("-1", "0", "0.5", "2", "5")],
    "date": [date(2026, 1, 1), date(2026, 1, 2), date(2026, 2, 28), date(2026, 3, 1)],
}
CODES = ("A", "B", "C")

# ("compare", "<=", 5), ("interval", low, low_in, high, high_in), ("codes", {...}), ("not", {...}), ("null",), ("list", op, {...})
Part = tuple[Any, ...]


@dataclass(frozen=True)
class Column:
    """An input: ``whole`` is a number with step 1."""

    name: str
    kind: str
    nullable: bool
    optional: bool
    low: Any = None
    high: Any = None
    indifferent: bool = False
    unit: str | None = None

    @property
    def amount(self) -> bool:
        """Whether more of it may not need less authority."""
        named = self.kind == "money" or (self.kind in ("whole", "number") and self.unit is None)
        return named and not self.indifferent


@dataclass(frozen=True)
class Row:
    """A rule: alternatives per input, none for '-'."""

    rule_id: str
    cells: dict[str, list[Part]]
    outcome: str
    priority: int


@dataclass(frozen=True)
class Drawn:
    """A whole table."""

    hit_policy: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    limit: Decimal

    # -- as YAML ---------------------------------------------------------------------------------------------------

    def yaml(self) -> str:
        """Return the text for the product."""
        lines = [
            "policy: drawn",
            "title: Drawn by chance",
            "version: 1",
            "owner: Nobody",
            "effective_from: 2026-01-01",
            f"hit_policy: {self.hit_policy}",
            f"machine_limit: {self.limit} EUR",
            f"authorities: [{', '.join(LEVELS)}]",
            "inputs:",
            *(f"  {column.name}: {{{', '.join(_declared(column))}}}" for column in self.columns),
            "outcomes:",
            *(f"  {name}: {{authority: {level or 'none'}}}" for name, level in OUTCOMES.items()),
            "rules:",
        ]
        for row in self.rows:
            cells = ", ".join(
                f'{name}: "{", ".join(map(spelled, parts))}"' for name, parts in row.cells.items()
            )
            lines.append(
                f"  - {{id: {row.rule_id}, when: {{{cells}}}, then: {row.outcome}"
                + (f", priority: {row.priority}}}" if self.hit_policy == "priority" else "}")
            )
        return "\n".join([*lines, "default: {then: review}", "examples: []"]) + "\n"

    # -- by trying -------------------------------------------------------------------------------------------------

    def asked(self) -> list[Row]:
        """Return the rules in the order of asking."""
        if self.hit_policy == "priority":
            return sorted(self.rows, key=lambda row: -row.priority)
        return list(self.rows)

    def cases(self) -> Iterator[dict[str, Any]]:
        """Yield every case on the grid; ``MISSING`` stands for what is not given."""
        for values in product(*(grid(column, self) for column in self.columns)):
            yield dict(zip((column.name for column in self.columns), values, strict=True))

    def hits(self, case: dict[str, Any]) -> list[Row]:
        """Return the rules that hit, in the order of asking."""
        return [
            row
            for row in self.asked()
            if all(any(holds(part, case[name]) for part in parts) for name, parts in row.cells.items())
        ]

    def decider(self, case: dict[str, Any]) -> Row | None:
        """Return the rule that decides, None for the default."""
        hits = self.hits(case)
        if not hits:
            return None
        if self.hit_policy == "unique":
            return hits[0] if len(hits) == 1 else None
        if self.hit_policy == "any":
            return hits[0] if len({row.outcome for row in hits}) == 1 else None
        if self.hit_policy == "collect":
            order = list(OUTCOMES)
            return max(hits, key=lambda row: (order.index(row.outcome), -hits.index(row)))
        if self.hit_policy == "priority":
            equal = [row for row in hits if row.priority == hits[0].priority]
            return hits[0] if len({row.outcome for row in equal}) == 1 else None
        return hits[0]


def _declared(column: Column) -> Iterator[str]:
    yield f"type: {'number' if column.kind == 'whole' else column.kind}"
    if column.kind == "money":
        yield "currency: EUR"
    if column.kind == "whole":
        yield "step: 1"
    if column.kind in ("code", "codes"):
        yield f"values: [{', '.join(CODES)}]"
    for key, value in (("min", column.low), ("max", column.high)):
        if value is not None:
            yield f"{key}: {value}"
    for key in ("nullable", "optional"):
        if getattr(column, key):
            yield f"{key}: true"
    if column.unit:
        yield f"unit: {column.unit}"
    if column.indifferent:
        yield "authority: indifferent"
        yield "reason: it says nothing about risk"


def spelled(part: Part) -> str:
    """Return one alternative of a cell."""
    match part:
        case ("compare", sign, value):
            return f"{sign} {value}"
        case ("interval", low, low_in, high, high_in):
            return f"{'[' if low_in else '('}{low}..{high}{']' if high_in else ')'}"
        case ("codes", codes):
            return ", ".join(codes)
        case ("not", codes):
            return f"not({', '.join(codes)})"
        case ("flag", value):
            return "true" if value else "false"
        case ("list", sign, codes):
            return f"{sign} ({', '.join(codes)})" if codes else sign
        case (word,):
            return str(word)
    raise AssertionError(part)


def holds(part: Part, value: Any) -> bool:
    """Whether one alternative accepts a value."""
    there = value is not None and value != MISSING
    about_presence = {
        ("null",): value is None,
        ("missing",): value == MISSING,
        ("not null",): there,
        ("not missing",): value != MISSING,
    }
    if part in about_presence:
        return bool(about_presence[part])
    return there and fulfils(part, value)


def fulfils(part: Part, value: Any) -> bool:
    """Whether a condition accepts a value that is there."""
    match part:
        case ("compare", sign, bound):
            return COMPARE[sign](value, bound)
        case ("interval", low, low_in, high, high_in):
            above = COMPARE[">=" if low_in else ">"](value, low)
            return above and COMPARE["<=" if high_in else "<"](value, high)
        case ("codes", codes):
            return value in codes
        case ("not", codes):
            return value not in codes
        case ("flag", wanted):
            return value is wanted
    _, sign, codes = part
    given, asked = set(value), set(codes)
    return {
        "contains any": bool(given & asked),
        "contains all": asked <= given,
        "contains none": not given & asked,
        "only": given <= asked,
        "empty": not given,
        "not empty": bool(given),
    }[sign]


def grid(column: Column, drawn: Drawn) -> list[Any]:
    """Return values of an input such that every region that can occur has one."""
    values: list[Any]
    if column.kind == "code":
        values = list(CODES)
    elif column.kind == "flag":
        values = [True, False]
    elif column.kind == "codes":
        values = [
            frozenset(code for code, taken in zip(CODES, choice, strict=True) if taken)
            for choice in product((False, True), repeat=len(CODES))
        ]
    else:
        values = _points(column, drawn)
    return values + ([None] if column.nullable else []) + ([MISSING] if column.optional else [])


def _points(column: Column, drawn: Drawn) -> list[Any]:
    unit = UNITS[column.kind]
    bounds = {
        bound
        for row in drawn.rows
        for part in row.cells.get(column.name, [])
        for bound in (
            (part[2],) if part[0] == "compare" else (part[1], part[3]) if part[0] == "interval" else ()
        )
    }
    if column.amount:
        # of whole numbers the last one within the limit
        bounds.add(drawn.limit // 1 if column.kind == "whole" else drawn.limit)
    bounds |= {bound for bound in (column.low, column.high) if bound is not None}
    bounds |= {BOUNDS[column.kind][0]}
    points = {point for bound in bounds for point in (bound - unit, bound, bound + unit)}
    ordered = sorted(bounds)
    if column.kind == "number":
        points |= {(one + two) / 2 for one, two in pairwise(ordered)}
    return sorted(
        point
        for point in points
        if (column.low is None or point >= column.low) and (column.high is None or point <= column.high)
    )


# -- strategies ----------------------------------------------------------------------------------------------------


@st.composite
def parts(draw: st.DrawFn, column: Column) -> Part:
    """Draw one alternative of a cell."""
    words = [("null",), ("not null",)] if column.nullable else []
    words += [("missing",), ("not missing",)] if column.optional else []
    if words and draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(words))
    if column.kind == "flag":
        return ("flag", draw(st.booleans()))
    codes = tuple(sorted(draw(st.sets(st.sampled_from(CODES), min_size=1, max_size=3))))
    if column.kind == "code":
        return (draw(st.sampled_from(["codes", "not"])), codes)
    if column.kind == "codes":
        sign = draw(
            st.sampled_from(["contains any", "contains all", "contains none", "only", "empty", "not empty"])
        )
        return ("list", sign, () if "empty" in sign else codes)
    bound = st.sampled_from(BOUNDS[column.kind])
    if draw(st.booleans()):
        return ("compare", draw(st.sampled_from(sorted(COMPARE))), draw(bound))
    return ("interval", draw(bound), draw(st.booleans()), draw(bound), draw(st.booleans()))


@st.composite
def columns(draw: st.DrawFn, name: str, kinds: tuple[str, ...]) -> Column:
    """Draw an input."""
    kind = draw(st.sampled_from(kinds))
    low = high = None
    if kind in BOUNDS:
        low = draw(st.sampled_from([None, None, BOUNDS[kind][0], BOUNDS[kind][1]]))
        high = draw(st.sampled_from([None, None, BOUNDS[kind][-1]]))
    return Column(
        name,
        kind,
        draw(st.integers(0, 3)) == 0,
        draw(st.integers(0, 3)) == 0,
        low,
        high,
        kind in ("money", "whole", "number") and draw(st.integers(0, 3)) == 0,
        draw(st.sampled_from([None, "pieces"])) if kind in ("whole", "number") else None,
    )


KINDS = ("money", "whole", "number", "date", "code", "flag", "codes")


@st.composite
def tables(draw: st.DrawFn, catch_all: bool | None = None) -> Drawn:
    """Draw a table; most of them are faulty in one way or another."""
    count = draw(st.integers(1, 3))
    drawn_columns = tuple(
        draw(columns(f"i{number}", ("money",) if number == 0 and draw(st.booleans()) else KINDS))
        for number in range(count)
    )
    rows = []
    for number in range(draw(st.integers(1, 5))):
        cells = {
            column.name: draw(st.lists(parts(column), min_size=1, max_size=2))
            for column in drawn_columns
            if draw(st.integers(0, 2))
        }
        rows.append(Row(f"r{number}", cells, draw(st.sampled_from(list(OUTCOMES))), draw(st.integers(0, 2))))
    if draw(st.booleans()) if catch_all is None else catch_all:
        rows.append(Row("rest", {}, "review", 0))
    hit_policy = draw(st.sampled_from(["first", "first", "unique", "priority", "any", "collect"]))
    return Drawn(
        hit_policy,
        drawn_columns,
        tuple(rows),
        draw(st.sampled_from([Decimal("0.00"), Decimal("2.50"), Decimal("100.00")])),
    )
