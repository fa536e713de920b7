"""The proof that outcomes with a fixed meaning need whom their meaning needs.

Processes act on these names: whatever ``approve`` is said to need, the ledger books and frees for payment
without asking anybody. A policy that says otherwise would be believed by its readers alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from backoffice.domain.decision_table.findings import Finding, Kind
from backoffice.domain.decision_table.rule_reader import NOBODY, PLAIN_OUTCOMES
from backoffice.domain.decision_table.table import MACHINE, Table


def other_meanings(table: Table, file: str) -> Iterator[Finding]:
    """Yield outcomes and rules that ask for another authority than the outcome's fixed meaning."""
    for outcome in table.outcomes.values():
        if not _fits(outcome.name, outcome.authority):
            yield _finding(file, outcome.name, outcome.authority, "outcomes", outcome.name)
    for rule in table.rules:
        declared = table.outcomes[rule.outcome].authority
        if rule.authority != declared and not _fits(rule.outcome, rule.authority):
            place = f"rule {rule.rule_id}"
            yield _finding(file, rule.outcome, rule.authority, place, "authority", rule.line)


def _fits(name: str, authority: str | None) -> bool:
    if name not in PLAIN_OUTCOMES:
        return True
    meant = PLAIN_OUTCOMES[name]
    # people may be called otherwise than plainly ``person``
    return authority == meant if meant in (None, MACHINE) else authority not in (None, MACHINE)


def _finding(file: str, name: str, authority: str | None, rule: str, cell: str, line: int = 0) -> Finding:
    meant, needed = PLAIN_OUTCOMES[name], authority or NOBODY
    acts = {MACHINE: "the machine alone acts on it", None: "nobody acts on it"}
    return Finding(
        file,
        Kind.MEANING,
        f"{name} has a fixed meaning, {acts.get(meant, 'people decide')}, but it is said to need {needed}",
        f"give an outcome of another name where {needed} is needed, such as review where people are",
        rule=rule,
        cell=cell,
        value=needed,
        line=line,
    )
