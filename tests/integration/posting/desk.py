"""Nights by hand, with people and with the owner of the database: what the tests of this folder work with."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
from tests.answering import decide, open_cases
from tests.books import Books
from tests.integration.reruns.works import Office

GR_IR = "Goods received / invoices received (GR/IR)"


class Desk(Office):
    """An office whose tables the test may change.

    :param admin: A superuser's connection that commits each statement.
    """

    def __init__(self, books: Books, web: psycopg.Connection[Any], admin: psycopg.Connection[Any]) -> None:
        super().__init__(books, web)
        self.admin = admin

    def order(self, line: int = 1, price: Any = 10, **values: Any) -> None:
        """A line of 100 pieces on order PO-1."""
        self.books.order("PO-1", line, 100, price, **values)

    def says(self, role: str, action: str) -> None:
        """Let the first who may answer the open case of a role."""
        case = next(case for case in open_cases(self.web) if case["role"] == role)
        user = {"ap_clerk": "clerk", "ap_manager": "manager"}.get(role, "buyer")
        decide(self.web, case, user, action, key=f"{case['case_id']}/{role}/{action}")

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query on what is committed."""
        return self.admin.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        """Return the first value of a query on what is committed."""
        row = self.admin.execute(query, values).fetchone()
        return row[0] if row else None

    def balance(self, account: str) -> Decimal:
        """Return the balance of an account, by name."""
        return self.one(
            "SELECT coalesce(sum(l.debit - l.credit), 0) FROM ledger.journal_line l JOIN ledger.account a USING (account) WHERE a.name = %s",
            account,
        )

    def report(self) -> dict[str, Any]:
        """Return the report of the run as it would be written now."""
        return self.one("SELECT ops.build_report(%s)", self.books.run_id)

    def effects(self) -> list[str]:
        """Return what the audit trail says was done, journal entries left out."""
        return [
            row[0]
            for row in self.rows(
                "SELECT convert_from(body, 'UTF8')::jsonb ->> 'effect' AS effect FROM audit.record WHERE kind = 'effect' ORDER BY record_id"
            )
            if row[0] != "journal entry"
        ]
