"""A loaded policy version, and how it decides one case."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date

from backoffice.domain.decision_table.decision import Decision, Region
from backoffice.domain.decision_table.inputs import Input
from backoffice.domain.decision_table.locators import Locator, locator
from backoffice.domain.decision_table.table import Outcome, Rule, Table, Verdict
from backoffice.domain.decision_table.values import MISSING, Money
from backoffice.domain.decision_table.words import listed, use_one_of

MOST_REGIONS = 65_536


class UnknownInput(ValueError):
    """A policy was asked with names that are no inputs of it; what was meant by them it would not look at."""


@dataclass(frozen=True, eq=False)
class Policy:
    """A policy version. ``sha256`` is of the text exactly as read.

    Deciding changes nothing but what the policy remembers of regions that it has seen: regions are the boxes
    between all thresholds, and every case of a region is decided alike.

    :param default_why: What is said when the default decides.
    """

    policy_id: str
    title: str
    version: int
    owner: str
    effective_from: date
    effective_to: date | None
    text: str
    sha256: str
    machine_limit: Money
    table: Table
    default_why: str
    names: tuple[str, ...] = field(init=False)
    _locators: tuple[Locator, ...] = field(init=False)
    _lists: tuple[int, ...] = field(init=False)
    _regions: dict[int, Region] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        strides, stride = [], 1
        for axis in self.table.axes:
            strides.append(stride)
            stride *= axis.size
        object.__setattr__(self, "names", tuple(self.table.inputs))
        lists = [place for place, axis in enumerate(self.table.axes) if axis.lists is not None]
        object.__setattr__(self, "_lists", tuple(lists))
        object.__setattr__(self, "_locators", tuple(map(locator, self.table.axes, strides)))

    @property
    def inputs(self) -> Mapping[str, Input]:
        """The typed columns, in declared order."""
        return self.table.inputs

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        """The declared outcomes by name."""
        return self.table.outcomes

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order in which they are asked."""
        return self.table.rules

    @property
    def hit_policy(self) -> str:
        """How many rules may hit, and which of them decides."""
        return self.table.hit_policy

    @property
    def default_outcome(self) -> str:
        """The safe outcome: where an input cannot be used, or rules contradict each other."""
        return self.table.default

    def decide(self, given: Mapping[str, object]) -> Decision:
        """Decide one case. With an input that cannot be used the default decides, and says which and why.

        :param given: Values by input; an input that is not there is missing.
        :raises UnknownInput: A name is no input: a misspelt one would be taken for missing.
        """
        if not given.keys() <= self.inputs.keys():
            self.refuse_unknown(given.keys())
        get = given.get
        values = [get(name, MISSING) for name in self.names]
        for place in self._lists:  # a list that its owner changes later changes no decision
            given_list = values[place]
            if isinstance(given_list, list | set):
                values[place] = tuple(given_list)
        number = 0
        try:
            for locate, value in zip(self._locators, values, strict=True):
                number += locate(value)
        except ValueError:
            return Decision(self, self._unusable(values), values)
        region = self._regions.get(number)
        return Decision(self, region if region is not None else self._region(number), values)

    def refuse_unknown(self, names: Set[str]) -> None:
        """Refuse names that are no inputs.

        :raises UnknownInput: There are some.
        """
        unknown = sorted(map(str, names - self.inputs.keys()))
        if unknown:
            raise UnknownInput(
                f"policy {self.policy_id} version {self.version} has no input {listed(unknown)}; "
                + use_one_of(unknown[0], self.inputs)
            )

    def region(self, number: int) -> Region:
        """Return a region by its number."""
        return self._regions.get(number) or self._region(number)

    def _region(self, number: int) -> Region:
        pieces, rest = [], number
        for axis in self.table.axes:
            rest, piece = divmod(rest, axis.size)
            pieces.append(piece)
        hits = self.table.hits(pieces)
        region = Region(self.table, tuple(pieces), hits, self.table.verdict(hits))
        if len(self._regions) < MOST_REGIONS:
            self._regions[number] = region
        return region

    def _unusable(self, values: list[object]) -> Region:
        faults = []
        for column, value in zip(self.table.inputs.values(), values, strict=True):
            try:
                column.read(value)
            except ValueError as error:
                faults.append(str(error))
        default = self.table.outcomes[self.table.default]
        return Region(self.table, None, 0, Verdict(default.name, None, (), default.authority, tuple(faults)))
