"""Which days a period means, with fiscal calendars in the ledger."""

from __future__ import annotations

from datetime import date

import pytest
from tests.conftest import Ledger

from backoffice.domain.period import Period
from backoffice.governance.periods import UnknownPeriodError, find_period

pytestmark = pytest.mark.integration


def fiscal(ledger: Ledger, *rows: tuple[str, str, str, str]) -> None:
    with ledger.connect("admin") as connection:
        connection.execute("INSERT INTO ops.entity VALUES ('2000', 'Second', 'EUR')")
        for row in rows:
            connection.execute("INSERT INTO ledger.fiscal_period VALUES (%s, %s, %s, %s, 'open')", row)


def test_the_fiscal_calendar_goes_before_the_month_of_the_same_name(ledger: Ledger) -> None:
    with ledger.connect("admin") as connection:
        connection.execute(
            "UPDATE ledger.fiscal_period SET starts_on = '2026-10-26' WHERE period = '2026-11'"
        )
    with ledger.connect("auditor") as connection:
        assert find_period(connection, "2026-11") == Period("2026-11", date(2026, 10, 26), date(2026, 11, 30))
        assert find_period(connection, "2026-Q4") == Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31))
        assert find_period(connection, "1999-11") == Period("1999-11", date(1999, 11, 1), date(1999, 11, 30))


def test_any_name_of_a_fiscal_period_is_a_period(ledger: Ledger) -> None:
    fiscal(ledger, ("2000", "FY26 P13'; --", "2026-12-31", "2026-12-31"))
    with ledger.connect("auditor") as connection:
        found = find_period(connection, "FY26 P13'; --")
    assert (found.first_day, found.last_day) == (date(2026, 12, 31), date(2026, 12, 31))


def test_a_name_with_different_days_in_two_companies_has_to_be_said_in_days(ledger: Ledger) -> None:
    fiscal(
        ledger,
        ("2000", "2026-11", "2026-10-26", "2026-11-22"),
        ("2000", "2026-12", "2026-12-01", "2026-12-31"),
    )
    with ledger.connect("auditor") as connection:
        with pytest.raises(
            UnknownPeriodError, match=r"2026-10-26\.\.2026-11-22 in 2000; 2026-11-01\.\.2026-11-30 in 1000"
        ):
            find_period(connection, "2026-11")
        assert find_period(connection, "2026-12").first_day == date(2026, 12, 1)


@pytest.mark.parametrize("text", ["", "2026-13", "November", "2026-11-20..2026-11-01", "\x00"])
def test_what_is_no_period_is_refused_with_the_reason(ledger: Ledger, text: str) -> None:
    with ledger.connect("auditor") as connection, pytest.raises(UnknownPeriodError, match=r"\w"):
        find_period(connection, text)
