"""An evidence pack of one thing, made in the API server: small ones only, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, cast

from psycopg.rows import dict_row, tuple_row

from backoffice.domain.wording import number
from backoffice.governance.evidence.pack import EvidencePack, NothingOnRecordError, pack_reference
from backoffice.governance.references import Reference, ReferenceProblem, UnknownReferenceError, resolve
from backoffice.settings import sql
from backoffice.web.auth import Person
from backoffice.web.database import Connection, LedgerPool, fetch_one
from backoffice.web.problems import FieldError, Problem

MOST_RECORDS = 2_000
MOST_BYTES = 20 * 2**20
_PATIENT = b"SET LOCAL statement_timeout = '20s'"

_one_at_a_time = Lock()


def make_pack(ledger: LedgerPool, person: Person, ref: str) -> EvidencePack:
    """Return the pack of an invoice, entry, payment, case or policy change that this person may see.

    Reads; the same bytes as ``backoffice evidence REF`` gives of the same state of the ledger.

    :raises Problem: 403 not all of it is this person's to see, 409 it does not prove itself, 413 too large
        for here, 422 the name means nothing or several things, 503 another pack is being made.
    """
    if not _one_at_a_time.acquire(timeout=2):
        raise Problem(503, "Another pack is being made; try again in a moment.", retry_after=5)
    try:
        with ledger.reading() as connection:
            connection.execute(_PATIENT)
            with _as_tuples(connection):
                reference = _resolve(connection, ref)
            _weigh(connection, person, reference)
            with _as_tuples(connection):
                return _packed(connection, ref)
    finally:
        _one_at_a_time.release()


def _resolve(connection: Connection, ref: str) -> Reference:
    try:
        return resolve(cast(Any, connection), ref)
    except UnknownReferenceError as problem:
        message = f"Nothing in the ledger is called {ref!r}."
        raise Problem(422, message, [FieldError("ref", message)]) from problem
    except ReferenceProblem as problem:
        raise Problem(422, str(problem), [FieldError("ref", str(problem))]) from problem


def _packed(connection: Connection, ref: str) -> EvidencePack:
    try:
        pack = pack_reference(cast(Any, connection), ref)
    except NothingOnRecordError as silent:
        message = f"There is nothing to prove: {silent}."
        raise Problem(422, message, [FieldError("ref", message)]) from silent
    if pack.outcome.broken:
        listed = "; ".join(pack.outcome.broken[:5])
        raise Problem(409, f"The ledger does not prove this; run `backoffice verify-audit`. {listed}")
    return pack


def _weigh(connection: Connection, person: Person, reference: Reference) -> None:
    """Refuse what is too large to be made while others wait for their pages, or not this person's to see."""
    found = fetch_one(
        connection,
        sql("evidence/weigh_reference"),
        {
            "subjects": list(reference.subjects),
            "invoices": list(reference.invoice_ids),
            "entries": list(reference.entry_ids),
            "cases": list(reference.case_ids),
            "person_id": person.person_id,
        },
    )
    weight = found or {"records": 0, "bytes": 0, "readable": False}
    if not weight["readable"]:
        raise Problem(403, f"You may not see all that {reference.exact} rests on.")
    if weight["records"] > MOST_RECORDS or weight["bytes"] > MOST_BYTES:
        raise Problem(
            413,
            f"A pack of {reference.exact} would hold {number(weight['records'])} records and "
            f"{number(weight['bytes'] // 2**20)} MiB of originals, more than is made here. "
            f"Use: backoffice evidence {reference.exact} -o pack.zip",
        )


@contextmanager
def _as_tuples(connection: Connection) -> Iterator[None]:
    """Let code that was written for the auditor's connection read on ours."""
    cast(Any, connection).row_factory = tuple_row
    try:
        yield
    finally:
        connection.row_factory = dict_row
