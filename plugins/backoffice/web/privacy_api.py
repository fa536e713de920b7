"""The REST API of data protection officers: erase, hold, purge. All but placing a hold takes two persons."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query

from backoffice.web import privacy
from backoffice.web.api import ERRORS, PREFIX
from backoffice.web.auth import Ledger, Reviewer, require_login
from backoffice.web.models import IdempotencyKey

router = APIRouter(prefix=PREFIX, dependencies=[Depends(require_login)], responses=ERRORS, tags=["privacy"])

_REFUSED: dict[int | str, dict[str, Any]] = {
    409: {**ERRORS[422], "description": "A duty to keep or a hold stands against it, or it was answered"}
}
Key = Annotated[IdempotencyKey, Header(alias="Idempotency-Key")]
RequestId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/privacy/retention", summary="How long what is kept")
def list_retention(person: Reviewer, ledger: Ledger) -> privacy.RetentionList:
    """Return each class of records with its years and their ground."""
    with ledger.reading() as connection:
        found = privacy.list_retention(connection, person)
    return privacy.RetentionList.model_validate({"classes": found})


@router.get("/privacy/holds", summary="List legal holds")
def list_holds(
    person: Reviewer, ledger: Ledger, lifted: Annotated[bool, Query(description="Also those lifted")] = False
) -> privacy.HoldList:
    """Return the holds in force, the latest first."""
    with ledger.reading() as connection:
        found = privacy.list_holds(connection, person, lifted=lifted)
    return privacy.HoldList.model_validate({"holds": found})


@router.post("/privacy/holds", summary="Place a legal hold", status_code=201, responses=_REFUSED)
def place_hold(
    hold: privacy.HoldRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> privacy.HoldPlaced:
    """Place a hold. It stands at once; lifting it takes two persons."""
    return privacy.HoldPlaced.model_validate(privacy.place_hold(ledger, person, hold, idempotency_key))


@router.get("/privacy/requests", summary="List erasures, purges and liftings asked for")
def list_requests(
    person: Reviewer, ledger: Ledger, state: privacy.RequestState | None = None
) -> privacy.RequestList:
    """Return what was asked for and what became of it, the latest first."""
    with ledger.reading() as connection:
        found = privacy.list_requests(connection, person, state)
    return privacy.RequestList.model_validate({"requests": found})


@router.post("/privacy/requests", summary="Ask for an act", status_code=201, responses=_REFUSED)
def request_act(
    request: privacy.PrivacyRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> privacy.RequestTaken:
    """Ask to erase a person, lift a hold or purge records. Nothing happens before another person approves."""
    return privacy.RequestTaken.model_validate(privacy.request_act(ledger, person, request, idempotency_key))


@router.post(
    "/privacy/requests/{request_id}/answers",
    summary="Approve or decline",
    status_code=201,
    responses=_REFUSED,
)
def answer_request(
    request_id: RequestId,
    answer: privacy.PrivacyAnswer,
    person: Reviewer,
    ledger: Ledger,
    idempotency_key: Key,
) -> privacy.PrivacyAnswerTaken:
    """Approve what another person asked for, which does it in the same transaction, or decline it."""
    done = privacy.answer_request(ledger, person, request_id, answer, idempotency_key)
    return privacy.PrivacyAnswerTaken.model_validate(done)
