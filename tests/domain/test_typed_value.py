"""Printed values: what is read, and the reason why the rest is not."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.domain.typed_value import (
    Code,
    Day,
    Flag,
    Kind,
    Moment,
    Number,
    Text,
    UnreadableValueError,
    Whole,
    printed,
)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (Number(15, 4), "12.5", Decimal("12.5")),
        (Number(15, 4), " +012.50000000 ", Decimal("12.5")),
        (Number(15, 4), "-0.00", Decimal(0)),
        (Number(15, 4), ".5", Decimal("0.5")),
        (Number(15, 4), "5.", Decimal(5)),
        (Number(15, 4), "99999999999.9999", Decimal("99999999999.9999")),
        (Number(7, 4), "", None),
        (Number(7, 4), None, None),
        (Whole(0, 10), "10", 10),
        (Whole(-5, 10), "-5", -5),
        (Day(), "2026-02-28", date(2026, 2, 28)),
        (Day(), "2026-02-28Z", date(2026, 2, 28)),
        (Day(), "2026-02-28+02:00", date(2026, 2, 28)),
        (Moment(), "2026-02-28T01:30:00+02:00", datetime(2026, 2, 27, 23, 30, tzinfo=UTC)),
        (Moment(), "2026-02-28 01:30:00.123456Z", datetime(2026, 2, 28, 1, 30, 0, 123456, tzinfo=UTC)),
        (Moment(), "2026-02-28T01:30:00.5Z", datetime(2026, 2, 28, 1, 30, 0, 500000, tzinfo=UTC)),
        (Flag(), True, True),
        (Flag(), "false", False),
        (Text(), "  a b ", "a b"),
        (Text(), "   ", None),
        (Code(), "de 123 456", "DE123456"),
    ],
)
def test_read(kind: Kind, raw: object, value: object):
    assert kind.read(raw) == value


@pytest.mark.parametrize(
    ("kind", "raw", "reason"),
    [
        (Number(15, 4), "12,50", "not a decimal number"),
        (Number(15, 4), "1e400", "not a decimal number"),
        (Number(15, 4), "NaN", "not a decimal number"),
        (Number(15, 4), "Infinity", "not a decimal number"),
        (Number(15, 4), "1_000", "not a decimal number"),
        (Number(15, 4), "١٢", "not a decimal number"),
        (Number(15, 4), "--1", "not a decimal number"),
        (Number(15, 4), ".", "not a decimal number"),
        (Number(15, 4), "1\n2", "not a decimal number"),
        (Number(15, 4), "100000000000", "more than 11 digits"),
        (Number(15, 4), "0.00001", "more than 4 decimals"),
        (Number(15, 4), "9" * 100_000, "more than 11 digits"),
        (Number(15, 4), ["1"], "a list"),
        (Number(15, 4), True, "a bool"),
        (Whole(), "2147483648", "whole number"),
        (Whole(), "1.0", "whole number"),
        (Whole(), "9" * 5000, "whole number"),
        (Day(), "28.02.2026", "YYYY-MM-DD"),
        (Day(), "2026-02-30", "no day"),
        (Day(), "0000-01-01", "no day"),
        (Day(), "20260228", "YYYY-MM-DD"),
        (Moment(), "2026-02-28T01:30:00", "without its zone"),
        (Moment(), "0001-01-01T00:00:00+14:00", "no point in time"),
        (Moment(), "2026-02-28T25:00:00Z", "no point in time"),
        (Moment(), "yesterday", "not a point in time"),
        (Flag(), "yes", "neither true nor false"),
        (Flag(), 1, "a int"),
        (Text(5), "123456", "longer than 5"),
        (Text(), "a\x00b", "no character"),
        (Text(), "a\ud800b", "no character"),
    ],
)
def test_refused_with_a_reason(kind: Kind, raw: object, reason: str):
    with pytest.raises(UnreadableValueError, match=reason):
        kind.read(raw)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**11) + 1, max_value=10**11 - 1, places=4
    )
)
def test_every_number_that_fits_is_read_exactly(number: Decimal):
    assert Number(15, 4).read(f"{number:f}") == number


@given(st.text())
def test_any_text_is_read_or_refused_and_can_be_shown(text: str):
    for kind in (Number(15, 4), Whole(), Day(), Moment(), Flag(), Text(), Code()):
        with contextlib.suppress(UnreadableValueError):
            kind.read(text)
    shown = printed(text)
    assert shown is not None
    assert len(shown) <= 200
    shown.encode()
    assert "\x00" not in shown
