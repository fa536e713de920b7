"""When a run waits for people, and when it does not."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.domain.review_window import (
    STATES,
    UNANSWERED,
    CaseCounts,
    Goal,
    judge_waiting,
    window_end,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("by_state", "now", "verdict"),
    [
        ({}, NOON - SECOND, "settled"),
        ({}, NOON + SECOND, "settled"),
        ({"open": 1}, NOON - SECOND, "wait"),
        ({"half_decided": 1}, NOON - SECOND, "wait"),
        ({"decided": 3, "settled": 2, "superseded": 1}, NOON - SECOND, "settled"),
        ({"open": 1, "settled": 99}, NOON - SECOND, "wait"),
        ({"open": 1}, NOON, "window_over"),
        ({"half_decided": 1, "decided": 5}, NOON + SECOND, "window_over"),
        ({"decided": 5}, NOON + SECOND, "settled"),
    ],
)
def test_waits_only_for_unanswered_cases_and_only_until_the_window_ends(by_state, now, verdict):
    assert judge_waiting(CaseCounts(by_state), NOON, now) == verdict


@pytest.mark.parametrize(
    ("by_state", "now", "verdict"),
    [
        ({"open": 5}, NOON - SECOND, "wait"),
        ({"open": 5, "half_decided": 1}, NOON - SECOND, "wait"),
        ({"open": 5, "superseded": 1}, NOON - SECOND, "wait"),
        ({"open": 5, "decided": 1}, NOON - SECOND, "answered"),
        ({"open": 5, "settled": 1}, NOON - SECOND, "answered"),
        ({"open": 5, "decided": 1}, NOON + SECOND, "answered"),
        ({"open": 5}, NOON, "window_over"),
        ({"decided": 1}, NOON - SECOND, "settled"),
        ({}, NOON - SECOND, "settled"),
    ],
)
def test_the_first_answer_may_end_the_waiting_but_facts_alone_do_not(by_state, now, verdict):
    assert judge_waiting(CaseCounts(by_state), NOON, now, Goal("any")) == verdict


@given(
    by_state=st.dictionaries(st.sampled_from(STATES), st.integers(0, 1000)),
    seconds=st.integers(-(10**6), 10**6),
)
def test_the_verdict_depends_on_unanswered_cases_and_the_clock_alone(by_state, seconds):
    counts = CaseCounts(by_state)
    verdict = judge_waiting(counts, NOON, NOON + timedelta(seconds=seconds))
    unanswered = sum(number for state, number in by_state.items() if state in UNANSWERED)
    expected = "settled" if unanswered == 0 else ("window_over" if seconds >= 0 else "wait")
    assert verdict == expected
    assert counts.as_dict()["opened"] == sum(by_state.values())


def test_a_state_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="unknown case states"):
        CaseCounts({"approved": 1})


def test_the_window_starts_with_the_run():
    assert window_end(NOON, timedelta(hours=23)) == NOON + timedelta(hours=23)
    with pytest.raises(ValueError, match="no time zone"):
        window_end(NOON.replace(tzinfo=None), timedelta(hours=1))
    with pytest.raises(ValueError, match="less than nothing"):
        window_end(NOON, timedelta(seconds=-1))


@pytest.mark.parametrize(
    ("by_state", "verdict"),
    [
        ({"open": 3}, "wait"),
        ({"open": 3, "superseded": 2}, "wait"),
        ({"open": 3, "half_decided": 1}, "wait"),
        ({"open": 3, "decided": 1}, "answered"),
        ({"open": 3, "settled": 1}, "answered"),
        ({"settled": 4}, "settled"),
        ({}, "settled"),
    ],
)
def test_any_ends_with_the_first_answer_of_a_person(by_state, verdict):
    """Facts that settle a case are no answer; a case that waits for its second person is none either."""
    now = datetime(2026, 11, 20, 3, tzinfo=UTC)
    assert judge_waiting(CaseCounts(by_state), now + timedelta(hours=1), now, Goal("any")) == verdict
    assert judge_waiting(CaseCounts({"open": 1}), now, now, Goal("any")) == "window_over"


EUR_DECIDED, EUR_OPEN, USD_DECIDED, USD_OPEN = (
    (state, currency) for currency in ("EUR", "USD") for state in ("decided", "open")
)


@pytest.mark.parametrize(
    ("goal", "by_state", "amounts", "unknown", "reached"),
    [
        (Goal("quorum", quorum=3), {"decided": 2, "open": 5}, {}, {}, False),
        (Goal("quorum", quorum=3), {"decided": 2, "settled": 1, "open": 5}, {}, {}, True),
        (Goal("quorum", quorum=3), {"superseded": 3, "open": 5}, {}, {}, False),
        (Goal("amount", share=D("0.8")), {"decided": 1, "open": 9}, {EUR_DECIDED: D("80.00"), EUR_OPEN: D("20.00")}, {}, True),
        (Goal("amount", share=D("0.8")), {"decided": 9, "open": 1}, {EUR_DECIDED: D("79.99"), EUR_OPEN: D("20.01")}, {}, False),
        (Goal("amount", share=D("0.8")), {"decided": 9, "open": 2}, {EUR_DECIDED: D(90), EUR_OPEN: D(1), USD_OPEN: D(1)}, {}, False),
        (Goal("amount", share=D("0.8")), {"decided": 9, "open": 2},
         {EUR_DECIDED: D(90), EUR_OPEN: D(1), USD_OPEN: D(1), USD_DECIDED: D(4)}, {}, True),
        (Goal("amount", share=D("0.8")), {"decided": 9, "open": 1}, {EUR_DECIDED: D(90)}, {"open": 1}, False),
        (Goal("amount", share=D("0.8")), {"decided": 9, "half_decided": 1}, {EUR_DECIDED: D(90)}, {"half_decided": 1}, False),
        (Goal("amount", share=D("0.8")), {"decided": 2, "open": 1}, {EUR_DECIDED: D(90), EUR_OPEN: D(1)}, {"decided": 1}, True),
        (Goal("amount", share=D("0.1")), {"superseded": 2, "open": 1}, {("superseded", "EUR"): D(90), EUR_OPEN: D(1)}, {}, False),
        (Goal("amount", amount=D(100), currency="EUR"), {"decided": 1, "open": 1}, {EUR_DECIDED: D("99.99")}, {}, False),
        (Goal("amount", amount=D(100), currency="EUR"), {"decided": 1, "open": 1}, {EUR_DECIDED: D("100.00")}, {}, True),
        (Goal("amount", amount=D(100), currency="EUR"), {"decided": 1, "open": 1}, {USD_DECIDED: D("100.00")}, {}, False),
    ],
)  # fmt: skip
def test_a_goal_is_reached_by_answers_and_never_by_what_is_unknown(goal, by_state, amounts, unknown, reached):
    counts = CaseCounts(by_state, amounts, unknown)
    assert counts.reached(goal) is reached
    assert judge_waiting(counts, NOON, NOON - SECOND, goal) == ("answered" if reached else "wait")
    assert judge_waiting(counts, NOON, NOON, goal) == ("answered" if reached else "window_over")


@pytest.mark.parametrize(
    "given",
    [
        {"until": "first"},
        {"until": "quorum"},
        {"until": "quorum", "quorum": 0},
        {"until": "all", "quorum": 2},
        {"until": "amount"},
        {"until": "any", "share": D("0.5")},
        {"until": "amount", "share": D("1.01")},
        {"until": "amount", "share": D(0)},
        {"until": "amount", "share": D("0.5"), "amount": D(5), "currency": "EUR"},
        {"until": "amount", "amount": D(5)},
        {"until": "amount", "share": D("0.5"), "currency": "EUR"},
        {"until": "amount", "amount": D(0), "currency": "EUR"},
    ],
)
def test_a_goal_that_says_two_things_or_nothing_is_refused(given):
    with pytest.raises(ValueError, match=r"until|quorum|share|amount"):
        Goal(**given)


GOALS = st.one_of(
    st.just(Goal()),
    st.just(Goal("any")),
    st.builds(lambda number: Goal("quorum", number), st.integers(1, 50)),
    st.builds(
        lambda share: Goal("amount", share=share), st.decimals(min_value="0.01", max_value=1, places=2)
    ),
    st.builds(
        lambda amount: Goal("amount", amount=amount, currency="EUR"),
        st.decimals(min_value="0.01", max_value=10**6, places=2),
    ),
)


@given(
    goal=GOALS,
    cases=st.lists(
        st.tuples(
            st.sampled_from(STATES),
            st.sampled_from(["EUR", "USD", None]),
            st.decimals(min_value=0, max_value=10**5, places=2),
        ),
        max_size=12,
    ),
    answered=st.integers(0, 11),
)
def test_one_more_answer_never_takes_a_goal_further_away(goal, cases, answered):
    def reached(found):
        rows = [(1, state, currency, 1, amount) for state, currency, amount in found]
        return _counted(rows).reached(goal)

    before = reached(cases)
    if answered < len(cases) and cases[answered][0] in UNANSWERED:
        after = list(cases)
        after[answered] = ("decided", *cases[answered][1:])
        assert reached(after) or not before
    assert not before or any(state in ("decided", "settled") for state, *_ in cases) or goal == Goal()


def _counted(rows):
    by_state, unknown, amounts = Counter(), Counter(), Counter()
    for _, state, currency, _, amount in rows:
        by_state[state] += 1
        if currency is None:
            unknown[state] += 1
        else:
            amounts[state, currency] += amount
    return CaseCounts(by_state, amounts, unknown)
