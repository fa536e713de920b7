"""The life of a case as pages and API read it, and the acts of people on it. The ledger decides who may."""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from backoffice.settings import sql
from backoffice.web.acts import act
from backoffice.web.auth import SYSTEM, Person
from backoffice.web.database import Connection, LedgerPool, fetch_all, fetch_one
from backoffice.web.documents import content_disposition, safe_filename
from backoffice.web.problems import Problem

LAST_ID = 2**63 - 1
_ACTS = ("claim", "release", "reassign", "ask", "inform", "comment", "attach", "take_out")


def read_life(connection: Connection, person: Person, case_id: int) -> dict[str, Any]:
    """Return where a case stands and what was done with it.

    :raises Problem: 404, there is no such case, or not for this person.
    """
    values = {"case_id": case_id, "person_id": person.person_id}
    life = fetch_one(connection, sql("review/read_case_life"), values) if case_id <= LAST_ID else None
    if life is None:
        raise Problem(404, f"There is no case {case_id} that you may see.")
    acts = fetch_all(connection, sql("review/list_case_acts"), values)
    return {
        **life,
        "acts": acts,
        "steps": fetch_all(connection, sql("review/list_case_steps"), values),
        "attachments": [
            {**row, "filename": safe_filename(row["filename"], f"attachment-{row['act_id']}")}
            for row in fetch_all(connection, sql("review/list_attachments"), values)
        ],
    }


def list_questions(connection: Connection, person: Person) -> list[dict[str, Any]]:
    """Return the questions that wait for this person's answer."""
    return fetch_all(connection, sql("review/list_questions"), {"person_id": person.person_id})


def list_colleagues(connection: Connection, person: Person, case_id: int) -> list[dict[str, Any]]:
    """Return whom a case may be handed to: who holds its role, but not the one who looks."""
    values = {"case_id": case_id, "person_id": person.person_id}
    return fetch_all(connection, sql("review/list_colleagues"), values)


def list_persons(connection: Connection, person: Person) -> list[dict[str, Any]]:
    """Return whom a question can be put to."""
    values = {"person_id": person.person_id, "system": SYSTEM}
    return fetch_all(connection, sql("review/list_persons"), values)


def carry_out(
    ledger: LedgerPool,
    person: Person,
    name: str,
    case_id: int,
    idempotency_key: str,
    words: str = "",
    **values: object,
) -> dict[str, Any]:
    """Carry out one act on a case and return where it stands then.

    :param name: Which act.
    :param words: What the person says; it enters the log encrypted.
    :raises Problem: What the ledger refuses: 403, 404, 409 with who has the case, 422 with the field.
    """
    assert name in _ACTS  # noqa: S101 - a statement of ours by that name
    given = {"case_id": case_id, "idempotency_key": idempotency_key, **values}
    return act(ledger, person, sql(f"review/{name}_case"), words, patient=False, **given)


def download_attachment(ledger: LedgerPool, person: Person, case_id: int, act_id: int) -> Response:
    """Return a file exactly as it was attached: saved, never shown, under a name that does no harm.

    :raises Problem: 404, the case has no such file, or not for this person; 409, its bytes are not those that
        were attached.
    """
    with ledger.reading() as connection:
        row = fetch_one(
            connection,
            sql("review/read_attachment"),
            {"case_id": case_id, "act_id": act_id, "person_id": person.person_id},
        )
    if row is None:
        raise Problem(404, f"Case {case_id} has no file {act_id}.")
    if not row["whole"]:
        raise Problem(
            409, f"File {act_id} is not what was attached: its hash is another one. It is not given out."
        )
    return Response(
        bytes(row["content"]),
        media_type=row["media_type"],
        headers={
            "Content-Disposition": content_disposition(
                safe_filename(row["filename"], f"attachment-{act_id}")
            ),
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )


__all__ = [
    "carry_out",
    "download_attachment",
    "list_colleagues",
    "list_persons",
    "list_questions",
    "read_life",
]
