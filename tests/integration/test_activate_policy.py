"""What a policy is called and how far it goes is what its text says."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest
from tests.changing import INSTALLED, NEXT, version

pytestmark = pytest.mark.integration

TEXT = version(NEXT)
LIMIT = "machine_limit: 100000.00 EUR\n"
FROM = "effective_from: 2026-01-01\n"
ACTIVE = "SELECT policy_id, version, machine_limit, currency FROM ledger.active_policy WHERE policy_id = 'approve_invoice'"


@pytest.fixture
def admin(ledger):
    with ledger.connect("admin", autocommit=True) as connection:
        yield connection


def test_limit_and_version_are_those_of_the_text(admin) -> None:
    admin.execute(
        "SELECT ledger.activate_policy(%s, 'me')", (TEXT.replace(LIMIT, "machine_limit: 500.5 CHF\r\n"),)
    )
    assert admin.execute(ACTIVE).fetchall() == [("approve_invoice", NEXT, Decimal("500.50"), "CHF")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (LIMIT, ""),
        (LIMIT, LIMIT * 2),
        (LIMIT, "machine_limit: 1e9 EUR\n"),
        (LIMIT, "machine_limit: 100000.00 EUR # or more\n"),
        (LIMIT, "machine_limit: 100000.00\n"),
        (f"version: {NEXT}\n", "version: four\n"),
        ("policy: approve_invoice\n", "policy: Approve Invoice\n"),
    ],
)
def test_a_text_that_does_not_say_it_plainly_is_refused(admin, old: str, new: str) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        admin.execute("SELECT ledger.activate_policy(%s, 'me')", (TEXT.replace(old, new),))
    assert refusal.value.sqlstate == "BO422"
    assert admin.execute(ACTIVE).fetchall() == [("approve_invoice", INSTALLED, Decimal("100000.00"), "EUR")]


def test_on_the_owners_way_too_the_days_are_those_of_the_text(admin) -> None:
    later, ended = TEXT.replace(FROM, "effective_from: 2030-01-01\n"), TEXT.replace(FROM, f"{FROM}effective_to: 2026-01-31\n")  # fmt: skip
    for text, asked in ((later, "2029-12-31"), (ended, None)):
        with pytest.raises(psycopg.Error) as refusal:
            admin.execute("SELECT ledger.activate_policy(%s, 'me', NULL, %s)", (text, asked))
        assert refusal.value.sqlstate == "BO422"
    admin.execute("SELECT ledger.activate_policy(%s, 'me')", (later,))
    assert admin.execute(ACTIVE).fetchall() == [("approve_invoice", INSTALLED, Decimal("100000.00"), "EUR")]
    days = "SELECT effective_from::text, effective_to::text FROM ledger.policy_version WHERE version = %s"
    assert admin.execute(days, (NEXT,)).fetchone() == ("2030-01-01", None)
