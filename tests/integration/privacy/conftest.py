"""A ledger in which a clerk has decided, and the two people who look after personal data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.answering import decide, sealed
from tests.conftest import Ledger
from tests.sealing import seal
from tests.web.books import Books, write_books

from backoffice.domain.merkle import leaf_hash, tree_root

# words that stand nowhere else in the ledger
REASON = "Zwetschgenkuchen mit Frau Lindenbaum besprochen"
MESSAGE = "Bitte nochmals, gez. Quittenbrot"
AFTER_RETENTION = date(2037, 1, 4)


class Office:
    """People at work on one ledger, each act in its own transaction.

    :param folder: Where the sealer's key and anchors are.
    """

    def __init__(self, ledger: Ledger, books: Books, folder: Path) -> None:
        self.ledger, self.books, self.folder = ledger, books, folder

    @contextmanager
    def web(self) -> Iterator[psycopg.Connection[Any]]:
        """The review pages' connection, one transaction."""
        with self.ledger.connect("web") as connection:
            yield connection

    def admin(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Look or change as a superuser."""
        with self.ledger.connect("admin") as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, *values: object) -> Any:
        """Return the one value of a statement."""
        ((value,),) = self.admin(statement, *values)
        return value

    def day(self, day: date) -> None:
        """Set the business day."""
        self.admin("UPDATE ops.simulated_clock SET business_date = %s", day)

    def leave(self, person: str = "p-clerk") -> None:
        """A person leaves the company."""
        self.admin("UPDATE review.person SET active = false WHERE person_id = %s", person)

    def seal(self) -> None:
        """Seal what waits."""
        seal(self.ledger, self.folder)

    def answer(self, case_id: int, user: str, action: str, reason: str, code: str) -> None:
        """Answer a case."""
        ((key, role, evidence),) = self.admin(
            "SELECT subject_key, role, evidence_hash FROM review.case WHERE case_id = %s", case_id
        )
        case = {"case_id": case_id, "subject_key": key, "role": role, "evidence_hash": evidence}
        with self.web() as web:
            decide(web, case, user, action, reason=reason, code=code)

    def hold(
        self, user: str = "admin", scope_kind: str = "everything", scope: str | None = None, **changed: Any
    ) -> int:
        """Place a legal hold."""
        given = {"user": user, "kind": scope_kind, "scope": scope, "reason": "litigation 7/26", "key": f"hold/{scope_kind}/{scope}", **changed}  # fmt: skip
        with self.web() as web:
            given.setdefault("sealed", sealed(web, "airflow", user, given["reason"]))
            row = web.execute(
                "SELECT review.place_hold('airflow', %(user)s, %(kind)s, %(scope)s, %(reason)s, %(key)s, %(sealed)s)",
                given,
            ).fetchone()
            assert row is not None
            return row[0]["hold_id"]

    def ask(self, user: str, act: str, **target: Any) -> int:
        """The first person asks."""
        given = {"user": user, "act": act, "person": None, "basis": None, "hold": None, "class": None, "before": None,
                 "reason": "asked in writing", "key": f"{user}/{act}/{target.get('person')}/{target.get('hold')}/{target.get('class')}", **target}  # fmt: skip
        with self.web() as web:
            given.setdefault("sealed", sealed(web, "airflow", user, given["reason"]))
            row = web.execute(
                "SELECT review.request_privacy_act('airflow', %(user)s, %(act)s, %(person)s, %(basis)s, %(hold)s, %(class)s, %(before)s, %(reason)s, %(key)s, %(sealed)s)",
                given,
            ).fetchone()
            assert row is not None
            return row[0]["request_id"]

    def reply(self, user: str, request: int, answer: str = "approve", **changed: Any) -> dict[str, Any]:
        """The second person answers."""
        given = {"user": user, "request": request, "answer": answer, "reason": "checked", "key": f"{user}/{request}/{answer}", **changed}  # fmt: skip
        with self.web() as web:
            given.setdefault("sealed", sealed(web, "airflow", user, given["reason"]))
            row = web.execute(
                "SELECT review.answer_privacy_request('airflow', %(user)s, %(request)s, %(answer)s, %(reason)s, %(key)s, %(sealed)s)",
                given,
            ).fetchone()
            assert row is not None
            return row[0]

    def erase(self, person: str = "p-clerk", basis: str = "no_longer_needed") -> dict[str, Any]:
        """Two persons erase a third."""
        return self.reply("admin", self.ask("manager", "erase_person", person=person, basis=basis))

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Return the bodies of a kind, in order; a purged one is missing."""
        found = self.admin(
            "SELECT body FROM audit.record WHERE kind = %s AND body IS NOT NULL ORDER BY record_id", kind
        )
        return [json.loads(body) for (body,) in found]

    def proven(self) -> int:
        """Rebuild the tree from what is stored and compare every signed root; return how many bodies were there to hash."""
        rows = self.admin(
            "SELECT r.leaf, r.body FROM audit.leaf l JOIN audit.record r USING (record_id) ORDER BY l.leaf_index"
        )
        assert all(body is None or leaf_hash(body) == leaf for leaf, body in rows)
        leaves = [leaf for leaf, _ in rows]
        seals = self.admin("SELECT size, root FROM audit.seal ORDER BY seal_no")
        assert seals
        for size, root in seals:
            assert tree_root(leaves[:size]) == root
        return sum(body is not None for _, body in rows)


def refused(state: str, attempt: Any, *arguments: Any, **more: Any) -> str:
    """Expect a refusal of the ledger and return what it says."""
    with pytest.raises(psycopg.Error) as refusal:
        attempt(*arguments, **more)
    assert refusal.value.sqlstate == state, refusal.value
    return str(refusal.value.diag.message_primary)


@pytest.fixture
def office(ledger: Ledger, tmp_path: Path) -> Office:
    """A clerk released a duplicate, and asked a supplier for another document; the message is sent, the log sealed."""
    with ledger.connect("admin") as connection:
        books = write_books(connection)
    made = Office(ledger, books, tmp_path)
    made.answer(books.duplicate, "clerk", "reject", REASON, "duplicate")
    made.answer(books.quarantined, "clerk", "ask_again", MESSAGE, "unreadable")
    with ledger.connect("app") as app:
        app.execute("SELECT review.book_answers(%s, 'invoice_reconciliation')", (books.run_id,))
        for (outbox_id,) in app.execute("SELECT outbox_id FROM ops.take_unsent(9)").fetchall():
            app.execute("SELECT ops.mark_sent(%s, '{}')", (outbox_id,))
    made.seal()
    return made
