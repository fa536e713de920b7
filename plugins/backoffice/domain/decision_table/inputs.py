"""The typed columns of a decision table: what each may hold, and how a value is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal

from backoffice.domain.decision_table.values import (
    MISSING,
    Missing,
    Money,
    Unusable,
    amount_text,
    read_day,
    read_number,
    spelled,
)
from backoffice.domain.decision_table.words import listed

Type = Literal["money", "number", "date", "code", "flag", "codes"]
TYPES: tuple[Type, ...] = ("money", "number", "date", "code", "flag", "codes")
ORDERED = frozenset({"money", "number", "date"})

Ordered = Decimal | date
Read = Decimal | date | str | bool | frozenset[str] | None | Missing


@dataclass(frozen=True)
class Input:
    """One typed column.

    :param values: The codes of a ``code`` or ``codes`` input, in declared order.
    :param nullable: Whether it may be null: known to be empty.
    :param optional: Whether it may be missing: not given at all.
    :param low: Smallest value that can be used, inclusive; below it the default decides.
    :param high: Largest value that can be used, inclusive.
    :param step: Distance of the values that can occur; None when every number can. A value between two steps
        is still decided exactly: the step only says where gaps and overlaps matter.
    :param unit: What is counted, for the reader; a number without it is taken for an amount.
    :param indifferent: Why more of it does not ask for more authority here; None when it does.
    """

    name: str
    kind: Type
    values: tuple[str, ...] = ()
    nullable: bool = False
    optional: bool = False
    currency: str | None = None
    decimals: int = 0
    low: Ordered | None = None
    high: Ordered | None = None
    step: Decimal | None = None
    unit: str | None = None
    indifferent: str | None = None

    @property
    def says_how_much(self) -> bool:
        """Whether it says how large a case is: then more of it never asks for less authority, and the
        machine's limit holds for it.
        """
        amount = self.kind == "money" or (self.kind == "number" and self.unit is None)
        return amount and self.indifferent is None

    @cached_property
    def codes(self) -> frozenset[str]:
        """The codes of a ``code`` or ``codes`` input."""
        return frozenset(self.values)

    @cached_property
    def _codes_in_words(self) -> str:
        return listed(sorted(self.values))

    def read(self, value: object) -> Read:
        """Return ``value`` in the input's own type, or raise ``ValueError`` naming what is wrong."""
        if isinstance(value, Unusable):
            raise ValueError(value.fault)
        if value is MISSING:
            if self.optional:
                return MISSING
            raise ValueError(f"{self.name} is missing")
        if value is None:
            if self.nullable:
                return None
            raise ValueError(f"{self.name} must not be null")
        if self.kind in ORDERED:
            return self._in_bounds(self._ordered(value))
        if self.kind == "flag":
            if isinstance(value, bool):
                return value
            raise self._unusable(value, ", not true or false")
        if self.kind == "codes":
            return self._codes(value)
        return self._code(value)

    def write(self, value: Read) -> str:
        """Return a read value as text: ``100000.00 EUR``, ``4``, ``2026-11-22``, ``matched``, ``A, B``."""
        if isinstance(value, Decimal):
            text = amount_text(value, self.decimals)
            return f"{text} {self.currency}" if self.currency else text
        if isinstance(value, frozenset):
            return ", ".join(code for code in self.values if code in value) or "empty"
        return value if isinstance(value, str) else spelled(value) if value is not MISSING else "missing"

    def _unusable(self, value: object, problem: str) -> ValueError:
        return ValueError(f"{self.name} is {spelled(value)}{problem}")

    def _ordered(self, value: object) -> Ordered:
        given = self._amount(value) if self.kind == "money" else value
        try:
            return read_day(given) if self.kind == "date" else read_number(given)
        except ValueError as error:
            raise self._unusable(given, str(error)) from None

    def _amount(self, value: object) -> object:
        if not isinstance(value, Money):
            raise self._unusable(value, ", an amount without its currency")
        if value.currency != self.currency:
            raise ValueError(
                f"{self.name} is {spelled(value)}; this policy decides amounts in {self.currency}"
            )
        return value.amount

    def _in_bounds(self, value: Ordered) -> Ordered:
        if self.low is not None and value < self.low:  # type: ignore[operator]  # both numbers or both days
            raise ValueError(f"{self.name} is {self.write(value)}, below its least {self.write(self.low)}")
        if self.high is not None and value > self.high:  # type: ignore[operator]
            raise ValueError(f"{self.name} is {self.write(value)}, above its most {self.write(self.high)}")
        return value

    def _code(self, value: object) -> str:
        if isinstance(value, str) and value in self.codes:
            return str(value)
        raise self._unusable(value, f", not one of {self._codes_in_words}")

    def _codes(self, value: object) -> frozenset[str]:
        if not isinstance(value, list | tuple | set | frozenset):
            raise self._unusable(value, ", not a list of codes")
        unknown = sorted(spelled(one) for one in value if not (isinstance(one, str) and one in self.codes))
        if unknown:
            raise ValueError(f"{self.name} has {', '.join(unknown[:5])}, not among {self._codes_in_words}")
        return frozenset(map(str, value))
