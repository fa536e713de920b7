"""How values are written for people."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from backoffice.domain.wording import (
    age,
    amount,
    day,
    moment,
    number,
    plain,
    price,
    quantity,
    read_decimal,
    result_of_step,
    role,
    step,
    unit_with_code,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("90.0000", "90"),
        ("2.50", "2.5"),
        (Decimal("1234567.100"), "1,234,567.1"),
        (0, "0"),
        ("1E+3", "1,000"),
        (None, "not known"),
        ("", "not known"),
        ("PO-7", "PO-7"),
        ("NaN", "NaN"),
    ],
)
def test_quantities_lose_idle_zeros_and_nothing_else(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("1234.5", "EUR", "1,234.50 EUR"),
        ("-0.005", "EUR", "-0.005 EUR"),
        ("119.0000", None, "119.00"),
        ("1E+2", "JPY", "100.00 JPY"),
        (None, "EUR", "not known"),
        ("many", "EUR", "many"),
    ],
)
def test_amounts_have_two_decimals_or_more_and_lose_none(value, currency, text):
    assert amount(value, currency) == text


def test_days_and_moments_are_written_in_utc():
    late = datetime.fromisoformat("2026-11-22T00:30:00+02:00")
    assert moment(late) == "2026-11-21 22:30 UTC"
    assert moment("2026-11-22T03:10:59Z") == "2026-11-22 03:10 UTC"
    assert moment("yesterday") == "yesterday"
    assert moment(None) == day("") == "not known"
    assert day(late) == "2026-11-21"
    assert day(date(2026, 11, 22)) == "2026-11-22"


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=23, minutes=59), "23 hours"),
        (timedelta(days=2, hours=23), "2 days"),
        (timedelta(seconds=-30), "just now"),
    ],
)
def test_ages_are_told_in_the_largest_whole_unit(ago, text):
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert age(now - ago, now) == text


def test_codes_and_roles_are_told_in_words():
    assert plain("not_a_duplicate") == "Not a duplicate"
    assert role("ap_clerk") == "Accounts payable"
    assert role("plant_manager") == "Plant manager"


@pytest.mark.parametrize("value", [None, "", "x", "Infinity", "NaN", True])
def test_what_is_no_finite_number_is_no_number(value):
    assert read_decimal(value) is None


@pytest.mark.parametrize(
    ("value", "uom", "text"),
    [
        ("3500.0000", "EA", "3,500 pcs"),
        ("1", "C62", "1 pc"),
        ("1", "XBX", "1 box"),
        ("2.5", "KGM", "2.5 kg"),
        ("7", "ZZ9", "7 ZZ9"),
        ("7", None, "7"),
        (None, "EA", "not known"),
    ],
)
def test_a_quantity_is_written_with_its_unit_in_words(value, uom, text):
    assert quantity(value, uom) == text


@pytest.mark.parametrize(
    ("value", "currency", "per", "text"),
    [
        ("20.7", "EUR", "1", "20.70 EUR"),
        ("13.733333333333333333333", None, None, "13.733333"),
        ("61.232374", "EUR", "1000", "61.232374 EUR per 1,000"),
        (None, "EUR", None, "not known"),
    ],
)
def test_a_price_has_at_least_two_and_at_most_six_decimals(value, currency, per, text):
    assert price(value, currency, per) == text


def test_a_date_has_no_hour_of_its_own():
    assert moment("2026-10-11") == "2026-10-11"


def test_steps_and_what_they_came_to_are_told_in_words():
    assert step("matched") == "Compared by machine"
    assert step("weighed") == "Weighed"
    assert result_of_step("received", "from sap_orders") == "From sap orders."
    assert (
        result_of_step("decided", "review, rule receipt_overdue")
        == "A person has to look (rule of the policy: receipt overdue)."
    )
    assert result_of_step("matched", "waiting_receipt") == "Waits for the receipt."
    assert result_of_step("weighed", "heavy") == "heavy"


def test_where_codes_differ_the_code_stands_behind_its_word():
    assert unit_with_code("EA") == "pcs (EA)"
    assert unit_with_code("ZZ9") == "ZZ9"
