"""Business days are counted as a calendar would count them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

pytestmark = pytest.mark.integration

HOLIDAYS = [date(2026, 5, 1), date(2026, 5, 2), date(2026, 12, 25)]  # the second one is a Saturday


def test_business_days_are_weekdays_without_holidays(ledger):
    with ledger.connect("admin") as connection:
        connection.cursor().executemany(
            "INSERT INTO ledger.holiday (entity, day, name) VALUES ('1000', %s, 'holiday')",
            [(day,) for day in HOLIDAYS],
        )
        pairs = [
            (date(2026, 4, 20) + timedelta(days=start), length)
            for start in range(8)
            for length in (-3, 0, 1, 5, 6, 7, 13, 250)
        ]
        for start, length in pairs:
            days = [start + timedelta(days=n) for n in range(1, length + 1)]
            expected = sum(day.isoweekday() < 6 and day not in HOLIDAYS for day in days)
            row = connection.execute(
                "SELECT ledger.business_days('1000', %s, %s)", (start, start + timedelta(days=length))
            )
            assert row.fetchone() == (expected,), (start, length)
