"""The proof that more money never asks for less authority, all else equal."""

from __future__ import annotations

from collections.abc import Sequence

from backoffice.domain.decision_table.axes import Axis
from backoffice.domain.decision_table.findings import Finding, Kind
from backoffice.domain.decision_table.space import Cover
from backoffice.domain.decision_table.table import Table, bits, lowest

MOST_PAIRS = 5


def falling_authority(table: Table, cover: Cover, file: str) -> list[Finding]:
    """Return the places where a larger amount needs less authority than a smaller one."""
    findings: list[Finding] = []
    for place, axis in enumerate(table.axes):
        if axis.column.says_how_much:
            findings += _Walk(table, cover, place, file).findings()
    return findings


class _Walk:
    """Walks over all axes but the amount's; with everything else fixed it looks along the amount."""

    def __init__(self, table: Table, cover: Cover, along: int, file: str) -> None:
        self.table = table
        self.cover = cover
        self.file = file
        self.along = along
        self.axis: Axis = table.axes[along]
        self.amounts = [piece for piece in bits(self.axis.occurs) if piece < self.axis.values]
        self.others = [place for place in range(len(table.axes)) if place != along]
        self.levels = [table.level(rule.authority) for rule in table.rules]
        self.lowest_amount, self.highest_amount = self._spans()
        self.whole = self._whole_behind()
        self.seen: set[tuple[int, int]] = set()
        self.pairs: dict[tuple[int, int], tuple[int, int, list[int]]] = {}
        self.point = [0] * len(table.axes)

    def _spans(self) -> tuple[list[int], list[int]]:
        occurring = sum(1 << piece for piece in self.amounts)
        spans = [accepts & occurring for accepts in self.axis.accepts]
        return [lowest(span) if span else -1 for span in spans], [span.bit_length() - 1 for span in spans]

    def _whole_behind(self) -> list[int]:
        """Return per depth which rules accept every amount and everything on the axes still to come."""
        everything = self._accepting_all(self.along, self.table.all_rules)
        whole = [everything]
        for axis in reversed(self.others):
            everything = self._accepting_all(axis, everything)
            whole.append(everything)
        return whole[::-1]

    def _accepting_all(self, axis: int, rules: int) -> int:
        for piece in bits(self.cover.occurs[axis]):
            rules &= self.cover.masks[axis][piece]
        return rules

    def findings(self) -> list[Finding]:
        """Walk, and return what was found."""
        self._from(0, self.table.all_rules)
        return [
            self._finding(more, less, low, high, point)
            for (more, less), (low, high, point) in sorted(self.pairs.items())
        ]

    def _from(self, depth: int, alive: int) -> None:
        if self.table.hit_policy in ("first", "priority"):
            alive = self._without_unasked(alive, self.whole[depth])
        if len(self.pairs) >= MOST_PAIRS or (depth, alive) in self.seen or not self._may_fall(alive):
            return
        self.seen.add((depth, alive))
        if depth == len(self.others):
            self._look_along(alive)
            return
        axis = self.others[depth]
        pieces = list(bits(self.cover.occurs[axis]))
        self.cover.budget.spend(len(pieces))
        options: dict[int, int] = {}
        for piece in pieces:
            options.setdefault(alive & self.cover.masks[axis][piece], piece)
        for left, piece in options.items():
            self.point[axis] = piece
            self._from(depth + 1, left)

    def _without_unasked(self, alive: int, whole: int) -> int:
        """Drop the rules behind one that hits whatever comes; of equal priority both stay."""
        if not alive & whole:
            return alive
        last = lowest(alive & whole)
        if self.table.hit_policy == "priority":
            rules = self.table.rules
            while last + 1 < len(rules) and rules[last + 1].priority == rules[last].priority:
                last += 1
        return alive & ((2 << last) - 1)

    def _may_fall(self, alive: int) -> bool:
        """Whether some rule with less authority reaches above one with more."""
        lows: dict[int, int] = {}
        highs: dict[int, int] = {}
        self.cover.budget.spend(alive.bit_count())
        for place in bits(alive):
            level = self.levels[place]
            if level >= 0 and self.highest_amount[place] >= 0:
                lows[level] = min(lows.get(level, self.lowest_amount[place]), self.lowest_amount[place])
                highs[level] = max(highs.get(level, -1), self.highest_amount[place])
        return any(lows[more] < highs[less] for more in lows for less in highs if more > less)

    def _look_along(self, alive: int) -> None:
        self.cover.budget.spend(len(self.amounts))
        most, at, by = -1, -1, -1
        for piece in self.amounts:
            verdict = self.table.verdict(alive & self.axis.masks[piece])
            if verdict.rule is None:
                continue
            level = self.table.level(verdict.authority)
            if 0 <= level < most:
                point = list(self.point)
                point[self.along] = piece
                self.pairs.setdefault((by, verdict.rule), (at, piece, point))
            if level > most:
                most, at, by = level, piece, verdict.rule

    def _finding(self, more: int, less: int, low: int, high: int, point: Sequence[int]) -> Finding:
        rules, column = self.table.rules, self.axis.column
        others = ", ".join(
            f"{axis.column.name} = {axis.column.write(axis.sample(point[place]))}"
            for place, axis in enumerate(self.table.axes)
            if place != self.along
        )
        amount = self.axis.sample
        return Finding(
            self.file,
            Kind.AUTHORITY,
            f"{column.write(amount(high))} needs {rules[less].authority}, "
            f"but the smaller {column.write(amount(low))} needs {rules[more].authority} "
            f"by rule {rules[more].rule_id}" + (f", both with {others}" if others else ""),
            "raise the authority of the larger amount, or declare the input authority: indifferent"
            + ("" if column.currency else "; if it is no amount, say in unit what it counts"),
            rule=f"rule {rules[less].rule_id}",
            cell=column.name,
            value=rules[less].cells[column.name].text if column.name in rules[less].cells else "-",
            line=rules[less].line,
        )
