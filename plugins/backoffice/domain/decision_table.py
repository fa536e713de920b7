"""Decision tables in DMN words: policies as data that decide, and say why and why not.

A policy is YAML: typed inputs, outcomes, rules with ids, a mandatory default that is the safe outcome, and
examples that
are run when the policy is loaded. Cells hold no code: ``-`` (anything), ``null``, ``not null``, a comparison
(``<= 5``, ``> 100000.00``) or a comma-separated list of codes. Money is compared in the currency that its
input declares. With an input that is missing, of the wrong type, in another currency or unknown the default
decides. Hit policy is ``first``.
"""

from __future__ import annotations

import hashlib
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

COMPARISONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}


class PolicyError(ValueError):
    """A policy cannot be loaded; the message names the file, the rule, the cell, the value and what to do."""


@dataclass(frozen=True)
class Money:
    """An amount in a currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Input:
    """One typed column: ``code``, ``money``, ``number`` or ``flag``; only a nullable one may be null."""

    name: str
    kind: str
    values: frozenset[str]
    nullable: bool
    currency: str | None = None

    def read(self, value: object) -> object:
        """Return ``value`` in the input's own type, or raise ``ValueError`` naming what is wrong."""
        if value is None:
            if self.nullable:
                return None
            raise ValueError(f"{self.name} must not be null")
        if self.kind == "money":
            return self._number(self._amount(value))
        if self.kind == "number":
            return self._number(value)
        if self.kind == "flag":
            if not isinstance(value, bool):
                raise ValueError(f"{self.name} is {value!r}, not true or false")
            return value
        if value not in self.values:
            raise ValueError(f"{self.name} is {value!r}, not one of {sorted(self.values)}")
        return value

    def _amount(self, value: object) -> Decimal:
        if not isinstance(value, Money):
            raise ValueError(f"{self.name} is {value!r}, an amount without its currency")
        if value.currency != self.currency:
            raise ValueError(
                f"{self.name} is in {value.currency}; this policy decides amounts in {self.currency}"
            )
        return value.amount

    def _number(self, value: object) -> Decimal:
        if isinstance(value, bool | float):
            raise ValueError(
                f"{self.name} is {value!r}; numbers are Decimal, integer or text, never binary fractions"
            )
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            raise ValueError(f"{self.name} is {value!r}, which is no number") from None
        if not number.is_finite():
            raise ValueError(f"{self.name} is {value!r}, which is no number")
        return number


@dataclass(frozen=True)
class Cell:
    """One compiled condition on one input."""

    input: str
    text: str
    test: Callable[[Any], bool]


@dataclass(frozen=True)
class Rule:
    """One row: all cells must hold."""

    rule_id: str
    cells: tuple[Cell, ...]
    outcome: str
    why: str
    not_yet: tuple[str, ...]

    def first_failing(self, inputs: Mapping[str, object]) -> Cell | None:
        """Return the first cell that does not hold, or None when the rule hits."""
        return next(
            (cell for cell in self.cells if cell.input not in inputs or not cell.test(inputs[cell.input])),
            None,
        )


@dataclass(frozen=True)
class Decision:
    """What was decided and why; ``why_not`` names, per rule that did not hit, the first cell that failed.

    ``not_yet`` names hold codes that are no question to people yet, although the outcome asks them.
    """

    outcome: str
    rule: str
    why: str
    why_not: tuple[tuple[str, str], ...]
    not_yet: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """A loaded policy version. ``sha256`` is of the text exactly as read."""

    policy_id: str
    version: int
    owner: str
    text: str
    sha256: str
    machine_limit: Money
    inputs: Mapping[str, Input]
    outcomes: frozenset[str]
    rules: tuple[Rule, ...]
    default_outcome: str
    default_why: str

    def decide(self, given: Mapping[str, object]) -> Decision:
        """Decide one case. Inputs that cannot be read count as missing, so only the default or rules without
        them hit.
        """
        inputs: dict[str, object] = {}
        faults: list[str] = []
        for name, column in self.inputs.items():
            if name not in given:
                faults.append(f"{name} is missing")
                continue
            try:
                inputs[name] = column.read(given[name])
            except ValueError as error:
                faults.append(str(error))
        if faults:
            return Decision(
                self.default_outcome,
                "default",
                f"An input cannot be used: {'; '.join(faults)}",
                (),
                faults=tuple(faults),
            )
        why_not: list[tuple[str, str]] = []
        for rule in self.rules:
            failing = rule.first_failing(inputs)
            if failing is None:
                return Decision(rule.outcome, rule.rule_id, rule.why, tuple(why_not), rule.not_yet)
            why_not.append((rule.rule_id, f"{failing.input} {failing.text}"))
        return Decision(self.default_outcome, "default", self.default_why, tuple(why_not))


