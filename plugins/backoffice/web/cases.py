"""Cases as the pages and the API read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backoffice.domain.wording import amount, plain, role
from backoffice.settings import sql
from backoffice.web.auth import Person
from backoffice.web.case_view import HoldView, view_hold
from backoffice.web.database import Connection, fetch_all, fetch_one
from backoffice.web.problems import Problem

STATES: Mapping[str, list[str]] = {
    "open": ["open", "half_decided"],
    "all": ["open", "half_decided", "decided", "settled", "superseded"],
}
_LAST_ID = 2**63 - 1


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
    why_not = why_not_decide(connection, person, [case["case_id"]]).get(case["case_id"])
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


def why_not_decide(connection: Connection, person: Person, case_ids: Sequence[int]) -> dict[int, str]:
    """Return, for each of these cases that this person may not decide, the reason in a sentence.

    The one place where the pages ask; ``review.decide_case`` is what enforces it.
    """
    rows = fetch_all(
        connection,
        sql("review/explain_refusal"),
        {"case_ids": list(case_ids), "person_id": person.person_id},
    )
    return {row["case_id"]: _refusal(row) for row in rows if row["refusal"] is not None}


def _refusal(row: Mapping[str, Any]) -> str:
    limit = amount(row["highest"], row["currency"])
    sentences = {
        "closed": f"The case is {plain(row['state']).lower()}; there is nothing left to decide.",
        "role": f"This is for the role {role(row['role'])!r}, which you do not have.",
        "limit": f"{amount(row['amount'], row['case_currency'])} is above your limit of {limit}.",
        "own_order": "You created an order of this invoice, or nobody knows who did; "
        "somebody else has to decide.",
        "first_answer": "You gave the first of two answers; another person must give the second.",
    }
    return sentences[row["refusal"]]
