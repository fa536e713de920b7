"""When a run waits for people, and when it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.domain.review_window import STATES, UNANSWERED, CaseCounts, judge_waiting, window_end

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
    assert judge_waiting(CaseCounts(by_state), NOON, now, "any") == verdict


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
    assert judge_waiting(CaseCounts(by_state), now + timedelta(hours=1), now, "any") == verdict
    assert judge_waiting(CaseCounts({"open": 1}), now, now, "any") == "window_over"
