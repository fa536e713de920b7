"""A decision: what was decided, by which rule and authority, why, why not, and what would flip it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from backoffice.domain.canonical import number_text
from backoffice.domain.decision_table.inputs import Input, Read
from backoffice.domain.decision_table.nearest import Move, Nearest, moves_to_another_outcome, nearest_of
from backoffice.domain.decision_table.table import DEFAULT, Table, Verdict
from backoffice.domain.decision_table.values import MISSING, Money, Unusable, spelled

if TYPE_CHECKING:
    from backoffice.domain.decision_table.policy import Policy

EARLIER = "an earlier rule decided"
HIGHER = "a rule of higher priority decided"
CONTRADICTED = "contradicted by another rule"


class Region:
    """All cases between the same thresholds, or all with the same faults: they are decided alike.

    :param pieces: One piece per axis; None when an input could not be used.
    :param hits: As bits, the rules that hit.
    """

    __slots__ = ("__dict__", "hits", "pieces", "table", "verdict")

    def __init__(self, table: Table, pieces: tuple[int, ...] | None, hits: int, verdict: Verdict) -> None:
        self.table = table
        self.pieces = pieces
        self.hits = hits
        self.verdict = verdict

    @cached_property
    def rule(self) -> str:
        """Id of the deciding rule."""
        return DEFAULT if self.verdict.rule is None else self.table.rules[self.verdict.rule].rule_id

    @cached_property
    def rules(self) -> tuple[str, ...]:
        """Ids of all rules that count."""
        return tuple(self.table.rules[place].rule_id for place in self.verdict.rules) or (DEFAULT,)

    @cached_property
    def not_yet(self) -> tuple[str, ...]:
        """Codes that are no question to people yet, of all rules that count, each once."""
        found: dict[str, None] = {}
        for place in self.verdict.rules:
            found.update(dict.fromkeys(self.table.rules[place].not_yet))
        return tuple(found)

    @cached_property
    def outcomes(self) -> tuple[str, ...]:
        """All outcomes of the rules that count, in declared order."""
        given = {self.table.rules[place].outcome for place in self.verdict.rules} or {self.verdict.outcome}
        return tuple(name for name in self.table.outcomes if name in given)

    @cached_property
    def why_not(self) -> tuple[tuple[str, str, str], ...]:
        """Per rule that does not count: its id, and input and text of its first cell that failed."""
        if self.pieces is None:
            return ()
        counted = set(self.verdict.rules)
        return tuple(
            (rule.rule_id, *self._why_not(place))
            for place, rule in enumerate(self.table.rules)
            if place not in counted
        )

    def _why_not(self, place: int) -> tuple[str, str]:
        rule, pieces = self.table.rules[place], self.pieces or ()
        for axis, piece in zip(self.table.axes, pieces, strict=True):
            if not axis.accepts[place] >> piece & 1:
                return axis.column.name, rule.cells[axis.column.name].text
        if self.verdict.rule is None:
            return "", CONTRADICTED
        earlier = self.table.rules[self.verdict.rule]
        return "", HIGHER if earlier.priority != rule.priority else EARLIER

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """The ways to another outcome that change the fewest inputs."""
        if self.pieces is None:
            return ()
        return moves_to_another_outcome(self.table, self.pieces, self.verdict.outcome)


class Decision:
    """What was decided on one case. Everything beyond outcome and rule is worked out when it is asked for.

    ``why_not`` names, per rule that does not count, the first cell that failed. ``not_yet`` names hold
    codes that are no question to people yet, although the outcome asks them. ``faults`` say why the default
    decided.
    """

    __slots__ = ("policy", "region", "values")

    def __init__(self, policy: Policy, region: Region, values: Sequence[object]) -> None:
        self.policy = policy
        self.region = region
        self.values = values

    @property
    def outcome(self) -> str:
        """What becomes of the case."""
        return self.region.verdict.outcome

    @property
    def outcomes(self) -> tuple[str, ...]:
        """All outcomes of the rules that count; more than one only under ``collect``."""
        return self.region.outcomes

    @property
    def rule(self) -> str:
        """Id of the deciding rule, or ``default``."""
        return self.region.rule

    @property
    def rules(self) -> tuple[str, ...]:
        """Ids of all rules that count."""
        return self.region.rules

    @property
    def authority(self) -> str | None:
        """Who is needed; None when nothing is acted upon."""
        return self.region.verdict.authority

    @property
    def faults(self) -> tuple[str, ...]:
        """What could not be used or contradicted itself."""
        return self.region.verdict.faults

    @property
    def not_yet(self) -> tuple[str, ...]:
        """Hold codes that are no question to people yet."""
        return self.region.not_yet

    @property
    def why(self) -> str:
        """The reason that the policy gives."""
        if self.region.pieces is None:
            return f"An input cannot be used: {'; '.join(self.faults)}"
        if self.faults:
            return f"Rules contradict each other: {'; '.join(self.faults)}"
        place = self.region.verdict.rule
        return self.policy.default_why if place is None else self.policy.rules[place].why

    @property
    def why_not(self) -> tuple[tuple[str, str], ...]:
        """Per rule that does not count: its id, and why."""
        return tuple((rule, f"{name} {text}".strip()) for rule, name, text in self.region.why_not)

    @property
    def nearest(self) -> Nearest | None:
        """The nearest change to another outcome; None when none leads there, or an input cannot be used."""
        moves = self.region.moves
        return nearest_of(self.policy.table, moves, self._read()) if moves else None

    def _read(self) -> list[Read]:
        """Return the values as they were read; None where one could not be used."""
        columns = self.policy.inputs.values()
        if self.region.pieces is None:
            return [None for _ in columns]
        return [column.read(value) for column, value in zip(columns, self.values, strict=True)]

    def _inputs(self, read: Sequence[Read]) -> dict[str, Any]:
        columns = self.policy.inputs
        if self.region.pieces is None:
            given = zip(columns.items(), self.values, strict=True)
            return {name: written(column, value) for (name, column), value in given}
        return {
            name: written_value(column, value)
            for (name, column), value in zip(columns.items(), read, strict=True)
        }

    @property
    def sentence(self) -> str:
        """The decision in one plain sentence."""
        return _sentence(self, self.nearest, self._read())

    def record(self) -> dict[str, Any]:
        """Return the decision as strings, booleans, None, lists and dictionaries: what an audit record holds.

        The same inputs and the same policy text give the same record, whatever their order and spelling: 5,
        5.0 and Decimal("5.00") are one number.
        """
        moves, read, columns = self.region.moves, self._read(), self.policy.inputs
        nearest = nearest_of(self.policy.table, moves, read) if moves else None
        return {
            "policy": {
                "policy_id": self.policy.policy_id,
                "version": str(self.policy.version),
                "sha256": self.policy.sha256,
            },
            "outcome": self.outcome,
            "outcomes": list(self.outcomes),
            "rule": self.rule,
            "rules": list(self.rules),
            "authority": self.authority,
            "inputs": self._inputs(read),
            "why": self.why,
            "why_not": [
                {"rule": rule, "input": name or None, "cell": text}
                for rule, name, text in self.region.why_not
            ],
            "nearest": nearest.record(columns) if nearest else None,
            "not_yet": list(self.not_yet),
            "faults": list(self.faults),
            "sentence": _sentence(self, nearest, read),
        }


def written(column: Input, value: object) -> dict[str, Any]:
    """Return an input of a record: its type and its value, or that it was null, missing or not usable."""
    try:
        read = column.read(value)
    except ValueError as error:
        state = {"type": column.kind, "unusable": "missing" if value is MISSING else spelled(value)}
        return {**state, "fault": str(error)}
    return written_value(column, read)


def written_value(column: Input, read: Read) -> dict[str, Any]:
    """Return a value that was read as it stands in a record."""
    if read is None or read is MISSING:
        return {"type": column.kind, "state": "null" if read is None else "missing"}
    if column.kind == "money":
        return {"type": "money", "amount": number_text(read), "currency": column.currency}  # type: ignore[arg-type]
    if column.kind == "number":
        return {"type": "number", "value": number_text(read)}  # type: ignore[arg-type]
    if isinstance(read, frozenset):
        return {"type": "codes", "value": [code for code in column.values if code in read]}
    return {"type": column.kind, "value": read if isinstance(read, bool) else column.write(read)}


def given_by(record: Mapping[str, Any]) -> dict[str, object]:
    """Return what was given to a decision, from the inputs of its record: decided again it is the same.

    :param record: What ``Decision.record`` returned, also after a way through JSON.
    """
    given: dict[str, object] = {}
    for name, one in record["inputs"].items():
        if "fault" in one:
            given[name] = Unusable(one["unusable"], one["fault"])
        elif "state" in one:
            if one["state"] == "null":
                given[name] = None
        elif one["type"] == "money":
            given[name] = Money(Decimal(one["amount"]), one["currency"])
        else:
            given[name] = one["value"]
    return given


def _sentence(decision: Decision, nearest: Nearest | None, read: Sequence[Read]) -> str:
    region = decision.region
    needs = f", which needs {decision.authority}" if decision.authority else ""
    if region.verdict.rule is None:
        because = "; ".join(decision.faults) or "no rule covers the case"
        return f"The default decides {decision.outcome}{needs}, because {because}."
    rule = decision.policy.rules[region.verdict.rule]
    held = " and ".join(
        f"{name} is {column.write(value)}"
        for (name, column), value in zip(decision.policy.inputs.items(), read, strict=True)
        if name in rule.cells and not rule.cells[name].anything
    )
    because = f", because {held}" if held else " for every case that is left"
    flip = f"; it would be {nearest.outcome} with {nearest.words(decision.policy.inputs)}" if nearest else ""
    return f"Rule {rule.rule_id} decides {decision.outcome}{needs}{because}{flip}."
