"""Journal, decisions and audit records stay as they were written, and balance, whoever writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from tests.integration.attacks.target import Target, expect_nothing_gained

pytestmark = pytest.mark.integration

APPEND_ONLY = (
    "audit.record",
    "ledger.journal_entry",
    "ledger.journal_line",
    "ledger.decision",
    "intake.document",
    "purchasing.master_version",
)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("who", ["owner", "superuser", "superuser as a replica"])
def test_what_is_written_stays(target: Target, victim: str, table: str, who: str) -> None:
    """Not even the owner or a superuser changes, deletes or truncates it, short of removing the protection itself."""
    with target.copies.connect(victim, "admin", autocommit=True) as connection:
        if who == "owner":
            connection.execute("SET ROLE backoffice_owner")
        if who == "superuser as a replica":
            connection.execute("SET session_replication_role = replica")
        column = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 1 LIMIT 1", (table,)
        ).fetchone()[0]
        for statement in (
            f'UPDATE {table} SET "{column}" = "{column}"',
            f"DELETE FROM {table}",
            f"DELETE FROM {table} WHERE false",
            f"TRUNCATE {table} CASCADE",
            f"TRUNCATE ONLY {table}",
        ):
            with pytest.raises(psycopg.Error) as refusal:
                connection.execute(statement)
            assert refusal.value.sqlstate in ("BO403", "0A000"), statement  # or other tables stand on it
        for statement in ("TRUNCATE purchasing.invoice CASCADE", "TRUNCATE ops.entity CASCADE"):
            with pytest.raises(psycopg.Error):
                connection.execute(statement)
    expect_nothing_gained(target, victim)


ENTRY = "INSERT INTO ledger.journal_entry (entity, business_key, event, posting_date, period) VALUES ('1000', 'forged', 'invoice', '2026-11-20', '2026-11') RETURNING entry_id"
LINE = "INSERT INTO ledger.journal_line (entry_id, line_no, account, debit, credit, currency, ledger_debit, ledger_credit, purpose) VALUES "


def entry(*lines: str) -> Callable[[psycopg.Connection[Any]], None]:
    """Return an attempt to write an entry; ``%(entry)s`` stands for its id, each element is one statement."""

    def write(connection: psycopg.Connection[Any]) -> None:
        entry_id = connection.execute(ENTRY).fetchone()[0]
        for line in lines:
            connection.execute(LINE + line, {"entry": entry_id})

    return write


def more_lines(connection: psycopg.Connection[Any]) -> None:
    """Add a balanced pair to an entry that is booked."""
    connection.execute(
        LINE
        + "((SELECT max(entry_id) FROM ledger.journal_entry), 901, '1400', 1, 0, 'EUR', 1, 0, 'x'), ((SELECT max(entry_id) FROM ledger.journal_entry), 902, '1600', 0, 1, 'EUR', 0, 1, 'x')"
    )


@pytest.mark.parametrize(
    ("what", "attempt", "state"),
    [
        ("debit without credit", entry("(%(entry)s, 1, '1400', 10, 0, 'EUR', 10, 0, 'x')"), "BO500"),
        ("a cent too much", entry("(%(entry)s, 1, '1400', 10.01, 0, 'EUR', 10.01, 0, 'x'), (%(entry)s, 2, '1600', 0, 10, 'EUR', 0, 10, 'x')"), "BO500"),
        ("balanced in the ledger currency alone", entry("(%(entry)s, 1, '1400', 10, 0, 'EUR', 10, 0, 'x'), (%(entry)s, 2, '1600', 0, 11, 'EUR', 0, 10, 'x')"), "BO500"),
        ("balanced over two currencies", entry("(%(entry)s, 1, '1400', 10, 0, 'EUR', 10, 0, 'x'), (%(entry)s, 2, '1600', 0, 10, 'USD', 0, 10, 'x')"), "BO500"),
        ("completed later", entry("(%(entry)s, 1, '1400', 10, 0, 'EUR', 10, 0, 'x')", "(%(entry)s, 2, '1600', 0, 10, 'EUR', 0, 10, 'x')"), "BO500"),
        ("no lines at all", entry(), "BO500"),
        ("negative amounts", entry("(%(entry)s, 1, '1400', -10, 0, 'EUR', 10, 0, 'x'), (%(entry)s, 2, '1600', 0, -10, 'EUR', 0, 10, 'x')"), "23514"),
        ("both sides of one line", entry("(%(entry)s, 1, '1400', 10, 10, 'EUR', 10, 10, 'x')"), "23514"),
        ("lines for a booked entry", more_lines, "BO403"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("who", ["owner", "superuser as a replica"])
def test_an_entry_that_does_not_balance_is_refused(
    target: Target,
    victim: str,
    who: str,
    what: str,
    attempt: Callable[[psycopg.Connection[Any]], None],
    state: str,
) -> None:
    with target.copies.connect(victim, "admin") as connection:
        connection.execute(
            "SET ROLE backoffice_owner" if who == "owner" else "SET session_replication_role = replica"
        )
        with pytest.raises(psycopg.Error) as refusal:
            attempt(connection)
            connection.commit()
        assert refusal.value.sqlstate == state, what
    expect_nothing_gained(target, victim)


def test_amounts_of_the_journal_come_from_no_caller(target: Target) -> None:
    """No function that tasks or pages may call takes an amount, an account or a hash to be booked."""
    with target.copies.connect(target.template, "auditor") as connection:
        signatures = dict(connection.execute(
            "SELECT p.proname, pg_get_function_identity_arguments(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
            "WHERE n.nspname IN ('ledger', 'review') AND p.proname IN ('post_entries', 'match_invoices', 'open_cases', 'book_answers', 'record_machine_decisions', 'decide_case')"
        ).fetchall())  # fmt: skip
    assert len(signatures) == 6
    for name, arguments in signatures.items():
        assert "numeric" not in arguments, name
        assert "bytea" not in arguments or name == "decide_case", name
