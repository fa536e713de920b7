"""What the proof says of a table is exactly what trying every case finds."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.domain.decision_table.applying import applied
from tests.domain.decision_table.random_tables import LEVELS, MISSING, OUTCOMES, Drawn, Row, tables

from backoffice.domain.decision_table import Kind, Money, examine_policy

SLOW = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def findings(drawn: Drawn, kind: Kind) -> list[Any]:
    examination = examine_policy(drawn.yaml())
    assert examination.policy is not None, [str(one) for one in examination.findings]
    return [one for one in examination.findings if one.kind == kind]


def given_values(drawn: Drawn, case: dict[str, Any]) -> dict[str, Any]:
    """Return a case as the product takes it."""
    kinds = {column.name: column.kind for column in drawn.columns}
    return {
        name: Money(value, "EUR") if kinds[name] == "money" and value is not None else value
        for name, value in case.items()
        if value != MISSING
    }


@SLOW
@given(tables())
def test_each_case_is_decided_as_by_trying(drawn: Drawn) -> None:
    policy = examine_policy(drawn.yaml()).policy
    assert policy is not None
    for case in drawn.cases():
        decision = policy.decide(given_values(drawn, case))
        row = drawn.decider(case)
        assert decision.rule == (row.rule_id if row else "default"), case
        assert decision.outcome == (row.outcome if row else "review")


@SLOW
@given(tables())
def test_gaps_are_the_cases_without_a_rule(drawn: Drawn) -> None:
    found = findings(drawn, Kind.GAP)
    uncovered = [case for case in drawn.cases() if not drawn.hits(case)]
    assert bool(found) == bool(uncovered)
    policy = examine_policy(drawn.yaml()).policy
    assert policy is not None
    if 0 < len(found) < 5:  # all of them are listed: they are all cases without a rule, and no other
        regions = [region_of(one.problem) for one in found]
        for case in drawn.cases():
            pieces = [
                axis.words(
                    axis.locate(axis.column.read(given_values(drawn, case).get(axis.column.name, _missing())))
                )
                for axis in policy.table.axes
            ]
            inside = any(
                all(
                    words in region.get(axis.column.name, [words])
                    for axis, words in zip(policy.table.axes, pieces, strict=True)
                )
                for region in regions
            )
            assert inside == (not drawn.hits(case)), (case, found)


def _missing() -> Any:
    from backoffice.domain.decision_table.values import MISSING as NOT_GIVEN

    return NOT_GIVEN


def region_of(problem: str) -> dict[str, list[str]]:
    """Return what a finding says about a region, input by input."""
    found = re.search(r"\(region: (.*)\)$", problem)
    assert found
    if found[1] == "everything":
        return {}
    pairs = [one.partition(" ") for one in found[1].split("; ")]
    return {name: words.split(" or ") for name, _, words in pairs}


@SLOW
@given(tables())
def test_shadowed_are_the_rules_that_never_decide(drawn: Drawn) -> None:
    found = {one.rule.removeprefix("rule ") for one in findings(drawn, Kind.SHADOW)}
    idle = {row.rule_id for row in drawn.rows}
    for case in drawn.cases():
        hits = drawn.hits(case)
        leading = drawn.hit_policy in ("first", "priority")
        idle -= {row.rule_id for row in (hits[:1] if leading else hits)}
    assert found == idle


@SLOW
@given(tables())
def test_overlaps_are_the_pairs_that_hit_together_and_may_not(drawn: Drawn) -> None:
    found = {
        frozenset(re.findall(r"\br(?:\d|est)\b", one.problem.partition(" both hit")[0]))
        for one in findings(drawn, Kind.OVERLAP)
    }
    assert found == {
        frozenset({one.rule_id, two.rule_id})
        for case in drawn.cases()
        for one in drawn.hits(case)
        for two in drawn.hits(case)
        if one is not two and not may_meet(drawn.hit_policy, one, two)
    }


def may_meet(hit_policy: str, one: Row, two: Row) -> bool:
    match hit_policy:
        case "unique":
            return False
        case "any":
            return one.outcome == two.outcome
        case "priority":
            return one.outcome == two.outcome or one.priority != two.priority
    return True


@SLOW
@given(tables())
def test_unreachable_are_the_outcomes_that_no_rule_gives(drawn: Drawn) -> None:
    found = {one.cell for one in findings(drawn, Kind.UNREACHABLE)}
    given_by_rules = set()
    for case in drawn.cases():
        hits = drawn.hits(case)
        leading = drawn.hit_policy in ("first", "priority")
        given_by_rules |= {row.outcome for row in (hits[:1] if leading else hits)}
    assert found == set(OUTCOMES) - given_by_rules


@SLOW
@given(tables())
def test_authority_falls_where_trying_sees_it_fall(drawn: Drawn) -> None:
    found = {one.cell for one in findings(drawn, Kind.AUTHORITY)}
    falling = set()
    for column in drawn.columns:
        if not column.amount:
            continue
        others: dict[tuple[Any, ...], list[tuple[Any, int]]] = {}
        for case in drawn.cases():
            row, amount = drawn.decider(case), case[column.name]
            level = OUTCOMES[row.outcome] if row else None
            if level is not None and amount is not None and amount != MISSING:
                rest = tuple(value for name, value in case.items() if name != column.name)
                others.setdefault(rest, []).append((amount, LEVELS.index(level)))
        for line in others.values():
            ordered = [level for _, level in sorted(line)]
            if any(later < earlier for earlier, later in pairwise(ordered)):
                falling.add(column.name)
    assert found == falling


@SLOW
@given(tables())
def test_the_machine_decides_above_its_limit_where_trying_sees_it(drawn: Drawn) -> None:
    found = {(one.rule.removeprefix("rule "), one.cell) for one in findings(drawn, Kind.LIMIT)}
    beyond = set()
    for case in drawn.cases():
        hits = drawn.hits(case)
        # where rules contradict each other, either could be meant: both are held against the limit
        deciding = hits if drawn.hit_policy in ("unique", "any") else [drawn.decider(case)]
        if drawn.hit_policy == "priority" and hits:
            deciding = hits[:1]
        if drawn.hit_policy == "collect" and hits:
            deciding = [row for row in hits if row.outcome == drawn.decider(case).outcome]  # type: ignore[union-attr]
        for row in filter(None, deciding):
            for column in drawn.columns:
                if not column.amount or OUTCOMES[row.outcome] != "machine":
                    continue
                amount = case[column.name]
                if amount is None or amount == MISSING or amount > drawn.limit:
                    beyond.add((row.rule_id, column.name))
    assert found == beyond


@pytest.mark.parametrize("hit_policy", ["first", "unique", "priority", "any", "collect"])
@SLOW
@given(drawn=tables(), data=st.data())
def test_the_nearest_change_flips_the_outcome_and_none_changes_fewer_inputs(
    hit_policy: str, drawn: Drawn, data: st.DataObject
) -> None:
    drawn = Drawn(hit_policy, drawn.columns, drawn.rows, drawn.limit)
    policy = examine_policy(drawn.yaml()).policy
    assert policy is not None
    cases = list(drawn.cases())
    case = data.draw(st.sampled_from(cases))
    values = given_values(drawn, case)
    decision = policy.decide(values)
    elsewhere = [
        (sum(other[name] != case[name] for name in case), size(case, other))
        for other in cases
        if (row := drawn.decider(other)) is not None and row.outcome != decision.outcome
    ]
    nearest = decision.nearest
    if nearest is None:
        assert not elsewhere
        return
    changed = applied(nearest, values, policy.inputs)
    flipped = policy.decide(changed)
    assert (flipped.outcome, flipped.rule) == (nearest.outcome, nearest.rule)
    assert flipped.outcome != decision.outcome
    after = {name: changed.get(name, MISSING) for name in case}
    after = {name: value.amount if isinstance(value, Money) else value for name, value in after.items()}
    assert len(nearest.changes) == min(elsewhere)[0]
    # of a number without steps no value is the nearest: the next whole unit of the cells is taken
    if all(column.kind != "number" for column in drawn.columns):
        assert (len(nearest.changes), size(case, after)) == min(elsewhere)


def size(case: dict[str, Any], other: dict[str, Any]) -> Fraction:
    """How far a case is from another, as the documents say."""
    return sum((away(case[name], other[name]) for name in case if case[name] != other[name]), Fraction(0))


def away(one: Any, two: Any) -> Fraction:
    if one is None or two is None or MISSING in (one, two):
        return Fraction(2)
    if isinstance(one, frozenset):
        return Fraction(len(one ^ two))
    if isinstance(one, date):
        days = abs((one - two).days)
        return Fraction(days, 365 + days)
    if isinstance(one, Decimal):
        return abs(Fraction(one) - Fraction(two)) / (abs(Fraction(one)) + abs(Fraction(two)))
    return Fraction(1)
