"""Reads a policy: from text to a table that is proven, or to everything that is wrong with it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from backoffice.domain.decision_table.default_proof import unsafe_default
from backoffice.domain.decision_table.document import Absent, Mapping, Node, Scalar, Unreadable, read_document
from backoffice.domain.decision_table.example_reader import failing_examples, read_examples
from backoffice.domain.decision_table.findings import Finding, Kind, PolicyError
from backoffice.domain.decision_table.input_reader import read_inputs
from backoffice.domain.decision_table.inputs import Input
from backoffice.domain.decision_table.meaning_proof import other_meanings
from backoffice.domain.decision_table.notes import MOST_FINDINGS, Enough, Notes, shape
from backoffice.domain.decision_table.policy import Policy
from backoffice.domain.decision_table.proof import prove
from backoffice.domain.decision_table.rule_reader import RuleReader, read_outcomes
from backoffice.domain.decision_table.size import TooFine
from backoffice.domain.decision_table.table import HIT_POLICIES, HitPolicy, Table
from backoffice.domain.decision_table.values import Money

KEYS = frozenset(
    {
        "policy",
        "title",
        "version",
        "owner",
        "effective_from",
        "effective_to",
        "hit_policy",
        "machine_limit",
        "authorities",
        "inputs",
        "outcomes",
        "rules",
        "default",
        "examples",
    }
)
DEFAULT_KEYS = frozenset({"then", "why"})
NO_RULE = "No rule covers this case."
_DAY = ("[0-9]{4}-[0-9]{2}-[0-9]{2}", "a day such as 2026-11-22")
# what the ledger reads from the text itself: the key, the form in which it must stand, and that in words
LEDGER_LINES = {
    "policy": ("[a-z_]+", "small letters and underscores"),
    "version": ("[0-9]{1,9}", "a whole number"),
    "machine_limit": (r"[0-9]{1,16}(\.[0-9]{1,2})? [A-Z]{3}", "an amount such as 5000.00 EUR"),
    "effective_from": _DAY,
    "effective_to": _DAY,
}

# stands in for what is missing, so that the examples can be run all the same
NAMELESS: dict[str, Any] = {
    "policy_id": "",
    "title": "",
    "version": 0,
    "owner": "",
    "effective_from": date.min,
    "effective_to": None,
    "machine_limit": Money(Decimal(0), ""),
}


@dataclass(frozen=True)
class Examination:
    """What came of reading a policy.

    :param policy: The policy, also when it has findings; None when they leave nothing that could decide.
    :param findings: Everything that is wrong; only a policy without any may be used.
    """

    policy: Policy | None
    findings: tuple[Finding, ...]


def load_policy(text: str, source: str = "policy") -> Policy:
    """Return a policy that is proven.

    :raises PolicyError: All that is wrong, where, and what to do.
    """
    examination = examine_policy(text, source)
    if examination.findings or examination.policy is None:
        raise PolicyError(examination.findings)
    return examination.policy


def examine_policy(text: str, source: str = "policy") -> Examination:
    """Read a policy, prove it, run its examples, and return what was found. Raises nothing."""
    notes = Notes(source)
    try:
        policy = _examine(text, notes)
    except Enough:
        policy = None
    found = notes.findings
    if len(found) >= MOST_FINDINGS:
        more = Finding(
            source, Kind.SIZE, f"only the first {MOST_FINDINGS} findings are listed", "mend these first"
        )
        found = [*found[:MOST_FINDINGS], more]
    return Examination(policy, tuple(found))


def _examine(text: str, notes: Notes) -> Policy | None:
    try:
        root, repeated = read_document(text)
    except Unreadable as error:
        notes.add(Kind.SYNTAX, str(error), error.remedy, node=Scalar("", error.line))
        return None
    for one in repeated:
        notes.add(Kind.SYNTAX, str(one), one.remedy, node=Scalar("", one.line))
    document = notes.mapping(root, "", KEYS)
    return None if document is None else _Reader(notes, document, text).policy()


class _Reader:
    def __init__(self, notes: Notes, document: Mapping, text: str) -> None:
        self.notes = notes
        self.document = document
        self.text = text

    def policy(self) -> Policy | None:
        self._check_ledger_lines()
        about = self._about()
        table = self._table(about["machine_limit"])
        examples = read_examples(self.notes, self.document.get("examples") or self._nothing(), table)
        why = self._why()
        if table is None:
            return None
        self.notes.findings += unsafe_default(table, self.notes.file)
        self.notes.findings += other_meanings(table, self.notes.file)
        self.notes.findings += prove(table, about["machine_limit"], self.notes.file)
        known = {name: value for name, value in about.items() if value is not None}
        policy = Policy(
            text=self.text,
            sha256=hashlib.sha256(self.text.encode("utf-8")).hexdigest(),
            table=table,
            default_why=why,
            **(NAMELESS | known),
        )
        self.notes.findings += failing_examples(policy, examples, self.notes.file)
        return policy if NAMELESS.keys() <= known.keys() | {"effective_to"} else None

    def _about(self) -> dict[str, Any]:
        get, notes = self.document.get, self.notes
        about: dict[str, Any] = {
            "policy_id": notes.text(get("policy") or self._nothing(), "policy", ""),
            "title": notes.text(get("title") or self._nothing(), "title", ""),
            "version": notes.whole(get("version") or self._nothing(), "version", "", 999_999_999, 1),
            "owner": notes.text(get("owner") or self._nothing(), "owner", ""),
            "effective_from": notes.day(get("effective_from") or self._nothing(), "effective_from", ""),
            "effective_to": self._effective_to(),
            "machine_limit": notes.money(get("machine_limit") or self._nothing(), "machine_limit", ""),
        }
        first: date | None = about["effective_from"]
        last: date | None = about["effective_to"]
        if first is not None and last is not None and last < first:
            notes.add(
                Kind.DATES,
                f"it ends before it begins on {first}",
                "give the last day on which it decides",
                rule="effective_to",
                node=get("effective_to"),
            )
        return about

    def _nothing(self) -> Absent:
        return Absent(self.document.line)

    def _effective_to(self) -> date | None:
        node = self.document.get("effective_to")
        return None if node is None else self.notes.day(node, "effective_to", "")

    def _check_ledger_lines(self) -> None:
        """See that the ledger, which reads these lines by itself, finds what is proved here."""
        for key, (form, words) in LEDGER_LINES.items():
            found = re.findall(rf"^([\"']?{key}[\"']?[ \t]*):[ \t]*(.*?)[ \t\r]*$", self.text, re.MULTILINE)
            node = self.document.get(key)
            if node is None and not found:
                continue
            lines = [line if name == key else f"{name}: {line}" for name, line in found]
            if len(lines) != 1 or not re.fullmatch(form, lines[0]):
                problem = f"the ledger needs exactly one plain line '{key}: ...' with {words}"
            elif not isinstance(node, Scalar) or node.text != lines[0]:
                problem = (
                    f"the ledger reads the line '{key}: {lines[0]}', but as YAML the text says {shape(node)}"
                )
            else:
                continue
            self.notes.add(
                Kind.SYNTAX,
                problem,
                "write it once, at the beginning of a line, unquoted, without a comment behind it, "
                "and begin no line of another text so",
                rule=key,
                node=node,
                value=" and ".join(lines),
            )

    def _table(self, limit: Money | None) -> Table | None:
        get = self.document.get
        hit_policy = self._hit_policy()
        inputs = read_inputs(self.notes, get("inputs") or self._nothing())
        declared = read_outcomes(self.notes, get("outcomes") or self._nothing(), get("authorities"))
        if inputs is None or declared is None:
            return None
        self._check_units(inputs, limit)
        reader = RuleReader(self.notes, inputs, declared, hit_policy == "priority")
        rules = reader.rules(get("rules") or self._nothing())
        default = self._default(reader)
        if hit_policy is None or rules is None or default is None:
            return None
        cuts: dict[str, Iterable[object]] = {
            name: [limit.amount]
            for name, column in inputs.items()
            if limit is not None and column.says_how_much and column.currency in (None, limit.currency)
        }
        try:
            return Table(hit_policy, inputs, declared.outcomes, declared.authorities, rules, default, cuts)
        except TooFine as error:
            self.notes.add(Kind.SIZE, str(error), "split the policy, or tell fewer cases apart", rule="rules")
            return None

    def _check_units(self, inputs: dict[str, Input], limit: Money | None) -> None:
        """Find numbers that are money by another name: their unit is a currency of this policy."""
        currencies = {column.currency for column in inputs.values()} | ({limit.currency} if limit else set())
        for name, column in inputs.items():
            words = set(re.findall("[A-Z]+|[€$£¥]", (column.unit or "").upper()))
            if column.kind == "number" and words & (currencies | set("€$£¥")):
                self.notes.add(
                    Kind.MONEY,
                    "a number that counts money is an amount",
                    "write type: money and the currency",
                    rule=f"input {name}",
                    cell="unit",
                    node=self._declared(name, "unit"),
                )

    def _declared(self, name: str, key: str) -> Node | None:
        node: Node | None = self.document
        for one in ("inputs", name, key):
            node = node.get(one) if isinstance(node, Mapping) else None
        return node

    def _hit_policy(self) -> HitPolicy | None:
        node = self.document.get("hit_policy") or self._nothing()
        text = node.text if isinstance(node, Scalar) else None
        found = next((one for one in HIT_POLICIES if one == text), None)
        if found is None:
            self.notes.add(
                Kind.NAME,
                f"it is {shape(node)}",
                f"use {', '.join(HIT_POLICIES)}",
                rule="hit_policy",
                node=node,
            )
        return found

    def _default(self, reader: RuleReader) -> str | None:
        node = self.notes.mapping(self.document.get("default") or self._nothing(), "default", DEFAULT_KEYS)
        outcome = reader.outcome(node, "default") if node is not None else None
        return outcome.name if outcome else None

    def _why(self) -> str:
        node = self.document.get("default")
        why = node.get("why") if isinstance(node, Mapping) else None
        return NO_RULE if why is None else self.notes.text(why, "default", "why") or NO_RULE
