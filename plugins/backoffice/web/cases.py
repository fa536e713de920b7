"""Cases as the pages and the API read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backoffice.domain.wording import amount, plain, role
from backoffice.settings import sql
from backoffice.web.auth import Person
from backoffice.web.case_view import ChangeView, HoldView, view_changes, view_hold
from backoffice.web.database import Connection, fetch_all, fetch_one
from backoffice.web.hypotheses import HypothesisView, view_hypotheses
from backoffice.web.problems import Problem

STATES: Mapping[str, list[str]] = {
    "open": ["open", "half_decided"],
    "all": ["open", "half_decided", "decided", "settled", "superseded"],
}
_LAST_ID = 2**63 - 1
BATCH = "batch_signoff"


@dataclass(frozen=True)
class CaseRecord:
    """All that is known of one case, with what this person may do.

    :param changed: What changed since the case was opened.
    :param changed_just_now: What changed since the hand-over was written, so that no answer is taken; None
        when nothing did.
    """

    case: dict[str, Any]
    holds: list[HoldView]
    actions: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    documents: list[dict[str, Any]]
    hypotheses: list[HypothesisView]
    changed: list[ChangeView]
    changed_just_now: list[ChangeView] | None

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
            view_hold(
                hold, sentences, handover.get("document") or {}, handover.get("sources"), datetime.now(UTC)
            )
            for hold in handover.get("holds") or []
        ],
        actions=_offer(connection, person, case),
        answers=fetch_all(connection, sql("review/list_answers"), {"case_id": case_id}),
        documents=fetch_all(connection, sql("review/list_case_documents"), {"case_id": case_id}),
        hypotheses=view_hypotheses(handover.get("hypotheses") or []),
        changed=view_changes(handover.get("changed") or []),
        changed_just_now=_changed_just_now(connection, case),
    )


def _changed_just_now(connection: Connection, case: Mapping[str, Any]) -> list[ChangeView] | None:
    row = fetch_one(
        connection,
        sql("review/read_changes"),
        {"case_id": case["case_id"], "evidence_hash": case["evidence_hash"]},
    )
    return None if row is None or row["changes"] is None else view_changes(row["changes"])


def _offer(connection: Connection, person: Person, case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the actions of the hand-over, each with whether this person may take it and, if not, why not."""
    rows = fetch_all(
        connection,
        sql("review/explain_refusal"),
        {"case_id": case["case_id"], "person_id": person.person_id},
    )
    judged = {row["action"]: row for row in rows}
    return [
        _offered(action, judged[action["action"]], case) for action in case["handover"].get("actions") or []
    ]


def _offered(action: Mapping[str, Any], judged: Mapping[str, Any], case: Mapping[str, Any]) -> dict[str, Any]:
    why_not = _why_not(judged, case)
    return {
        "action": action["action"],
        "label": action.get("label") or plain(action["action"]),
        "effect": action.get("effect") or "",
        "needs_second_person": judged["persons_needed"] > 1,
        "persons_needed": judged["persons_needed"],
        "persons_given": judged["persons_given"],
        "of_persons": judged["members"],
        "with_roles": judged["with_roles"],
        "veto_roles": judged["veto_roles"],
        "on_behalf_of": judged["on_behalf_of"],
        "reason_codes": list(action.get("reason_codes") or []),
        "entries": list((case["handover"].get("entries") or {}).get(action["action"]) or []),
        "allowed": why_not is None,
        "why_not": why_not,
    }


def _why_not(row: Mapping[str, Any], case: Mapping[str, Any]) -> str | None:
    """Say why a person may not take an action; None when they may."""
    kind, highest = row["kind"], row["highest"]
    if kind is None:
        return None
    above = highest is not None and case["amount"] is not None and case["amount"] > highest
    sentences = {
        "closed": f"The case is {plain(case['state']).lower()}; there is nothing left to decide.",
        "claimed": f"{row['claimed_by']} has taken this case; ask them to release it or to hand it on.",
        "role": f"This is for the role {role(case['role'])!r}, which you do not have.",
        "limit": f"{amount(case['amount'], case['currency'])} is above your limit of "
        f"{amount(highest, row['currency'])}."
        if above
        else "Your authority does not cover this: its currency, code, cost centre or variance is beyond it.",
        "own_order": "You created an order of this invoice, or nobody knows who did; "
        "somebody else has to decide.",
        "first_answer": "You gave the first of two answers; another person must give the second."
        if row["persons_needed"] <= 2
        else "You have answered; the other answers have to come from other people.",
    }
    # of a batch the ledger names the entry
    told = None if kind == "own_order" and case["subject_kind"] == BATCH else sentences.get(kind)
    return told or _as_sentence(row["reason"])


def why_not_decide(
    connection: Connection, person: Person, case_ids: Sequence[int], action: str
) -> dict[int, str]:
    """Return, for each of these cases in which this person may not act so, the reason in a sentence."""
    rows = fetch_all(
        connection,
        sql("review/list_refusals"),
        {"case_ids": list(case_ids), "person_id": person.person_id, "action": action},
    )
    return {row["case_id"]: _as_sentence(row["reason"]) for row in rows}


def _as_sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:]}."
