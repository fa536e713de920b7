"""The proof of a table before it may decide: gaps, overlaps, rules and outcomes that nothing reaches.

Each proof is exact over what can occur. What is too large to prove is a finding itself: nothing is ever
taken as proven that was not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod

from backoffice.domain.decision_table.authority_proof import falling_authority
from backoffice.domain.decision_table.findings import Finding, Kind
from backoffice.domain.decision_table.limit_proof import beyond_the_limit
from backoffice.domain.decision_table.space import Budget, Cover, TooLarge
from backoffice.domain.decision_table.table import Rule, Table, bits
from backoffice.domain.decision_table.values import Money
from backoffice.domain.decision_table.words import listed

MOST_REGIONS = 5
MOST_OVERLAPS = 50


def prove(
    table: Table, machine_limit: Money | None, file: str, budget: Budget | None = None
) -> list[Finding]:
    """Return everything that is wrong with a table that could be read."""
    cover = Cover(table.axes, budget or Budget.of(table))
    findings: list[Finding] = []
    try:
        proof = Proof(table, cover, file)
        reached = proof.reached()
        findings.extend(proof.idle(reached))
        findings.extend(proof.unreached_outcomes(reached))
        findings.extend(proof.overlaps())
        findings.extend(proof.gaps())
        findings.extend(falling_authority(table, cover, file))
        if machine_limit is not None:
            findings.extend(beyond_the_limit(table, cover, reached, machine_limit, file))
    except TooLarge:
        rules, inputs = len(table.rules), len(table.axes)
        findings.append(
            Finding(
                file,
                Kind.SIZE,
                f"its {rules} rules over {inputs} inputs are too many to prove",
                "split the table into several policies, or use fewer inputs in each rule",
                rule="rules",
            )
        )
    return findings


class Proof:
    """The proofs of one table."""

    def __init__(self, table: Table, cover: Cover, file: str) -> None:
        self.table = table
        self.cover = cover
        self.file = file
        self.boxes = [cover.box(place) for place in range(len(table.rules))]
        self.possible = [place for place, box in enumerate(self.boxes) if all(box)]
        self._meets = {
            place: cover.touching(self.boxes[place], table.all_rules) & ~(1 << place)
            for place in self.possible
        }

    def reached(self) -> set[int]:
        """Return the places of all rules that decide, or take part in deciding, at least one case."""
        if self.table.hit_policy not in ("first", "priority"):
            return set(self.possible)
        return {
            place
            for place in self.possible
            if self.cover.uncovered(self.boxes[place], self._meets[place] & ((1 << place) - 1)) is not None
        }

    def idle(self, reached: set[int]) -> Iterator[Finding]:
        """Yield rules that can never hit, and rules that others leave nothing."""
        for place, rule in enumerate(self.table.rules):
            if place in reached:
                continue
            if place in self._meets:
                yield self._shadowed(place, rule)
                continue
            axis = next(
                axis for axis, pieces in zip(self.table.axes, self.boxes[place], strict=True) if not pieces
            )
            name = axis.column.name
            text = rule.cells[name].text
            yield self._finding(
                Kind.SHADOW, rule, "no value that can occur fulfils this cell", "correct the cell", name, text
            )

    def _shadowed(self, place: int, rule: Rule) -> Finding:
        earlier = self._meets[place] & ((1 << place) - 1)
        whole = self.cover.covered_by_one(self.boxes[place], earlier)
        named = self._named(bits(whole or earlier))
        verb, stand = ("have", "stand") if (whole or earlier).bit_count() > 1 else ("has", "stands")
        before = f"{verb} a higher priority" if self.table.hit_policy == "priority" else f"{stand} before it"
        return self._finding(
            Kind.SHADOW,
            rule,
            f"it never decides: every case that it covers is covered by {named}, which {before}",
            "move it up, narrow the others, or drop it",
        )

    def overlaps(self) -> Iterator[Finding]:
        """Yield pairs of rules that hit together and may not."""
        if self.table.hit_policy in ("first", "collect"):
            return
        count = 0
        for place in self.possible:
            for other in bits(self._meets[place] >> (place + 1) << (place + 1)):
                self.cover.budget.spend(1)
                if not self._may_meet(place, other):
                    count += 1
                    if count > MOST_OVERLAPS:
                        return
                    yield self._overlap(place, other)

    def _may_meet(self, place: int, other: int) -> bool:
        if self.table.hit_policy == "unique":
            return False
        one, two = self.table.rules[place], self.table.rules[other]
        ranked = self.table.hit_policy == "priority" and one.priority != two.priority
        return ranked or self.table.same(place, other)

    def _overlap(self, place: int, other: int) -> Finding:
        one, two = self.table.rules[place], self.table.rules[other]
        shared = [mine & theirs for mine, theirs in zip(self.boxes[place], self.boxes[other], strict=True)]
        point = [next(iter(bits(pieces))) for pieces in shared]
        if self.table.hit_policy == "unique":
            problem = f"rules {one.rule_id} and {two.rule_id} both hit"
        else:
            problem = f"rules {one.rule_id} ({one.outcome}) and {two.rule_id} ({two.outcome}) both hit"
        return self._finding(
            Kind.OVERLAP,
            two,
            f"{problem}, for instance {witness(self.table, point)}",
            "narrow one of them"
            + (", or give them different priorities" if self.table.hit_policy == "priority" else ""),
        )

    def gaps(self) -> Iterator[Finding]:
        """Yield regions for which there is no rule."""
        whole = [axis.occurs for axis in self.table.axes]
        if self._all_counted(whole):
            return
        masks = self.cover.masks
        self.cover.masks = [list(of_axis) for of_axis in masks]
        rules = self.table.all_rules
        try:
            for number in range(MOST_REGIONS):
                self.cover.forget()
                point = self.cover.uncovered(whole, rules)
                if point is None:
                    return
                region = self._grow(point, rules)
                yield self._gap(point, region)
                bit = 1 << (len(self.table.rules) + number)
                rules |= bit
                for axis, pieces in enumerate(region):
                    for piece in bits(pieces):
                        self.cover.masks[axis][piece] |= bit
        finally:
            self.cover.masks = masks
            self.cover.forget()

    def _all_counted(self, whole: Sequence[int]) -> bool:
        """Whether rules that never meet add up to everything, so that nothing is left to search."""
        if self.cover.covered_by_one(whole, self.table.all_rules):
            return True
        if any(self._meets.values()):
            return False
        volume = sum(prod(pieces.bit_count() for pieces in self.boxes[place]) for place in self.possible)
        return volume == prod(pieces.bit_count() for pieces in whole)

    def _grow(self, point: Sequence[int], rules: int) -> list[int]:
        """Return the region around an uncovered point, as pieces per axis, that stays uncovered."""
        region = [1 << piece for piece in point]
        for axis, occurs in enumerate(self.cover.occurs):
            others = [occurs if other == axis else pieces for other, pieces in enumerate(region)]
            near = self.cover.touching(others, rules)
            region[axis] = sum(
                1 << piece for piece in bits(occurs) if not self.cover.masks[axis][piece] & near
            )
        return region

    def _gap(self, point: Sequence[int], region: Sequence[int]) -> Finding:
        described = "; ".join(
            f"{axis.column.name} {' or '.join(axis.words(piece) for piece in bits(pieces))}"
            for axis, pieces in zip(self.table.axes, region, strict=True)
            if pieces != axis.occurs
        )
        return Finding(
            self.file,
            Kind.GAP,
            f"no rule covers {witness(self.table, point)} (region: {described or 'everything'})",
            "add a rule for it, or a last rule without cells that covers the rest on purpose",
            rule="rules",
        )

    def unreached_outcomes(self, reached: set[int]) -> Iterator[Finding]:
        """Yield outcomes that no rule reaches; what only the default gives is not reached."""
        given = {self.table.rules[place].outcome for place in reached}
        for name in self.table.outcomes:
            if name not in given:
                yield Finding(
                    self.file,
                    Kind.UNREACHABLE,
                    "no rule that can decide leads to it",
                    "add a rule for it, or drop it from the outcomes",
                    rule="outcomes",
                    cell=name,
                )

    def _named(self, places: Iterable[int]) -> str:
        return listed([self.table.rules[place].rule_id for place in places], 5)

    def _finding(
        self, kind: Kind, rule: Rule, problem: str, remedy: str, cell: str = "", value: str = ""
    ) -> Finding:
        return Finding(self.file, kind, problem, remedy, f"rule {rule.rule_id}", cell, value, rule.line)


def witness(table: Table, point: Sequence[int]) -> str:
    """Return a case that lies in a region, input by input."""
    return ", ".join(
        f"{axis.column.name} = {axis.column.write(axis.sample(piece))}"
        for axis, piece in zip(table.axes, point, strict=True)
    )
