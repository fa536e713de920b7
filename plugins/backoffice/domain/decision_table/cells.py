"""Cells: conditions on one input, written without code and read into what they accept.

A cell is a comma-separated list of alternatives. ``-`` accepts anything, also null and missing; every other
condition is about a value that is there, unless it says ``null`` or ``missing``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from backoffice.domain.canonical import number_text
from backoffice.domain.decision_table.findings import Kind
from backoffice.domain.decision_table.inputs import ORDERED, Input, Ordered
from backoffice.domain.decision_table.values import read_day, read_number
from backoffice.domain.decision_table.words import listed, nearest_name, shortened, unseen

ListOperator = Literal["contains any", "contains all", "contains none", "only", "empty", "not empty"]

_INTERVAL = re.compile(r"([\[(])\s*(\S+?)\s*\.\.\s*(\S+?)\s*([\])])")
_COMPARISON = re.compile(r"(<=|>=|<|>|=)\s*([^<>=].*)")
_CODES = re.compile(r"not\s*\((.*)\)")
_LIST = re.compile(r"(contains any|contains all|contains none|only)\s*\((.*)\)")


class CellError(ValueError):
    """A cell cannot be read: what kind of fault, and what to write."""

    def __init__(self, kind: Kind, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.kind = kind
        self.remedy = remedy


@dataclass(frozen=True)
class Cut:
    """A place on the line just before or just after a value; None is beyond everything on its side."""

    value: Ordered
    after: bool


@dataclass(frozen=True)
class Interval:
    """All values between two cuts."""

    low: Cut | None
    high: Cut | None

    @property
    def empty(self) -> bool:
        """Whether nothing can lie in it, such as ``[5..1]`` or ``(3..3]``."""
        if self.low is None or self.high is None:
            return False
        low, high = self.low.value, self.high.value
        return high < low or (high == low and not (self.high.after and not self.low.after))  # type: ignore[operator]


@dataclass(frozen=True)
class ListTest:
    """A condition on a list of codes."""

    operator: ListOperator
    codes: frozenset[str]

    def accepts(self, given: frozenset[str]) -> bool:
        """Whether a list fulfils it."""
        match self.operator:
            case "contains any":
                return bool(given & self.codes)
            case "contains all":
                return given >= self.codes
            case "contains none":
                return not given & self.codes
            case "only":
                return given <= self.codes
            case "empty":
                return not given
            case "not empty":
                return bool(given)


@dataclass(frozen=True)
class Cell:
    """What one cell accepts: the union of its parts."""

    text: str
    anything: bool = False
    null: bool = False
    missing: bool = False
    values: frozenset[str | bool] = frozenset()
    intervals: tuple[Interval, ...] = ()
    tests: tuple[ListTest, ...] = ()


@dataclass
class _Parts:
    null: bool = False
    missing: bool = False
    values: set[str | bool] | None = None
    but: frozenset[str] | None = None
    intervals: list[Interval] | None = None
    tests: list[ListTest] | None = None


def read_cell(column: Input, text: str) -> Cell:
    """Return what a cell accepts.

    :raises CellError: It cannot be read, tests what the input cannot be, or names an unknown code.
    """
    hidden = unseen(text)
    if hidden:
        raise CellError(Kind.SYNTAX, f"it holds {hidden}", "write a plain space there, or nothing")
    spelled = " ".join(text.split())
    if spelled == "-":
        return Cell("-", anything=True)
    null = missing = False
    values: set[str | bool] = set()
    but: frozenset[str] | None = None  # every other code
    intervals: list[Interval] = []
    tests: list[ListTest] = []
    for part in dict.fromkeys(_alternatives(spelled)):
        found = _presence(column, part) or _condition(column, part)
        null |= found.null
        missing |= found.missing
        values.update(found.values or ())
        if found.but is not None:
            but = found.but if but is None else but & found.but
        intervals.extend(found.intervals or ())
        tests.extend(found.tests or ())
    if but is not None:
        values |= column.codes - but
    return Cell(spelled, False, null, missing, frozenset(values), tuple(intervals), tuple(tests))


def _alternatives(text: str) -> Iterator[str]:
    """Split at commas that stand outside of brackets."""
    depth, start = 0, 0
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    if depth:
        raise CellError(
            Kind.SYNTAX,
            f"a bracket of {shortened(text)!r} has no other",
            'close it; quote a cell that has a comma: "not(car, home)"',
        )
    yield text[start:].strip()


def _presence(column: Input, part: str) -> _Parts | None:
    """Read what asks whether there is a value."""
    if part not in {"null", "not null", "missing", "not missing"}:
        return None
    asked, declared = ("null", column.nullable) if "null" in part else ("missing", column.optional)
    if not declared:
        key = "nullable" if asked == "null" else "optional"
        raise CellError(
            Kind.TYPE, f"it tests {part!r}, but the input is not {key}", f"declare {key}: true, or drop it"
        )
    if part == "null":
        return _Parts(null=True)
    if part == "missing":
        return _Parts(missing=True)
    found = _any_value(column)
    found.null = part == "not missing"
    return found


def _any_value(column: Input) -> _Parts:
    if column.kind in ORDERED:
        return _Parts(intervals=[Interval(None, None)])
    if column.kind == "codes":
        return _Parts(tests=[ListTest("contains none", frozenset())])
    return _Parts(values={True, False} if column.kind == "flag" else set(column.values))


def _condition(column: Input, part: str) -> _Parts:
    if not part:
        raise CellError(Kind.SYNTAX, "an alternative is empty", "write '-' for anything, or drop the comma")
    if column.kind in ORDERED:
        return _Parts(intervals=[_interval(column, part)])
    if column.kind == "codes":
        return _Parts(tests=[_list_test(column, part)])
    if column.kind == "flag":
        if part not in {"true", "false"}:
            raise CellError(Kind.TYPE, "it is not true or false", "write true, false or '-'")
        return _Parts(values={part == "true"})
    if excluded := _CODES.fullmatch(part):
        return _Parts(but=_known(column, excluded[1]))
    return _Parts(values={*_known(column, part)})


def _known(column: Input, text: str) -> frozenset[str]:
    codes = [code.strip() for code in text.split(",")]
    unknown = sorted({code for code in codes if code not in column.codes})
    if unknown:
        meant = nearest_name(unknown[0], column.values)
        raise CellError(
            Kind.NAME,
            f"{listed([repr(shortened(code)) for code in unknown])} is not among "
            f"{listed(sorted(column.values))}",
            (f"did you mean {meant}? " if meant else "")
            + "correct the code, or add it to the values of the input",
        )
    return frozenset(codes)


def _list_test(column: Input, part: str) -> ListTest:
    if part == "empty":
        return ListTest("empty", frozenset())
    if part == "not empty":
        return ListTest("not empty", frozenset())
    found = _LIST.fullmatch(part)
    if not found:
        raise CellError(
            Kind.SYNTAX,
            f"{shortened(part)!r} is no condition on a list of codes",
            "write contains any (A, B), contains all (...), contains none (...), only (...) or empty",
        )
    return ListTest(found[1], _known(column, found[2]))  # type: ignore[arg-type]  # one of the words of _LIST


def _interval(column: Input, part: str) -> Interval:
    if found := _COMPARISON.fullmatch(part):
        bound = _bound(column, found[2])
        match found[1]:
            case "<":
                return Interval(None, Cut(bound, after=False))
            case "<=":
                return Interval(None, Cut(bound, after=True))
            case ">":
                return Interval(Cut(bound, after=True), None)
            case ">=":
                return Interval(Cut(bound, after=False), None)
        return Interval(Cut(bound, after=False), Cut(bound, after=True))
    if found := _INTERVAL.fullmatch(part):
        low, high = _bound(column, found[2]), _bound(column, found[3])
        return Interval(Cut(low, after=found[1] == "("), Cut(high, after=found[4] == "]"))
    raise CellError(
        Kind.SYNTAX,
        f"{shortened(part)!r} is no condition",
        "write a comparison such as <= 5000.00, or an interval such as [1..5)"
        + ("; decimals stand behind a point, and thousands apart by nothing" if part.isdigit() else ""),
    )


def _bound(column: Input, text: str) -> Ordered:
    try:
        return read_day(text) if column.kind == "date" else read_number(text)
    except ValueError:
        pass
    if column.kind == "money" and re.fullmatch(r"-?[0-9.]+ ?[A-Za-z]{3}|[A-Z]{3} ?-?[0-9.]+", text):
        raise CellError(
            Kind.MONEY,
            f"{shortened(text)!r} names a currency",
            f"write the amount alone; it is in {column.currency}",
        )
    wanted = "a day such as 2026-11-22" if column.kind == "date" else "a plain number such as 5000.00"
    raise CellError(Kind.SYNTAX, f"{shortened(text)!r} is no {column.kind}", f"write {wanted}")


def places(value: Ordered) -> int:
    """Return how many decimals a number has, idle zeros not counted: 5.10 has 1, a day none."""
    return 0 if isinstance(value, date) else len(number_text(value).partition(".")[2])
