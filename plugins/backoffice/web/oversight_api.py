"""The REST API of human oversight: whether single persons are measured, and who switches it on and off."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path

from backoffice.web import oversight
from backoffice.web.api import ERRORS, PREFIX
from backoffice.web.auth import Ledger, Reviewer, require_login
from backoffice.web.models import IdempotencyKey

_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {**ERRORS[422], "description": "Another request waits, or this one was answered"}
}
router = APIRouter(prefix=PREFIX, dependencies=[Depends(require_login)], responses=ERRORS, tags=["oversight"])
Key = Annotated[IdempotencyKey, Header(alias="Idempotency-Key")]
MeasureId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/oversight/measures", summary="Whether single persons are measured")
def list_measures(person: Reviewer, ledger: Ledger) -> oversight.MeasureList:
    """Return what is measured of whom until when, to everybody; to officers also what was asked before."""
    with ledger.reading() as connection:
        return oversight.MeasureList.model_validate(oversight.read_measures(connection, person))


@router.post(
    "/oversight/measures", summary="Ask to measure single persons", status_code=201, responses=_CONFLICT
)
def ask(
    given: oversight.MeasureRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> oversight.MeasureTold:
    """Ask as a data protection officer. Nobody is measured before another officer approves."""
    return oversight.MeasureTold.model_validate(oversight.ask(ledger, person, given, idempotency_key))


@router.post(
    "/oversight/measures/{measure_id}/answers",
    summary="Approve, decline or end it",
    status_code=201,
    responses=_CONFLICT,
)
def answer(
    measure_id: MeasureId,
    given: oversight.MeasureAnswerRequest,
    person: Reviewer,
    ledger: Ledger,
    idempotency_key: Key,
) -> oversight.MeasureTold:
    """Approve as the second officer what another asked for; decline or end takes one alone."""
    told = oversight.answer(ledger, person, measure_id, given, idempotency_key)
    return oversight.MeasureTold.model_validate(told)
