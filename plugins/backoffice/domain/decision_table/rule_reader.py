"""Reads outcomes, authorities, rules and the default."""

from __future__ import annotations

from dataclasses import dataclass

from backoffice.domain.decision_table.cells import Cell, CellError, places, read_cell
from backoffice.domain.decision_table.document import Absent, Listing, Mapping, Node, Scalar
from backoffice.domain.decision_table.findings import Kind
from backoffice.domain.decision_table.inputs import Input
from backoffice.domain.decision_table.notes import ID, Notes, cut_at_a_comma, shape
from backoffice.domain.decision_table.size import TooFine, check_codes
from backoffice.domain.decision_table.table import DEFAULT, MACHINE, Outcome, Rule
from backoffice.domain.decision_table.words import listed, shortened, use_one_of

MOST_RULES = 5_000
MOST_OUTCOMES = 100
NOBODY = "none"
RULE_KEYS = frozenset({"id", "when", "then", "why", "authority", "not_yet", "priority"})
OUTCOME_KEYS = frozenset({"authority", "safe"})
# outcomes whose meaning is fixed, so that a policy may list their names alone
PLAIN_AUTHORITIES = (MACHINE, "person")
PLAIN_OUTCOMES: dict[str, str | None] = {"approve": MACHINE, "wait": None, "hold": None, "review": "person"}


@dataclass
class Declared:
    """Outcomes and authorities as declared."""

    outcomes: dict[str, Outcome]
    authorities: tuple[str, ...]


def read_outcomes(notes: Notes, outcomes: Node | None, authorities: Node | None) -> Declared | None:
    """Return the outcomes, or None when they cannot be used."""
    before = len(notes.findings)
    for name, node in (("outcomes", outcomes), ("authorities", authorities)):
        count = len(
            node.items if isinstance(node, Listing) else node.pairs if isinstance(node, Mapping) else ()
        )
        if count > MOST_OUTCOMES:
            notes.add(Kind.SIZE, f"there are {count}", f"keep to {MOST_OUTCOMES}", rule=name, node=node)
            return None
    levels = PLAIN_AUTHORITIES if authorities is None else _authorities(notes, authorities)
    if isinstance(outcomes, Listing):
        found = _plain_outcomes(notes, outcomes, levels)
    else:
        found = {}
        for rank, (name, _, about) in enumerate(notes.named(outcomes, "outcomes", "an outcome")):
            outcome = _outcome(notes, name, about, levels, rank)
            if outcome is not None:
                found[name] = outcome
    if not found and len(notes.findings) == before:
        notes.add(Kind.TYPE, "there are no outcomes", "declare them", rule="outcomes", node=outcomes)
    return Declared(found, levels) if len(notes.findings) == before else None


def _authorities(notes: Notes, node: Node) -> tuple[str, ...]:
    found: list[str] = []
    for item in notes.items(node, "authorities"):
        name = notes.identifier(item, "authorities", "")
        if name is None:
            continue
        if name in found or name == NOBODY or (name == MACHINE and found):
            notes.add(
                Kind.NAME,
                f"{name!r} cannot stand here",
                f"list each authority once, from least to most; {MACHINE} is the least, {NOBODY} is none",
                rule="authorities",
                node=item,
            )
        found.append(name)
    return tuple(found)


def _plain_outcomes(notes: Notes, node: Listing, levels: tuple[str, ...]) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    for rank, item in enumerate(node.items):
        name = notes.identifier(item, "outcomes", "")
        if name is None:
            continue
        if name in found:
            notes.add(Kind.NAME, f"{name!r} stands there twice", "keep one", rule="outcomes", node=item)
        elif name not in PLAIN_OUTCOMES:
            notes.add(
                Kind.NAME,
                f"what {name!r} means is not known",
                f"only {', '.join(PLAIN_OUTCOMES)} may be listed bare; write {name}: {{authority: ...}}",
                rule="outcomes",
                cell=name,
                node=item,
            )
        elif PLAIN_OUTCOMES[name] not in (None, *levels):
            _unknown_authority(notes, "outcomes", name, item, levels)
        else:
            found[name] = Outcome(name, PLAIN_OUTCOMES[name], rank)
    return found


def _outcome(notes: Notes, name: str, about: Node, levels: tuple[str, ...], rank: int) -> Outcome | None:
    mapping = notes.mapping(about, "outcomes", OUTCOME_KEYS, name)
    if mapping is None:
        return None
    node = mapping.get("authority")
    authority = notes.text(node or Absent(mapping.line), "outcomes", name)
    if authority is None:
        return None
    if authority != NOBODY and authority not in levels:
        _unknown_authority(notes, "outcomes", name, node, levels)
        return None
    safe = notes.flag(mapping.get("safe"), "outcomes", name)
    return Outcome(name, None if authority == NOBODY else authority, rank, safe)


def _unknown_authority(
    notes: Notes, rule: str, cell: str, node: Node | None, levels: tuple[str, ...]
) -> None:
    notes.add(
        Kind.NAME,
        f"the authority {shape(node)} is not declared",
        f"use one of {listed(levels)}, or {NOBODY} where nothing is acted upon",
        rule=rule,
        cell=cell,
        node=node,
    )


