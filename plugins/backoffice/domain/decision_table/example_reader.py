"""Reads a policy's examples and runs them: each must come out as it says, and each outcome must have one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backoffice.domain.decision_table.document import Absent, Listing, Mapping, Node, Scalar
from backoffice.domain.decision_table.findings import Finding, Kind
from backoffice.domain.decision_table.inputs import Input
from backoffice.domain.decision_table.notes import Notes, cut_at_a_comma
from backoffice.domain.decision_table.policy import Policy
from backoffice.domain.decision_table.table import Table
from backoffice.domain.decision_table.words import shortened, use_one_of

MOST_EXAMPLES = 5_000
KEYS = frozenset({"given", "expect", "rule"})


@dataclass(frozen=True)
class Example:
    """A case and what must come of it."""

    place: str
    given: dict[str, object]
    expect: str
    rule: str | None
    line: int


def read_examples(notes: Notes, node: Node | None, table: Table | None) -> list[Example]:
    """Return the examples; what is wrong with their form is noted."""
    found: list[Example] = []
    items = notes.items(node, "examples")
    if len(items) > MOST_EXAMPLES:
        notes.add(
            Kind.SIZE,
            f"there are {len(items)} examples, and none of them was tried",
            f"keep to {MOST_EXAMPLES}",
            rule="examples",
            node=node,
        )
        return found
    for number, item in enumerate(items, 1):
        place = f"example {number}"
        mapping = notes.mapping(item, place, KEYS)
        if mapping is None or table is None:
            continue
        given = _given(notes, mapping, place, table)
        expect = notes.text(mapping.get("expect") or Absent(item.line), place, "expect")
        rule = mapping.get("rule")
        by = None if rule is None else notes.text(rule, place, "rule")
        if expect is not None and expect not in table.outcomes:
            notes.add(
                Kind.NAME,
                f"{shortened(expect)!r} is no outcome",
                use_one_of(expect, table.outcomes),
                rule=place,
                cell="expect",
                node=item,
            )
        elif given is not None and expect is not None:
            found.append(Example(place, given, expect, by, item.line))
    return found


def _given(notes: Notes, mapping: Mapping, place: str, table: Table) -> dict[str, object] | None:
    before = len(notes.findings)
    given: dict[str, object] = {}
    values = notes.mapping(mapping.get("given") or Absent(mapping.line), place, (), "given")
    for key, node in values.pairs if values else ():
        column = table.inputs.get(key.text)
        if column is None:
            notes.add(
                Kind.NAME,
                f"{shortened(key.text)!r} is no input",
                use_one_of(key.text, table.inputs) + cut_at_a_comma(node),
                rule=place,
                cell=shortened(key.text),
                node=key,
            )
        else:
            given[column.name] = _value(notes, column, node, place)
    return given if len(notes.findings) == before else None


def _value(notes: Notes, column: Input, node: Node, place: str) -> object:
    """Return a value of an example; an amount that names no currency is in the input's own."""
    if isinstance(node, Listing):
        return [item.value if isinstance(item, Scalar) else object() for item in node.items]
    if not isinstance(node, Scalar):
        notes.add(
            Kind.TYPE, "it is a mapping", "write the value alone", rule=place, cell=column.name, node=node
        )
        return None
    if column.kind != "money" or node.value is None:
        return node.value
    if " " not in node.text.strip():
        node = Scalar(f"{node.text.strip()} {column.currency}", node.line)
    return notes.money(node, place, column.name)


def failing_examples(policy: Policy, examples: Sequence[Example], file: str) -> Iterator[Finding]:
    """Yield examples that come out otherwise, and outcomes of which there is no example."""
    for example in examples:
        decision = policy.decide(example.given)
        if decision.outcome == example.expect and example.rule in (None, decision.rule):
            continue
        expected = f"{example.expect!r}" + (f" by rule {example.rule}" if example.rule else "")
        yield Finding(
            file,
            Kind.EXAMPLE,
            f"it expects {expected}, the table decides {decision.outcome!r} by rule {decision.rule}",
            "correct the rule or the example",
            rule=example.place,
            cell="expect",
            value=example.expect,
            line=example.line,
        )
    shown = {example.expect for example in examples}
    for name in policy.outcomes:
        if name not in shown:
            yield Finding(
                file,
                Kind.EXAMPLE,
                "no example shows this outcome",
                "add one",
                rule="examples",
                cell="expect",
                value=name,
            )
