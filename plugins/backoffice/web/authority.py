"""Who may do what, as the pages and the API read it, and how two people change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb
from pydantic import ValidationError

from backoffice.settings import sql
from backoffice.web import acts, field_words
from backoffice.web.auth import Person
from backoffice.web.authority_models import NEEDED, ROWS, Answer, ChangeRequest
from backoffice.web.database import Connection, LedgerPool, fetch_all, fetch_one
from backoffice.web.problems import FieldError, Problem

MOST_CHANGES = 100
_WRONG = "Some fields are missing or not in the expected form."
_ACTS: tuple[Answer, ...] = ("approve", "refuse", "withdraw")


def rights(connection: Connection, person: Person) -> dict[str, Any]:
    """Return whether a person administers access and whether they see what everybody may do."""
    found = fetch_one(connection, sql("authority/read_rights"), {"person_id": person.person_id})
    return {"administers": False, "sees_all": False} if found is None else found


def read_matrix(connection: Connection, person: Person) -> dict[str, Any]:
    """Return people, authority, substitutes, quorum rules and duties, as far as this person may see them."""
    own = rights(connection, person)
    asked = {"person_id": person.person_id, "sees_all": own["sees_all"]}
    return {
        "administers": own["administers"],
        "people": fetch_all(connection, sql("authority/list_people"), asked),
        "authority": fetch_all(connection, sql("authority/list_authority"), asked),
        "substitutes": fetch_all(connection, sql("authority/list_substitutes"), asked),
        "quorum_rules": fetch_all(connection, sql("authority/list_quorum_rules"), {}),
        "duty_rules": fetch_all(connection, sql("authority/list_duty_rules"), {}),
        "batch_rules": fetch_all(connection, sql("authority/list_batch_rules"), {}),
    }


def list_changes(
    connection: Connection, person: Person, *, state: str | None = None, change_id: int | None = None
) -> list[dict[str, Any]]:
    """Return the changes this person may see, with what they may do about each."""
    asked = {
        "person_id": person.person_id,
        "sees_all": rights(connection, person)["sees_all"],
        "state": state,
        "change_id": change_id,
        "most": MOST_CHANGES,
    }
    return [_shown(row) for row in fetch_all(connection, sql("authority/list_changes"), asked)]


def read_change(connection: Connection, person: Person, change_id: int) -> dict[str, Any]:
    """Return one change.

    :raises Problem: 404, there is none, or not for this person.
    """
    found = list_changes(connection, person, change_id=change_id)
    if not found:
        raise Problem(404, f"There is no change {change_id} that you may see.")
    return found[0]


def propose(ledger: LedgerPool, person: Person, given: ChangeRequest, key: str) -> dict[str, Any]:
    """Propose a change; one's own absence or substitute is made at once.

    :raises Problem: 422, a column is missing or wrong; and what the ledger refuses.
    """
    told = acts.act(
        ledger,
        person,
        sql("authority/propose_change"),
        reason=given.reason,
        kind=given.kind,
        act=given.act,
        row=Jsonb(_typed_row(given)),
        idempotency_key=key,
    )
    return {**told, "next": _what_happens_next(told)}


def _typed_row(given: ChangeRequest) -> dict[str, Any]:
    try:
        row = ROWS[given.kind].model_validate(given.row)
    except ValidationError as error:
        errors = [
            FieldError(".".join(("row", *(str(part) for part in item["loc"]))), field_words.told(item))
            for item in error.errors()
        ]
        raise Problem(422, _WRONG, errors) from error
    needed = () if given.act == "remove" else NEEDED[given.kind]
    errors = [
        FieldError(f"row.{name}", field_words.missing(name)) for name in needed if getattr(row, name) is None
    ]
    if errors:
        raise Problem(422, _WRONG, errors)
    return row.model_dump(mode="json", exclude_none=True)


def answer(
    ledger: LedgerPool, person: Person, change_id: int, which: Answer, given: Mapping[str, Any], key: str
) -> dict[str, Any]:
    """Approve a change, which makes it, refuse it, or withdraw one's own.

    :raises Problem: What the ledger refuses.
    """
    values = {"shown_sha256": None, **given, "change_id": change_id, "act": which, "idempotency_key": key}
    told = acts.act(ledger, person, sql("authority/answer_change"), **values)
    return {**told, "next": _what_happens_next(told)}


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    why_not = row["why_not"]
    return {
        **{name: value for name, value in row.items() if name not in ("before", "after", "why_not")},
        "fields": _fields(row),
        "offered": [
            {"act": act, "allowed": why_not[act] is None, "why_not": _sentence(why_not[act])} for act in _ACTS
        ],
    }


def _fields(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the columns that differ; names and log-ins are kept apart and stand as they shall be."""
    before, after = row["before"] or {}, row["after"] or {}
    listed = [
        {"field": name, "before": before.get(name), "after": after.get(name)}
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]
    personal = [
        {"field": name, "before": None, "after": row[name]}
        for name in ("name", "email", "user_id")
        if row[name] is not None
    ]
    return personal + listed


def _what_happens_next(told: Mapping[str, Any]) -> str:
    if told["alone"]:
        return "It counts from its first day on; nobody has to approve it."
    return {
        "proposed": f"Nothing changes yet; another administrator has to approve change {told['change_id']}.",
        "approved": "It counts from now on.",
    }.get(told["state"], "Nothing changes.")


def _sentence(reason: str | None) -> str | None:
    return None if reason is None else f"{reason[0].upper()}{reason[1:]}."