class RuleReader:
    """Reads rules over known inputs and outcomes."""

    def __init__(self, notes: Notes, inputs: dict[str, Input], declared: Declared, priority: bool) -> None:
        self.notes = notes
        self.inputs = inputs
        self.declared = declared
        self.priority = priority

    def rules(self, node: Node | None) -> tuple[Rule, ...] | None:
        """Return the rules, or None when one of them cannot be used."""
        before = len(self.notes.findings)
        items = self.notes.items(node, "rules")
        if len(items) > MOST_RULES:
            self.notes.add(
                Kind.SIZE,
                f"there are {len(items)} rules",
                f"keep to {MOST_RULES}; split the policy",
                rule="rules",
                node=node,
            )
            return None
        try:
            check_codes(self.inputs.values(), len(items))
        except TooFine as error:
            self.notes.add(Kind.SIZE, str(error), "split the policy", rule="rules", node=node)
            return None
        if isinstance(node, Listing) and not items:
            self.notes.add(Kind.TYPE, "there are no rules", "write at least one", rule="rules", node=node)
        found: dict[str, Rule] = {}
        by_letters: dict[str, str] = {}
        for position, item in enumerate(items, 1):
            rule = self._rule(position, item)
            if rule is not None:
                self.notes.check_capitals(rule.rule_id, by_letters, f"rule {rule.rule_id}", "id", item)
            if rule is not None and rule.rule_id in found:
                self.notes.add(
                    Kind.NAME,
                    f"another rule has this id, in line {found[rule.rule_id].line}",
                    "give each rule its own",
                    rule=f"rule {rule.rule_id}",
                    cell="id",
                    node=item,
                )
            elif rule is not None:
                found[rule.rule_id] = rule
        return tuple(found.values()) if len(self.notes.findings) == before else None

    def _rule(self, position: int, node: Node) -> Rule | None:
        named = node.get("id") if isinstance(node, Mapping) else None
        place = f"rule {named.text if isinstance(named, Scalar) and ID.fullmatch(named.text) else position}"
        mapping = self.notes.mapping(node, place, RULE_KEYS)
        if mapping is None:
            return None
        rule_id = self.notes.identifier(named or _nothing(node), place, "id")
        if rule_id == DEFAULT:
            self.notes.add(Kind.NAME, "that is the name of the default", "rename it", rule=place, node=node)
        outcome = self.outcome(mapping, place)
        why = mapping.get("why")
        rule = Rule(
            rule_id or "",
            self._cells(mapping.get("when"), place),
            outcome.name if outcome else "",
            "" if why is None else self.notes.text(why, place, "why") or "",
            self._authority(mapping.get("authority"), outcome, place),
            self._not_yet(mapping.get("not_yet"), place),
            self._priority(mapping, place),
            node.line,
        )
        return rule if rule_id and outcome else None

    def outcome(self, mapping: Mapping, place: str) -> Outcome | None:
        """Return what ``then`` names."""
        node = mapping.get("then") or Absent(mapping.line)
        name = node.text if isinstance(node, Scalar) else None
        if name in self.declared.outcomes:
            return self.declared.outcomes[name]
        self.notes.add(
            Kind.NAME,
            f"'then' is {shape(node)}",
            use_one_of(name or "", self.declared.outcomes),
            rule=place,
            cell="then",
            node=node,
            value=name or "",
        )
        return None

    def _authority(self, node: Node | None, outcome: Outcome | None, place: str) -> str | None:
        if node is None or outcome is None:
            return outcome.authority if outcome else None
        name = node.text if isinstance(node, Scalar) else ""
        if name not in self.declared.authorities or outcome.authority is None:
            _unknown_authority(self.notes, place, "authority", node, self.declared.authorities)
            return outcome.authority
        return name

    def _not_yet(self, node: Node | None, place: str) -> tuple[str, ...]:
        items = [] if node is None else self.notes.items(node, place, "not_yet")
        codes = [self.notes.identifier(item, place, "not_yet") for item in items]
        return tuple(code for code in codes if code is not None)

    def _priority(self, mapping: Mapping, place: str) -> int:
        node = mapping.get("priority")
        if self.priority:
            return self.notes.whole(node or _nothing(mapping), place, "priority", 999_999) or 0
        if node is not None:
            self.notes.add(
                Kind.NAME,
                "only hit_policy: priority asks for it",
                "drop it",
                rule=place,
                cell="priority",
                node=node,
            )
        return 0

    def _cells(self, node: Node | None, place: str) -> dict[str, Cell]:
        found: dict[str, Cell] = {}
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return found
        mapping = self.notes.mapping(node, place, (), "when")
        for key, value in mapping.pairs if mapping else ():
            column = self.inputs.get(key.text)
            if column is None:
                self.notes.add(
                    Kind.NAME,
                    f"{shortened(key.text)!r} is no input",
                    use_one_of(key.text, self.inputs) + cut_at_a_comma(value),
                    rule=place,
                    cell=shortened(key.text),
                    node=key,
                )
                continue
            cell = self._cell(column, value, place)
            if cell is not None:
                found[column.name] = cell
        return found

    def _cell(self, column: Input, node: Node, place: str) -> Cell | None:
        if not isinstance(node, Scalar):
            self.notes.add(
                Kind.TYPE,
                f"it is {shape(node)}",
                'quote it, as in "[1..5)" or "A, B"',
                rule=place,
                cell=column.name,
                node=node,
            )
            return None
        try:
            cell = read_cell(column, node.text)
        except CellError as error:
            self.notes.add(error.kind, str(error), error.remedy, rule=place, cell=column.name, node=node)
            return None
        self._check_amounts(column, cell, node, place)
        return cell

    def _check_amounts(self, column: Input, cell: Cell, node: Scalar, place: str) -> None:
        bounds = [cut.value for one in cell.intervals for cut in (one.low, one.high) if cut is not None]
        if column.kind == "money" and any(places(bound) > column.decimals for bound in bounds):
            self.notes.add(
                Kind.MONEY,
                f"the boundary has more decimals than {column.currency} has here ({column.decimals})",
                "round it, or declare decimals",
                rule=place,
                cell=column.name,
                node=node,
            )


def _nothing(near: Node) -> Absent:
    return Absent(near.line)
