"""What a new text would change, against deciding every recorded case by hand."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.changing import NEXT, SHIPPED, limited, version, with_examples

from backoffice.domain.canonical import canonical_bytes
from backoffice.domain.decision_table import Kind, Money, Policy, examine_policy, load_policy
from backoffice.domain.policy_impact import (
    MOST_LISTED,
    OtherForm,
    RecordedDecision,
    recorded_inputs,
    replay,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLD = load_policy(SHIPPED)


def recorded(number: int, policy: Policy = OLD, **changed: object) -> RecordedDecision:
    """A decision by a policy, as the ledger would record it."""
    inputs: dict[str, object] = {
        "match_state": "matched",
        "gross_amount": Money(Decimal("100.00"), "EUR"),
        "receipt": "not_missed",
        "sources_delivered": True,
        "business_days_waited": 0,
        "days_until_due": 30,
        **changed,
    }
    decision = policy.decide(inputs)
    amount = inputs["gross_amount"]
    assert isinstance(amount, Money)
    return RecordedDecision(number, NOON, decision.outcome, decision.rule, inputs, policy.machine_limit, f"R-{number}", "S-1", amount)  # fmt: skip


def by_hand(policy: Policy, decisions: list[RecordedDecision]) -> dict[int, tuple[str, str]]:
    """Decide each again; an approval that the ledger would not act on is a review."""

    def outcome(decided: str, limit: Money, one: RecordedDecision) -> str:
        free = one.amount.currency == limit.currency and one.amount.amount <= limit.amount
        return decided if decided != "approve" or free else "review"

    found = {}
    for one in decisions:
        before = outcome(one.outcome, one.machine_limit, one)
        after = outcome(policy.decide(one.inputs).outcome, policy.machine_limit, one)
        if before != after:
            found[one.decision_id] = (before, after)
    return found


def test_a_lower_threshold_flips_what_lies_between() -> None:
    cases = [
        recorded(n, gross_amount=Money(Decimal(amount), "EUR")) for n, amount in enumerate((40, 60, 80), 1)
    ]
    impact = replay(load_policy(limited(NEXT, "50.00")), reversed(cases))
    assert (impact["decisions"], impact["changed"]) == (3, 2)
    assert impact["moves"] == [
        {"from": "approve", "to": "review", "currency": "EUR", "count": 2, "amount": Decimal(140)}
    ]
    assert [(one["invoice"], one["amount"], one["to_rule"]) for one in impact["listed"]] == [
        ("R-3", Decimal(80), "above_machine_limit"),
        ("R-2", Decimal(60), "above_machine_limit"),
    ]
    assert (impact["first_decision"], impact["last_decision"]) == (1, 3)


def test_a_limit_alone_shows_although_the_table_still_approves() -> None:
    """Such a text is refused today (finding ``machine limit``); one of before the proof may have decided."""
    text = version(NEXT).replace("machine_limit: 100000.00 EUR", "machine_limit: 50.00 EUR")
    examined = examine_policy(text)
    assert {one.kind for one in examined.findings} == {Kind.LIMIT}
    assert examined.policy is not None
    impact = replay(examined.policy, [recorded(1, gross_amount=Money(Decimal("50.01"), "EUR"))])
    assert [(one["from"], one["to"], one["to_rule"]) for one in impact["listed"]] == [("approve", "review", "machine_limit")]  # fmt: skip


def test_an_unchanged_text_changes_nothing_and_nothing_recorded_is_no_error() -> None:
    cases = [
        recorded(n, match_state=state)
        for n, state in enumerate(("matched", "held", "waiting_receipt", "waiting_source"), 1)
    ]
    assert replay(load_policy(version(NEXT)), cases)["changed"] == 0
    nothing = replay(load_policy(version(NEXT)), [])
    assert (nothing["decisions"], nothing["changed"], nothing["last_decision"], nothing["listed"]) == (0, 0, None, [])  # fmt: skip


def test_what_a_text_asks_for_and_nobody_recorded_is_named() -> None:
    text = version(NEXT).replace("inputs:\n", "inputs:\n  risk: {type: code, values: [low, high]}\n")
    text = text.replace("given: {", "given: {risk: low, ")
    impact = replay(load_policy(text), [recorded(1), recorded(2, match_state="held")])
    assert impact["unusable"] == [{"fault": "risk is missing", "count": 2}]
    assert impact["changed"] == 1


def test_at_most_five_hundred_are_listed_and_all_are_counted() -> None:
    cases = [recorded(n) for n in range(MOST_LISTED + 100, 0, -1)]
    impact = replay(load_policy(limited(NEXT, "50.00")), cases)
    assert impact["changed"] == MOST_LISTED + 100
    assert [one["decision_id"] for one in impact["listed"]] == list(range(MOST_LISTED + 100, 100, -1))


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "match_state": st.sampled_from(["matched", "waiting_receipt", "waiting_source", "held"]),
                "gross_amount": st.builds(
                    Money,
                    st.decimals(0, 200_000, places=2),
                    st.sampled_from(["EUR", "CHF"]),
                ),
                "receipt": st.sampled_from(["not_missed", "missed", "not_delivered"]),
                "sources_delivered": st.booleans(),
                "business_days_waited": st.integers(0, 9),
                "days_until_due": st.none() | st.integers(-5, 40),
            }
        ),
        max_size=60,
    ),
    st.decimals(0, 200_000, places=2),
    st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_the_impact_equals_deciding_each_by_hand(drawn, limit, days) -> None:
    text = limited(NEXT, f"{limit}").replace('"> 3"', f'"> {days}"')
    policy = load_policy(with_examples(text))
    cases = [recorded(number, **inputs) for number, inputs in enumerate(drawn, 1)]
    impact, expected = replay(policy, cases), by_hand(policy, cases)
    assert {one["decision_id"]: (one["from"], one["to"]) for one in impact["listed"]} == expected
    assert impact["changed"] == len(expected)
    counted = Counter()
    for move in impact["moves"]:
        counted[(move["from"], move["to"])] += move["count"]
    assert counted == Counter(expected.values())
    assert canonical_bytes(impact) == canonical_bytes(replay(policy, cases))


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ({"amount": "100000", "currency": "EUR"}, Money(Decimal(100000), "EUR")),
        ({"amount": "-0.5", "currency": "CHF"}, Money(Decimal("-0.5"), "CHF")),
        ("matched", "matched"),
        ("12.5", "12.5"),
        ("7", "7"),
        (True, True),
        (None, None),
    ],
)
def test_recorded_inputs_come_back_typed(stored, value) -> None:
    assert recorded_inputs(json.loads(json.dumps({"inputs": {"x": stored}}))) == {"x": value}


@pytest.mark.parametrize(
    ("explanation", "said"),
    [
        ({}, "no inputs are recorded"),
        ({"inputs": None}, "no inputs are recorded"),
        ({"inputs": ["matched"]}, "no inputs are recorded"),
        ({"inputs": {"x": "100000.00 EUR"}}, "x is recorded as a text, not as an amount with its currency"),
        ({"inputs": {"x": 7}}, "x is recorded as a bare number"),
        ({"inputs": {"x": 0.5}}, "x is recorded as a bare number"),
        ({"inputs": {"x": [1]}}, "x is recorded as something that is no value of an input"),
        ({"inputs": {"x": {"amount": 5, "currency": "EUR"}}}, "x is recorded as something that is no value"),
        ({"inputs": {"x": {"amount": "5"}}}, "x is recorded as something that is no value of an input"),
    ],
)
def test_another_form_is_said_and_not_guessed(explanation, said) -> None:
    with pytest.raises(OtherForm, match=said):
        recorded_inputs(explanation)


def test_decisions_in_another_form_are_counted_by_reason_and_not_decided() -> None:
    limit = Money(Decimal(100000), "EUR")
    old = [
        RecordedDecision(
            number, NOON, "approve", "matched", OtherForm(why), limit, f"R-{number}", "S-1", None
        )
        for number, why in (
            (4, "no inputs are recorded"),
            (3, "x is a bare number"),
            (2, "x is a bare number"),
        )
    ]
    impact = replay(load_policy(limited(NEXT, "50.00")), [*old, recorded(1)])
    assert (impact["decisions"], impact["tried"], impact["changed"]) == (4, 1, 1)
    assert impact["other_form"] == [
        {"fault": "x is a bare number", "count": 2},
        {"fault": "no inputs are recorded", "count": 1},
    ]
    assert (impact["first_decision"], impact["last_decision"]) == (1, 4)


def test_what_was_recorded_with_an_input_that_the_text_lacks_is_named_and_not_decided() -> None:
    text = version(NEXT).replace("days_until_due", "days_untill_due")
    impact = replay(load_policy(text), [recorded(1), recorded(2)])
    [form] = impact["other_form"]
    assert form["count"] == 2
    assert "has no input days_until_due; did you mean days_untill_due?" in form["fault"]
    assert (impact["tried"], impact["changed"]) == (0, 0)
