"""People at work on the cases of a small company: each act in a transaction of its own, as the review pages make it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.answering import decide, sealed
from tests.conftest import Ledger
from tests.web.books import Books

_number = itertools.count(1)
CALLS = {
    "claim": "SELECT review.claim_case(%(case)s, 'airflow', %(user)s, %(key)s, %(sealed)s)",
    "release": "SELECT review.release_case(%(case)s, 'airflow', %(user)s, %(words)s, %(key)s, %(sealed)s)",
    "reassign": "SELECT review.reassign_case(%(case)s, 'airflow', %(user)s, %(to)s, %(words)s, %(key)s, %(sealed)s)",
    "ask": "SELECT review.ask_information(%(case)s, 'airflow', %(user)s, %(to)s, %(words)s, %(key)s, %(sealed)s)",
    "inform": "SELECT review.give_information(%(case)s, 'airflow', %(user)s, %(words)s, %(key)s, %(sealed)s)",
    "comment": "SELECT review.comment_case(%(case)s, 'airflow', %(user)s, %(words)s, %(key)s, %(sealed)s)",
    "attach": "SELECT review.attach_file(%(case)s, 'airflow', %(user)s, %(words)s, %(content)s, %(key)s, %(sealed)s)",
}


class Desk:
    """One ledger with open cases, the people who work on them, and a clock that can be set ahead."""

    def __init__(self, ledger: Ledger, books: Books) -> None:
        self.ledger, self.books = ledger, books

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

    def act(self, act: str, case_id: int, user: str, words: str = "", **changed: Any) -> dict[str, Any]:
        """Do something with a case and return what the ledger answers."""
        given = {"case": case_id, "user": user, "words": words, "key": f"key-{next(_number)}", **changed}
        with self.web() as web:
            given.setdefault("sealed", sealed(web, "airflow", user, words))
            row = web.execute(CALLS[act], given).fetchone()
            assert row is not None
            return row[0]

    def refused(self, state: str, act: str, case_id: int, user: str, words: str = "", **changed: Any) -> str:
        """Expect a refusal, and that it left nothing."""
        before = self.traces()
        with pytest.raises(psycopg.Error) as refusal:
            self.act(act, case_id, user, words, **changed)
        assert refusal.value.sqlstate == state, refusal.value
        assert self.traces() == before
        return str(refusal.value.diag.message_primary)

    def decide(self, case_id: int, user: str, action: str = "accept", **changed: Any) -> dict[str, Any]:
        """Answer a case."""
        ((key, role, evidence),) = self.admin(
            "SELECT subject_key, role, evidence_hash FROM review.case WHERE case_id = %s", case_id
        )
        case = {"case_id": case_id, "subject_key": key, "role": role, "evidence_hash": evidence}
        with self.web() as web:
            return decide(web, case, user, action, **changed)

    def traces(self) -> tuple[Any, ...]:
        """Count what an act leaves."""
        return self.admin(
            "SELECT (SELECT count(*) FROM review.case_act), (SELECT count(*) FROM review.attachment), (SELECT count(*) FROM review.case_step), "
            "(SELECT count(*) FROM audit.record), (SELECT count(*) FROM ops.outbox)"
        )[0]

    def status(self, case_id: int) -> str:
        """Where the case stands, in one word."""
        return str(self.one("SELECT status FROM review.case_status WHERE case_id = %s", case_id))

    def case(self, case_id: int, *columns: str) -> tuple[Any, ...]:
        """Return columns of a case."""
        return self.admin(f"SELECT {', '.join(columns)} FROM review.case WHERE case_id = %s", case_id)[0]

    def records(self, case_id: int) -> list[dict[str, Any]]:
        """Return the bodies of the records about a case, in order."""
        return [
            json.loads(bytes(body))
            for (body,) in self.admin(
                "SELECT body FROM audit.record WHERE subject = %s ORDER BY n", f"case:{case_id}"
            )
        ]

    def later(self, hours: float) -> None:
        """Let time pass on the clock of cases."""
        self.admin("UPDATE ops.simulated_clock SET ahead = ahead + %s", timedelta(hours=hours))

    def keep(self) -> dict[str, int]:
        """Let the housekeeping do what is due with cases."""
        with self.ledger.connect("app") as app:
            row = app.execute(
                "SELECT expired, resumed, reminded, escalated FROM review.keep_cases(NULL, 'invoice_reconciliation')"
            ).fetchone()
        assert row is not None
        return dict(zip(("expired", "resumed", "reminded", "escalated"), row, strict=True))
