"""Periods as people write them."""

from __future__ import annotations

from datetime import date

import pytest

from backoffice.domain.period import Period, read_period


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-11-01..2026-11-20", date(2026, 11, 1), date(2026, 11, 20)),
        ("2026-11-20..2026-11-20", date(2026, 11, 20), date(2026, 11, 20)),
    ],
)
def test_each_form_means_whole_days(text: str, first: date, last: date) -> None:
    assert read_period(text) == Period(text, first, last)


@pytest.mark.parametrize(
    "text",
    ["", "26", "2026-Q5", "2026-Q0", "2026-q4", "2026-1", "2026-11-01", "2026-11-01...2026-11-20", " 2026", "2026\n", "P11", "November"],
)  # fmt: skip
def test_other_texts_are_no_period_of_the_calendar(text: str) -> None:
    assert read_period(text) is None


@pytest.mark.parametrize(
    "text", ["2026-00", "2026-13", "0000", "9999", "2026-02-30..2026-03-01", "2026-11-20..2026-11-01"]
)
def test_days_that_there_are_not_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_period(text)
