"""The proof that the default is the safe outcome, and that ``collect`` weighs outcomes by authority."""

from __future__ import annotations

from collections.abc import Iterator

from backoffice.domain.decision_table.findings import Finding, Kind
from backoffice.domain.decision_table.table import DEFAULT, MACHINE, Table
from backoffice.domain.decision_table.words import listed


def unsafe_default(table: Table, file: str) -> Iterator[Finding]:
    """Yield what makes the default, or what is declared safe, an outcome that acts too easily."""
    declared = [outcome for outcome in table.outcomes.values() if outcome.safe]
    if len(declared) > 1:
        names = listed([outcome.name for outcome in declared])
        yield Finding(
            file, Kind.DEFAULT, f"{names} are all declared safe", "declare one", rule="outcomes", cell="safe"
        )
    if declared and table.default not in {outcome.name for outcome in declared}:
        yield _finding(
            file, table.default, f"the safe outcome is {declared[0].name}", f"write {declared[0].name}"
        )
    elif not _acts_least(table):
        authority = table.outcomes[table.default].authority
        yield _finding(
            file,
            table.default,
            f"it needs only {authority}, and other outcomes need more or nobody acts on them",
            "take an outcome on which nobody acts, or the one that needs the most authority",
        )
    if table.hit_policy == "collect":
        yield from _order_of_outcomes(table, file)


def _acts_least(table: Table) -> bool:
    outcome = table.outcomes[table.default]
    if outcome.authority is None:
        return True
    most = max(table.level(one.authority) for one in table.outcomes.values())
    return outcome.authority != MACHINE and table.level(outcome.authority) == most


def _finding(file: str, name: str, problem: str, remedy: str) -> Finding:
    return Finding(file, Kind.DEFAULT, problem, remedy, rule=DEFAULT, cell="then", value=name)


def _order_of_outcomes(table: Table, file: str) -> Iterator[Finding]:
    highest = -1
    for outcome in table.outcomes.values():
        level = table.level(outcome.authority)
        if 0 <= level < highest:
            yield Finding(
                file,
                Kind.AUTHORITY,
                "under collect the later outcome counts; this one needs less authority than one before it",
                "list the outcomes from least to most authority",
                rule="outcomes",
                cell=outcome.name,
            )
        highest = max(highest, level)
