"""Columns are decided to the same result as case by case."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.domain.decision_table.random_tables import (
    BOUNDS,
    CODES,
    UNITS,
    Drawn,
    tables,
)
from tests.domain.decision_table.random_tables import (
    Column as DrawnColumn,
)
from tests.domain.decision_table.test_decision import CLAIM, POLICIES, drawn

from backoffice.domain.decision_table import Money, Policy, UnknownInput, examine_policy
from backoffice.domain.decision_table.columns import MISSING, Column, column_of, decide_columns

ROWS_PER_TABLE = 500


def as_columns(policy: Policy, rows: list[dict[str, Any]]) -> dict[str, Column]:
    return {
        name: column_of(column, [row.get(name, MISSING) for row in rows])
        for name, column in policy.inputs.items()
    }


def assert_equal(policy: Policy, rows: list[dict[str, Any]]) -> int:
    """Compare each row, and return how many did not stand apart."""
    columns = as_columns(policy, rows)
    found = decide_columns(policy, columns)
    outcomes, authorities = list(policy.outcomes), policy.table.authorities
    for number, row in enumerate(rows):
        decision = policy.decide(row)
        rule = policy.rules[found.rule[number]].rule_id if found.rule[number] >= 0 else "default"
        authority = authorities[found.authority[number]] if found.authority[number] >= 0 else None
        assert (outcomes[found.outcome[number]], rule, authority) == (
            decision.outcome,
            decision.rule,
            decision.authority,
        ), row
        if number % 100 == 0:
            assert found.decision(number).record() == decision.record()
    return len(rows) - len({row for column in columns.values() for row in column.odd})


def value(column: DrawnColumn, chance: random.Random) -> Any:
    """Draw a value of an input: usual ones, on and off its steps, null, missing and what cannot be used."""
    if chance.random() < 0.08:
        return chance.choice([None, MISSING, 1.5, "?", Decimal("NaN"), [], object(), Decimal("1E+30"), True])
    if column.kind == "code":
        return chance.choice(CODES)
    if column.kind == "flag":
        return chance.random() < 0.5
    if column.kind == "codes":
        return chance.sample(CODES, chance.randint(0, 3))
    bound, unit = chance.choice(BOUNDS[column.kind]), UNITS[column.kind]
    if column.kind == "date":
        return bound + unit * chance.randint(-2, 2)
    number = bound + unit * chance.randint(-2, 2) / chance.choice([1, 1, 1, 2, 3, 1000])
    if column.kind == "money":
        return Money(number, "EUR" if chance.random() < 0.95 else "USD")
    return int(number) if chance.random() < 0.3 else number


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn_table=tables(), seed=st.integers(0, 2**32))
def test_a_hundred_thousand_random_rows_over_random_tables(drawn_table: Drawn, seed: int) -> None:
    policy = examine_policy(drawn_table.yaml()).policy
    assert policy is not None
    chance = random.Random(seed)
    rows = []
    for _ in range(ROWS_PER_TABLE):
        row = {column.name: value(column, chance) for column in drawn_table.columns}
        rows.append({name: one for name, one in row.items() if one is not MISSING})
    assert_equal(policy, rows)


@pytest.mark.parametrize("name", POLICIES)
def test_the_rows_of_a_policy(name: str) -> None:
    policy, chance = POLICIES[name], random.Random(5)
    rows = [drawn(policy, chance) for _ in range(5_000)]
    assert assert_equal(policy, rows) == 5_000


@pytest.mark.parametrize(
    "amount",
    [
        "4999.99",
        "5000.00",
        "5000.01",
        "4999.9999999999999999999",
        "5000.0000000000000000001",
        "92233720368547758.07",
        "92233720368547758.08",
        "-0.01",
    ],
)
def test_money_on_its_boundaries(amount: str) -> None:
    assert_equal(POLICIES["pay_claim"], [{**CLAIM, "amount": Money(Decimal(amount), "EUR")}] * 2)


def test_columns_come_with_few_decimals_or_many() -> None:
    policy = POLICIES["pay_claim"]
    rest = {name: column for name, column in as_columns(policy, [CLAIM] * 4).items() if name != "amount"}
    for places, amounts in (
        (0, [4999, 5000, 5001, 0]),
        (4, [49_999_999, 50_000_000, 50_000_001, 0]),
        (18, [1, 2, 3, 2**62]),
    ):
        amount = Column(np.array(amounts), places, "EUR")
        found = decide_columns(policy, {**rest, "amount": amount})
        for row, one in enumerate(amounts):
            decision = policy.decide({**CLAIM, "amount": Money(Decimal(one) / 10**places, "EUR")})
            assert list(policy.outcomes)[found.outcome[row]] == decision.outcome


def test_a_column_that_is_not_there_is_missing() -> None:
    policy = POLICIES["pay_claim"]
    columns = as_columns(policy, [CLAIM, CLAIM])
    del columns["reported_on"]
    assert decide_columns(policy, columns).counts() == {"pay": 2, "ask": 0, "wait": 0, "review": 0}
    del columns["kind"]
    found = decide_columns(policy, columns)
    assert found.counts() == {"pay": 0, "ask": 0, "wait": 0, "review": 2}
    assert found.decision(0).faults == ("kind is missing",)


def test_another_currency_is_decided_by_the_default() -> None:
    policy = POLICIES["pay_claim"]
    columns = as_columns(policy, [CLAIM]) | {"amount": Column(np.array([100]), 2, "USD")}
    assert decide_columns(policy, columns).decision(0).faults == (
        "amount is 1 USD; this policy decides amounts in EUR",
    )
    assert decide_columns(policy, columns).counts()["review"] == 1


def test_columns_that_do_not_fit_are_refused() -> None:
    policy = POLICIES["pay_claim"]
    columns = as_columns(policy, [CLAIM, CLAIM])
    with pytest.raises(ValueError, match="one length"):
        decide_columns(policy, columns | {"kind": column_of(policy.inputs["kind"], ["car"])})
    with pytest.raises(ValueError, match="one length"):
        decide_columns(policy, {})
    with pytest.raises(ValueError, match="no place in its labels"):
        decide_columns(policy, columns | {"kind": Column(np.array([0, 3]), labels=("car", "home", "travel"))})
    with pytest.raises(ValueError, match="decimals"):
        Column(np.array([0]), 19)


def test_days_outside_of_the_calendar_are_not_usable() -> None:
    policy = POLICIES["pay_claim"]
    columns = as_columns(policy, [CLAIM] * 3) | {
        "reported_on": Column(np.array([0, date(2026, 1, 1).toordinal(), 2**40]))
    }
    found = decide_columns(policy, columns)
    assert [found.decision(row).outcome for row in range(3)] == ["review", "pay", "review"]
    assert list(found.outcome) == [3, 0, 3]


def test_a_table_with_very_many_regions_is_decided_all_the_same() -> None:
    names = [f"x{number}" for number in range(36)]
    text = (
        "policy: wide\ntitle: Wide\nversion: 1\nowner: Nobody\neffective_from: 2026-01-01\nhit_policy: first\nmachine_limit: 0.00 EUR\ninputs:\n"
        + "".join(f"  {name}: {{type: number, nullable: true}}\n" for name in names)
        + "outcomes: [wait, review]\nrules:\n"
        + "".join(f'  - {{id: r{name}, when: {{{name}: "> 3, null"}}, then: wait}}\n' for name in names)
        + "  - {id: rest, then: review}\ndefault: {then: review}\nexamples: []\n"
    )
    policy = examine_policy(text).policy
    assert policy is not None
    chance = random.Random(2)
    rows = [
        {name: chance.choice([0, 1, 2, 3, 4, None] if chance.random() < 0.1 else [1]) for name in names}
        for _ in range(200)
    ]
    assert_equal(policy, rows)


def test_a_column_of_no_input_is_refused_as_one_by_one() -> None:
    policy = POLICIES["pay_claim"]
    columns = as_columns(policy, [CLAIM]) | {"amuont": column_of(policy.inputs["amount"], [CLAIM["amount"]])}
    with pytest.raises(UnknownInput) as whole:
        decide_columns(policy, columns)
    with pytest.raises(UnknownInput) as one_by_one:
        policy.decide(CLAIM | {"amuont": CLAIM["amount"]})
    assert str(whole.value) == str(one_by_one.value)