def load_policy(text: str, source: str = "policy") -> Policy:
    """Read a policy and prove that it can be used.

    Proves syntax, types, known names, known outcomes, unique rule ids, the mandatory default and the
    examples.

    :raises PolicyError: What is wrong, where, and what to do.
    """
    try:
        document = yaml.load(text, Loader=_ExactLoader)  # noqa: S506 - a SafeLoader that keeps numbers as text
    except yaml.YAMLError as error:
        raise PolicyError(f"{source}: not readable as YAML: {error}") from error
    if not isinstance(document, dict):
        raise PolicyError(
            f"{source}: a policy is a mapping with policy, version, inputs, outcomes, rules and default"
        )
    reader = _Reader(source, document)
    policy = reader.policy(text)
    reader.run_examples(policy)
    return policy


class _ExactLoader(yaml.SafeLoader):
    """Reads every plain scalar as text, but null and booleans: 100000.00 must not become a float."""


_ExactLoader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag in {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:null"}
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass
class _Reader:
    source: str
    document: dict[str, Any]

    KNOWN = frozenset(
        {
            "policy",
            "title",
            "version",
            "owner",
            "effective_from",
            "effective_to",
            "hit_policy",
            "machine_limit",
            "inputs",
            "outcomes",
            "rules",
            "default",
            "examples",
        }
    )

    def fail(self, where: str, problem: str) -> PolicyError:
        return PolicyError(f"{self.source}: {where}: {problem}")

    def required(self, key: str) -> Any:
        if self.document.get(key) in (None, "", [], {}):
            raise self.fail(key, "is missing; add it")
        return self.document[key]

    def policy(self, text: str) -> Policy:
        for key in self.document:
            if key not in self.KNOWN:
                raise self.fail(str(key), f"is not known; use one of {sorted(self.KNOWN)}")
        if self.required("hit_policy") != "first":
            raise self.fail(
                "hit_policy", f"is {self.document['hit_policy']!r}; this version decides by 'first'"
            )
        if not str(self.required("version")).isdigit():
            raise self.fail("version", f"is {self.document['version']!r}, not a whole number")
        inputs = {name: self.input(name, about) for name, about in self.required("inputs").items()}
        outcomes = frozenset(self.required("outcomes"))
        rules = tuple(
            self.rule(position, row, inputs, outcomes)
            for position, row in enumerate(self.required("rules"), 1)
        )
        ids = [rule.rule_id for rule in rules]
        if len(set(ids)) < len(ids):
            raise self.fail(
                "rules",
                f"rule ids repeat: {sorted({one for one in ids if ids.count(one) > 1})}; rename them",
            )
        default = self.required("default")
        if default.get("then") not in outcomes:
            raise self.fail("default", f"'then' is {default.get('then')!r}, not one of {sorted(outcomes)}")
        return Policy(
            policy_id=str(self.required("policy")),
            version=int(self.document["version"]),
            owner=str(self.required("owner")),
            text=text,
            sha256=hashlib.sha256(text.encode("utf-8")).hexdigest(),
            machine_limit=self.limit(str(self.required("machine_limit"))),
            inputs=inputs,
            outcomes=outcomes,
            rules=rules,
            default_outcome=str(default["then"]),
            default_why=str(default.get("why", "No rule covers this case.")),
        )

    def money(self, text: str, where: str) -> Money:
        amount, _, currency = text.partition(" ")
        if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", amount) and re.fullmatch("[A-Z]{3}", currency):
            return Money(Decimal(amount), currency)
        raise self.fail(where, f"is {text!r}; write an amount and a currency, such as 100000.00 EUR")

    def limit(self, text: str) -> Money:
        limit = self.money(text, "machine_limit")
        if limit.amount < 0:
            raise self.fail("machine_limit", f"is {text!r}, below zero; 0.00 lets the machine decide nothing")
        return limit

    def input(self, name: str, about: dict[str, Any]) -> Input:
        kind = about.get("type")
        if kind not in {"code", "money", "number", "flag"}:
            raise self.fail(f"input {name}", f"type is {kind!r}; use code, money, number or flag")
        values = frozenset(about.get("values", ()))
        if kind == "code" and not values:
            raise self.fail(f"input {name}", "a code needs its list of values")
        currency = about.get("currency")
        if (kind == "money") != (currency is not None):
            raise self.fail(f"input {name}", "money, and only money, needs its currency, such as EUR")
        return Input(name, kind, values, bool(about.get("nullable", False)), currency)

    def rule(
        self, position: int, row: dict[str, Any], inputs: Mapping[str, Input], outcomes: frozenset[str]
    ) -> Rule:
        where = f"rule {row.get('id') or position}"
        if not row.get("id"):
            raise self.fail(where, "has no id; name it")
        if row.get("then") not in outcomes:
            raise self.fail(where, f"'then' is {row.get('then')!r}, not one of {sorted(outcomes)}")
        cells = []
        for name, text in (row.get("when") or {}).items():
            if name not in inputs:
                raise self.fail(where, f"cell {name!r} names no input; inputs are {sorted(inputs)}")
            cells.append(self.cell(where, inputs[name], text))
        not_yet = row.get("not_yet", [])
        if not isinstance(not_yet, list):
            raise self.fail(where, f"'not_yet' is {not_yet!r}, not a list of hold codes")
        return Rule(
            str(row["id"]),
            tuple(cells),
            str(row["then"]),
            str(row.get("why", "")),
            tuple(map(str, not_yet)),
        )

    def cell(self, where: str, column: Input, text: object) -> Cell:
        spelled = (
            "null"
            if text is None
            else "true"
            if text is True
            else "false"
            if text is False
            else str(text).strip()
        )
        if spelled == "-":
            return Cell(column.name, spelled, lambda value: True)
        if spelled in {"null", "not null"}:
            if not column.nullable:
                raise self.fail(where, f"cell {column.name} tests {spelled!r}, but the input is not nullable")
            return Cell(
                column.name,
                spelled,
                (lambda value: value is None) if spelled == "null" else (lambda value: value is not None),
            )
        if column.kind in {"money", "number"}:
            return self._comparison(where, column, spelled)
        if column.kind == "flag":
            if spelled not in {"true", "false"}:
                raise self.fail(where, f"cell {column.name} is {spelled!r}, not true or false")
            wanted = spelled == "true"
            return Cell(column.name, spelled, lambda value: value is wanted)
        codes = frozenset(code.strip() for code in spelled.split(","))
        if not codes <= column.values:
            raise self.fail(
                where,
                f"cell {column.name}: {sorted(codes - column.values)} not among {sorted(column.values)}",
            )
        return Cell(column.name, spelled, lambda value: value in codes)

    def _comparison(self, where: str, column: Input, spelled: str) -> Cell:
        sign = next((sign for sign in COMPARISONS if spelled.startswith(sign)), None)
        try:
            bound = Decimal(spelled[len(sign or "") :].strip())
        except InvalidOperation:
            raise self.fail(
                where, f"cell {column.name} is {spelled!r}; write a comparison such as '<= 5000.00'"
            ) from None
        if sign is None or not bound.is_finite():
            raise self.fail(
                where, f"cell {column.name} is {spelled!r}; write a comparison such as '<= 5000.00'"
            )
        compare = COMPARISONS[sign]
        return Cell(column.name, spelled, lambda value: value is not None and compare(value, bound))

    def run_examples(self, policy: Policy) -> None:
        for number, example in enumerate(self.document.get("examples") or (), 1):
            decision = policy.decide(
                {name: self.example_value(policy, name, value) for name, value in example["given"].items()}
            )
            if decision.outcome != example["expect"]:
                raise self.fail(
                    f"example {number}",
                    f"expects {example['expect']!r}, the table decides {decision.outcome!r} by rule "
                    f"{decision.rule}; correct the rule or the example",
                )

    def example_value(self, policy: Policy, name: str, value: object) -> object:
        """Return money of an example as money; one that names no currency is in the input's own."""
        column = policy.inputs.get(name)
        if column is None or column.kind != "money" or not isinstance(value, str):
            return value
        amount, _, currency = value.partition(" ")
        return self.money(f"{amount} {currency or column.currency}", "examples")
