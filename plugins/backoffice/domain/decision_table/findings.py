"""What is wrong with a policy: findings that name file, rule and cell, and say what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from backoffice.domain.decision_table.words import visible


class Kind(StrEnum):
    """What kind of fault a finding is. ``docs/reference/policies.md`` has an example and a remedy of each."""

    SYNTAX = "syntax"
    TYPE = "type"
    NAME = "unknown name"
    GAP = "gap"
    OVERLAP = "overlap"
    SHADOW = "shadowed rule"
    UNREACHABLE = "unreachable outcome"
    DEFAULT = "unsafe default"
    MEANING = "fixed meaning"
    AUTHORITY = "falling authority"
    LIMIT = "machine limit"
    MONEY = "money"
    DATES = "effective dates"
    EXAMPLE = "example"
    SIZE = "too large"


@dataclass(frozen=True)
class Finding:
    """One fault of a policy.

    :param file: Where the text came from.
    :param kind: What kind of fault it is.
    :param problem: What is wrong, with the values compared.
    :param remedy: What to do.
    :param rule: Id of the rule, or where else: ``default``, ``example 3``, ``inputs``.
    :param cell: The input whose cell it is, or the key.
    :param value: What stands there.
    :param line: Line of the file, counted from 1; 0 when it has none.
    """

    file: str
    kind: Kind
    problem: str
    remedy: str
    rule: str = ""
    cell: str = ""
    value: str = ""
    line: int = 0

    def __str__(self) -> str:
        where = self.file + (f", line {self.line}" if self.line else "")
        parts = [where, self.rule, self.cell + (f" {self.value!r}" if self.value else "")]
        place = ": ".join(part.strip() for part in parts if part.strip())
        return visible(f"{place}: {self.kind}: {self.problem}; {self.remedy}")

    def as_dict(self) -> dict[str, str | int]:
        """Return the finding as plain data."""
        return {**asdict(self), "kind": str(self.kind)}


class PolicyError(ValueError):
    """A policy cannot be used. ``findings`` are all its faults, and the message prints each."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)
