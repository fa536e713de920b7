"""The table itself: rules over axes, and what a set of rules that hit comes to under each hit policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from backoffice.domain.decision_table.axes import Axis
from backoffice.domain.decision_table.cells import Cell
from backoffice.domain.decision_table.inputs import Input
from backoffice.domain.decision_table.size import check_boundaries

HitPolicy = Literal["unique", "first", "priority", "any", "collect"]
HIT_POLICIES: tuple[HitPolicy, ...] = ("unique", "first", "priority", "any", "collect")
MACHINE = "machine"
DEFAULT = "default"
ANYTHING = Cell("-", anything=True)


@dataclass(frozen=True)
class Outcome:
    """What a rule can lead to.

    :param authority: Who is needed; None when nothing is acted upon, so that nobody is.
    :param rank: Place in the declared list; under ``collect`` the outcome with the highest rank counts.
    """

    name: str
    authority: str | None
    rank: int
    safe: bool = False


@dataclass(frozen=True)
class Rule:
    """One row: all cells must hold. A cell that is not there accepts anything."""

    rule_id: str
    cells: Mapping[str, Cell]
    outcome: str
    why: str
    authority: str | None
    not_yet: tuple[str, ...] = ()
    priority: int = 0
    line: int = 0


@dataclass(frozen=True)
class Verdict:
    """What a set of rules that hit comes to.

    :param rule: Place of the deciding rule in the order of asking; None when the default decides.
    :param rules: Places of all rules that count.
    :param faults: Why the default decides although rules hit.
    """

    outcome: str
    rule: int | None
    rules: tuple[int, ...]
    authority: str | None
    faults: tuple[str, ...] = ()


@dataclass
class Table:
    """Rules in the order in which they are asked, over axes in the order of the inputs."""

    hit_policy: HitPolicy
    inputs: Mapping[str, Input]
    outcomes: Mapping[str, Outcome]
    authorities: tuple[str, ...]
    rules: tuple[Rule, ...]
    default: str
    also_cut: Mapping[str, Iterable[object]] = field(default_factory=dict)
    axes: tuple[Axis, ...] = field(init=False)

    def __post_init__(self) -> None:
        if self.hit_policy == "priority":
            self.rules = tuple(sorted(self.rules, key=lambda rule: -rule.priority))
        cells = {name: self.cells_of(name) for name in self.inputs}
        check_boundaries(self.inputs, cells)
        self.axes = tuple(
            Axis(column, cells[name], self.also_cut.get(name, ())) for name, column in self.inputs.items()
        )
        self.all_rules = (1 << len(self.rules)) - 1
        self.above = self._above()

    def cells_of(self, name: str) -> list[Cell]:
        """Return the cells of an input, rule by rule."""
        return [rule.cells.get(name, ANYTHING) for rule in self.rules]

    def _above(self) -> dict[int, int]:
        """Return as bits, by the rank of an outcome, the rules whose outcome has a higher one."""
        ranks: dict[int, int] = {}
        for place, rule in enumerate(self.rules):
            rank = self.outcomes[rule.outcome].rank
            ranks[rank] = ranks.get(rank, 0) | 1 << place
        above, higher = {}, 0
        for rank in sorted(ranks, reverse=True):
            above[rank], higher = higher, higher | ranks[rank]
        return above

    def level(self, authority: str | None) -> int:
        """Return how much authority that is; -1 for nobody."""
        return -1 if authority is None else self.authorities.index(authority)

    def same(self, one: int, other: int) -> bool:
        """Whether two rules come to the same: the outcome, and who is needed for it."""
        first, second = self.rules[one], self.rules[other]
        return (first.outcome, first.authority) == (second.outcome, second.authority)

    def hits(self, pieces: Sequence[int]) -> int:
        """Return as bits which rules hit in a region, given as one piece per axis."""
        hits = self.all_rules
        for axis, piece in zip(self.axes, pieces, strict=True):
            hits &= axis.masks[piece]
        return hits

    def verdict(self, hits: int) -> Verdict:
        """Return what a set of rules comes to; a contradiction or no rule at all is the default's."""
        if not hits:
            return self._by_default()
        if self.hit_policy in ("first", "priority"):
            return self._leading(hits)
        places = tuple(bits(hits))
        if self.hit_policy == "collect":
            return self._collected(places)
        agree = all(self.same(place, places[0]) for place in places)
        if not agree or (self.hit_policy == "unique" and len(places) > 1):
            return self._contradiction(places)
        return self._by(places[0], places)

    def _leading(self, hits: int) -> Verdict:
        first = lowest(hits)
        if self.hit_policy == "priority":
            rule = self.rules[first]
            equal = [place for place in bits(hits) if self.rules[place].priority == rule.priority]
            if any(not self.same(place, first) for place in equal):
                return self._contradiction(equal)
        return self._by(first, (first,))

    def _collected(self, places: tuple[int, ...]) -> Verdict:
        def caution(place: int) -> tuple[int, int, int]:
            rule = self.rules[place]
            return self.outcomes[rule.outcome].rank, self.level(rule.authority), -place

        return self._by(max(places, key=caution), places)

    def _by(self, place: int, places: tuple[int, ...]) -> Verdict:
        rule = self.rules[place]
        return Verdict(rule.outcome, place, places, rule.authority)

    def _by_default(self, faults: tuple[str, ...] = ()) -> Verdict:
        return Verdict(self.default, None, (), self.outcomes[self.default].authority, faults)

    def _contradiction(self, places: Iterable[int]) -> Verdict:
        named = ", ".join(self.rules[place].rule_id for place in places)
        return self._by_default((f"the rules {named} contradict each other",))


def lowest(mask: int) -> int:
    """Return the place of the lowest bit."""
    return (mask & -mask).bit_length() - 1


def bits(mask: int) -> Iterable[int]:
    """Return the places of all bits, lowest first."""
    while mask:
        yield lowest(mask)
        mask &= mask - 1


def rivals(table: Table, rule: int) -> int:
    """Return as bits the rules that take a case from a rule that covers it."""
    if table.hit_policy in ("first", "priority"):
        return (1 << rule) - 1
    if table.hit_policy == "collect":
        return table.above[table.outcomes[table.rules[rule].outcome].rank]
    return 0
