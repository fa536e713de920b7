"""The proof that the table never gives the machine's outcome above the machine limit."""

from __future__ import annotations

from collections.abc import Iterator

from backoffice.domain.decision_table.axes import Axis
from backoffice.domain.decision_table.findings import Finding, Kind
from backoffice.domain.decision_table.space import Cover
from backoffice.domain.decision_table.table import MACHINE, Table, bits, rivals
from backoffice.domain.decision_table.values import Money


def bounded_inputs(table: Table) -> list[Axis]:
    """Return the amounts that say how large a case is; a number that says no unit is taken for one."""
    return [axis for axis in table.axes if axis.column.says_how_much]


def beyond_the_limit(
    table: Table, cover: Cover, reached: set[int], limit: Money, file: str
) -> Iterator[Finding]:
    """Yield the rules by which the machine would act above its limit, or on an amount that nobody knows."""
    machine = [place for place in sorted(reached) if table.rules[place].authority == MACHINE]
    amounts = bounded_inputs(table)
    for axis in amounts if machine else []:
        if axis.column.currency not in (None, limit.currency):
            yield Finding(
                file,
                Kind.LIMIT,
                f"the limit is in {limit.currency}, but {axis.column.name} is in {axis.column.currency}",
                "give the limit in the currency of the amount",
                rule="machine_limit",
                cell=axis.column.name,
                value=f"{limit.amount} {limit.currency}",
            )
            continue
        place = table.axes.index(axis)
        above = sum(1 << piece for piece in bits(axis.occurs) if _beyond(axis, piece, limit))
        for rule in machine:
            box = cover.box(rule)
            box[place] &= above
            point = cover.uncovered(box, rivals(table, rule))
            if point is not None:
                yield _finding(table, axis, rule, point[place], limit, file)


def _beyond(axis: Axis, piece: int, limit: Money) -> bool:
    """Whether a piece is above the limit; the axis is cut there. An unknown amount may be above it."""
    if piece >= axis.values:
        return True
    value = axis.sample(piece)
    return value > limit.amount  # type: ignore[operator]  # money is a Decimal


def _finding(table: Table, axis: Axis, place: int, piece: int, limit: Money, file: str) -> Finding:
    rule, name = table.rules[place], axis.column.name
    return Finding(
        file,
        Kind.LIMIT,
        f"the machine would decide {rule.outcome} at {name} = {axis.column.write(axis.sample(piece))}, "
        f"its limit is {axis.column.write(limit.amount)}",
        "put a rule with more authority for larger and unknown amounts before it, or narrow this cell"
        + _no_amount(axis),
        rule=f"rule {rule.rule_id}",
        cell=name,
        value=rule.cells[name].text if name in rule.cells else "-",
        line=rule.line,
    )


def _no_amount(axis: Axis) -> str:
    return "" if axis.column.currency else "; if it is no amount, say in unit what it counts"
