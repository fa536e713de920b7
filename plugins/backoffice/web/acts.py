"""What every act of a person through the pages has in common: their words go into the log encrypted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from backoffice.domain.canonical import canonical_bytes
from backoffice.domain.personal_data import encrypt
from backoffice.settings import sql
from backoffice.web.auth import SYSTEM, Person
from backoffice.web.database import Connection, LedgerPool, fetch_one
from backoffice.web.problems import Problem, problem_of_database

# What goes through the whole log may take longer than any page.
PATIENT = b"SET LOCAL statement_timeout = '10min'"


def act(
    ledger: LedgerPool,
    person: Person,
    statement: str,
    reason: str,
    *,
    patient: bool = False,
    **values: object,
) -> dict[str, Any]:
    """Carry out one act of a person in one transaction and return the ledger's answer.

    The ledger decides who may and records it; this encrypts and passes on. Without a key nothing is recorded.

    :param statement: One with one column ``answer``; it gets the person's log-in, ``reason``,
        ``sealed`` and ``values``.
    :param patient: It may take minutes.
    :raises Problem: What the ledger refuses, with its reason.
    """

    def carry_out(connection: Connection) -> dict[str, Any]:
        if patient:
            connection.execute(PATIENT)
        given = {
            **values,
            "system": SYSTEM,
            "user_id": person.user_id,
            "reason": reason,
            "sealed": seal_act(connection, person.user_id, reason),
        }
        row = fetch_one(connection, statement, given)
        return dict(row["answer"]) if row else {}

    return in_one_transaction(ledger, carry_out)


def in_one_transaction(ledger: LedgerPool, work: Callable[[Connection], dict[str, Any]]) -> dict[str, Any]:
    """Do something that writes; a refusal by the ledger's own functions becomes a problem.

    :raises Problem: The ledger refuses.
    """
    with refusals(), ledger.writing() as connection:
        return work(connection)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the ledger's own functions refuse into a problem.

    :raises Problem: The ledger refuses.
    """
    try:
        yield
    except psycopg.Error as error:
        problem = problem_of_database(error)
        if problem is None:
            raise
        raise problem from error


def seal_act(connection: Connection, user_id: str, reason: str | None) -> str:
    """Return log-in and reason as they enter the log: encrypted under the person's key.

    The key is held until the transaction ends, so that nobody is erased between this and the act.

    :raises Problem: There is no key: then there is no act.
    """
    row = fetch_one(connection, sql("review/writing_key"), {"system": SYSTEM, "user_id": user_id})
    if row is None or row["key"] is None:
        raise Problem(409, "There is no key for what you say here; nothing was recorded.")
    said = canonical_bytes({"principal": f"{SYSTEM}:{user_id}", "reason": reason}).decode()
    return encrypt(row["key"], row["subject"], said)
