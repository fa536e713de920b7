"""Cases as the pages and the API read them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from backoffice.domain.wording import amount, plain, role
from backoffice.settings import sql
from backoffice.web.auth import Person
from backoffice.web.case_view import HoldView, view_hold
from backoffice.web.database import Connection, fetch_all, fetch_one
from backoffice.web.models import StateFilter
from backoffice.web.problems import FieldError, Problem

MOST_PER_PAGE = 200
STATES: Mapping[str, list[str]] = {
    "open": ["open", "half_decided"],
    "all": ["open", "half_decided", "decided", "settled", "superseded"],
}
_LAST_ID = 2**63 - 1


@dataclass(frozen=True)
class CaseFilter:
    """Which cases to list.

    :param state: ``open`` also takes in cases that wait for their second person.
    :param role: Only cases of this role.
    :param code: Only cases that carry this code.
    :param mine: Only cases I am named in or whose role I have.
    :param query: Words to look for in supplier, numbers and title; a number alone also finds the case by its
        id.
    """

    state: StateFilter = "open"
    role: str | None = None
    code: str | None = None
    mine: bool = False
    query: str | None = None


@dataclass(frozen=True)
class CasePage:
    """Some cases and where the next ones begin."""

    cases: list[dict[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True)
class CaseRecord:
    """All that is known of one case, with what this person may do."""

    case: dict[str, Any]
    holds: list[HoldView]
    actions: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    documents: list[dict[str, Any]]

    @property
    def handover(self) -> dict[str, Any]:
        """What the run handed over."""
        return dict(self.case["handover"])


def list_cases(
    connection: Connection, person: Person, chosen: CaseFilter, *, cursor: str | None, most: int
) -> CasePage:
    """Return the cases that match and that this person may see, nearest due date first, then oldest."""
    after_due, after_case = _read_cursor(cursor)
    rows = fetch_all(
        connection,
        sql("review/list_cases"),
        {
            "states": STATES.get(chosen.state, [chosen.state]),
            "role": chosen.role,
            "code": chosen.code,
            "mine": chosen.mine,
            "person_id": person.person_id,
            "roles": list(person.roles),
            "query": chosen.query,
            "pattern": _like_pattern(chosen.query),
            "after_due": after_due,
            "after_case": after_case,
            "most": most + 1,
        },
    )
    shown = rows[:most]
    return CasePage(shown, _write_cursor(shown[-1]) if len(rows) > most else None)


@dataclass(frozen=True)
class OpenCounts:
    """How many cases wait for a person.

    :param roles: Role, number of cases.
    :param codes: Hold code, its title, number of cases.
    """

    waiting: int
    mine: int
    roles: list[dict[str, Any]]
    codes: list[dict[str, Any]]


def count_open(connection: Connection, person: Person) -> OpenCounts:
    """Return how many cases that this person may see wait for anybody and for them, by role and by code."""
    who = {"person_id": person.person_id, "roles": list(person.roles)}
    roles = fetch_all(connection, sql("review/count_open_cases"), who)
    return OpenCounts(
        waiting=sum(row["cases"] for row in roles),
        mine=sum(row["mine"] for row in roles),
        roles=roles,
        codes=fetch_all(connection, sql("review/list_open_codes"), who),
    )


def titles_of_codes(connection: Connection) -> dict[str, str]:
    """Return what each hold code is called."""
    return {row["code"]: row["title"] for row in fetch_all(connection, sql("review/list_sentences"), {})}


def read_case(connection: Connection, person: Person, case_id: int) -> CaseRecord:
    """Return one case with everything a person needs to decide it.

    :raises Problem: 404, there is no such case, or not for this person.
    """
    case = (
        fetch_one(connection, sql("review/read_case"), {"case_id": case_id, "person_id": person.person_id})
        if 0 < case_id <= _LAST_ID
        else None
    )
    if case is None:
        raise Problem(404, f"There is no case {case_id} that you may see.")
    handover = case["handover"]
    case["supplier"] = (handover.get("supplier") or {}).get("name")
    sentences = {
        row["code"]: row["sentence"] for row in fetch_all(connection, sql("review/list_sentences"), {})
    }
    return CaseRecord(
        case=case,
        holds=[
            view_hold(hold, sentences, handover.get("document") or {}) for hold in handover.get("holds") or []
        ],
        actions=_offer(connection, person, case),
        answers=fetch_all(connection, sql("review/list_answers"), {"case_id": case_id}),
        documents=fetch_all(connection, sql("review/list_case_documents"), {"case_id": case_id}),
    )


def _offer(connection: Connection, person: Person, case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the actions of the hand-over, each with whether this person may take it and, if not, why not."""
    row = fetch_one(
        connection,
        sql("review/explain_refusal"),
        {"case_id": case["case_id"], "person_id": person.person_id},
    )
    why_not = _why_not(row, case) if row else None
    return [
        {
            "action": action["action"],
            "label": action.get("label") or plain(action["action"]),
            "effect": action.get("effect") or "",
            "needs_second_person": bool(action.get("needs_second_person")),
            "reason_codes": list(action.get("reason_codes") or []),
            "allowed": why_not is None,
            "why_not": why_not,
        }
        for action in case["handover"].get("actions") or []
    ]


def _why_not(row: Mapping[str, Any], case: Mapping[str, Any]) -> str | None:
    """Say why a person may not decide a case; None when they may."""
    limit = amount(row["highest"], row["currency"])
    sentences = {
        "closed": f"The case is {plain(case['state']).lower()}; there is nothing left to decide.",
        "claimed": f"{row['claimed_by']} has taken this case; ask them to release it or to hand it on.",
        "role": f"This is for the role {role(case['role'])!r}, which you do not have.",
        "limit": f"{amount(case['amount'], case['currency'])} is above your limit of {limit}.",
        "own_order": "You created an order of this invoice, or nobody knows who did; "
        "somebody else has to decide.",
        "first_answer": "You gave the first of two answers; another person must give the second.",
    }
    refusal = row["refusal"]
    return None if refusal is None else sentences[refusal]


def _like_pattern(query: str | None) -> str | None:
    if not query:
        return None
    escaped = query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _write_cursor(row: Mapping[str, Any]) -> str:
    due = row["due_date"].isoformat() if row["due_date"] else "infinity"
    return base64.urlsafe_b64encode(json.dumps([due, row["case_id"]]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None) -> tuple[str, int]:
    if cursor is None:
        return "-infinity", 0
    try:
        due, case_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if due != "infinity":
            date.fromisoformat(due)
        return str(due), int(case_id)
    except (ValueError, TypeError, binascii.Error) as error:
        message = "This is no address of a next page; start again from the first one."
        raise Problem(422, message, [FieldError("cursor", message)]) from error
