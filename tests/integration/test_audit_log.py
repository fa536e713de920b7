"""The audit log under parallel writers: no gap, no refused record."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from psycopg.types.json import Jsonb
from tests.books import Books

from backoffice.domain.canonical import canonical_bytes
from backoffice.domain.merkle import leaf_hash

pytestmark = pytest.mark.integration

CALL = {"method": "GET", "url": "erp:/orders", "status": "200", "sha256": "00", "size": "2", "at": "now"}


def test_parallel_tasks_of_one_run_write_without_losing_a_record(ledger):
    """Eight tasks record calls of the same run at once: every record is there, numbered without a gap."""
    with ledger.connect("app") as connection:
        run_id = Books(connection).open_run().run_id

    def record(_: int) -> None:
        for _ in range(10):
            with ledger.connect("app") as connection:
                connection.execute("SELECT audit.record_calls(%s, %s)", (run_id, Jsonb([CALL, CALL])))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(record, range(8)))
    with ledger.connect("auditor") as connection:
        numbers = connection.execute(
            "SELECT n FROM audit.record WHERE subject = %s ORDER BY n", (f"run:{run_id}",)
        ).fetchall()
    assert [n for (n,) in numbers] == list(range(1, 162))


@pytest.mark.parametrize(
    "record",
    [
        {"b": "2", "a": "1", "ä": "ß", "Z": "", "é": "\u2028"},
        {
            "quote": '"',
            "backslash": "\\",
            "tab": "\t",
            "control": "\x01\x1f",
            "newline": "\r\n",
            "slash": "/",
            "delete": "\x7f",
        },
        {"emoji": "\U0001f600", "null": None, "mixed": "a\bb\fc"},
    ],
)
def test_sql_and_python_write_the_same_canonical_bytes(ledger, record):
    """Keys by code point, no white space, only what must be escaped is: both sides give the same bytes."""
    pairs = ", ".join(["%s, audit.text(%s)"] * len(record))
    values = [part for key, value in record.items() for part in (key, value)]
    with ledger.connect("auditor") as connection:
        row = connection.execute(f"SELECT convert_to(audit.object({pairs}), 'UTF8')", values).fetchone()
    assert bytes(row[0]) == canonical_bytes(record)
    body = canonical_bytes(record)
    with ledger.connect("auditor") as connection:
        leaf = connection.execute("SELECT sha256('\\x00'::bytea || %s)", (body,)).fetchone()[0]
    assert bytes(leaf) == leaf_hash(body)


@pytest.mark.parametrize(
    "number", ["0", "-0", "1.10", "100", "0.000001", "-12.3400", "9007199254740993", "1e10"]
)
def test_sql_and_python_spell_numbers_alike(ledger, number):
    """Amounts are text without exponent and without trailing zeros on both sides."""
    with ledger.connect("auditor") as connection:
        row = connection.execute("SELECT audit.number(%s::numeric)", (Decimal(number),)).fetchone()
    assert row[0].encode() == canonical_bytes(Decimal(number))


def test_every_record_says_in_its_bytes_what_it_is_about_and_which_it_is(ledger):
    """Kind, subject and number are sealed with the rest, and the bytes stay canonical."""
    with ledger.connect("app") as connection:
        books = Books(connection).open_run()
        books.supplier()
        books.order('PO 1 "ä"', 1, 100, 10)
        books.receive('PO 1 "ä"', 1, 100, number='GR "1" \\ ä')
        books.invoice("R-1", [('PO 1 "ä"', 1, 10, 10)])
        books.night()
        connection.execute("SELECT audit.record_calls(%s, %s)", (books.run_id, Jsonb([CALL, CALL])))
        rows = connection.execute("SELECT subject, n, kind, body FROM audit.record").fetchall()
    assert {kind for _, _, kind, _ in rows} >= {"decision", "effect", "path", "policy", "api_call"}
    assert any('"' in subject for subject, *_ in rows)
    for subject, n, kind, body in rows:
        said = json.loads(bytes(body))
        assert said["_record"] == [kind, subject, str(n)]
        assert canonical_bytes(said) == bytes(body)
