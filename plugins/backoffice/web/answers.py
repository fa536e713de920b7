"""The one act of the pages and the API: a person's answer to a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backoffice.domain.wording import action as action_in_words
from backoffice.domain.wording import plain
from backoffice.settings import sql
from backoffice.web.acts import act
from backoffice.web.auth import Person
from backoffice.web.cases import STATES, CaseRecord, read_case
from backoffice.web.database import LedgerPool
from backoffice.web.models import AnswerRequest
from backoffice.web.problems import FieldError, Problem


def decide(
    ledger: LedgerPool, person: Person, case_id: int, given: AnswerRequest, idempotency_key: str
) -> dict[str, Any]:
    """Record a person's answer and return what became of it. The ledger decides who may; this only passes on.

    :raises Problem: 403 not allowed, 404 no such case, 409 decided already or the facts have changed, 422 not
        possible here.
    """
    with ledger.reading() as connection:
        _check_reason_code(read_case(connection, person, case_id), given)
    answer = act(
        ledger,
        person,
        sql("review/decide_case"),
        **given.model_dump(),
        case_id=case_id,
        idempotency_key=idempotency_key,
    )
    return {**answer, "next": _what_happens_next(answer)}


def _check_reason_code(record: CaseRecord, given: AnswerRequest) -> None:
    """Point at the field when the action or the reason code is not one that the case offers."""
    offered = {action["action"]: action for action in record.actions}
    if not offered or record.case["state"] not in STATES["open"]:
        return  # a case that is closed: the ledger says so, with the reason
    action = offered.get(given.action)
    if action is None:
        labels = [one["label"] for one in record.actions]
        message = f"This case offers {_listed(labels)}; not {action_in_words(given.action)}."
        raise Problem(422, message, [FieldError("action", message)])
    codes = action["reason_codes"]
    if codes and given.reason_code not in codes:
        words = _listed([plain(code) for code in codes])
        message = f"For {action['label']} choose one of these reasons: {words}."
        raise Problem(422, message, [FieldError("reason_code", message)])


def _what_happens_next(answer: Mapping[str, Any]) -> str:
    if not answer.get("final"):
        missing = (answer.get("persons_needed") or 0) - answer["persons_given"]
        if missing > 1:
            return (
                f"{missing} more people have to agree before anything happens. The case stays open for them."
            )
        if missing < 1:
            return "Enough people agree, but a role that is asked for is not among them. The case stays open."
        return "A second person has to agree before anything happens. The case stays open for them."
    return "The answer is recorded. It is booked within minutes, by the waiting run or the next housekeeping."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
