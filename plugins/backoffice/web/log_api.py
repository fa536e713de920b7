"""The REST API of the audit log itself: acts that take two log keepers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path

from backoffice.web import log_keeping
from backoffice.web.api import ERRORS, PREFIX
from backoffice.web.auth import Ledger, Reviewer, require_login
from backoffice.web.log_models import (
    ConfirmationRequest,
    LogActTaken,
    LogProposalList,
    LostKeyRequest,
    RestoreRequest,
)
from backoffice.web.models import IdempotencyKey

_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {**ERRORS[422], "description": "Settled already, or not what was shown"}
}
router = APIRouter(prefix=PREFIX, dependencies=[Depends(require_login)], responses=ERRORS, tags=["audit log"])
Key = Annotated[IdempotencyKey, Header(alias="Idempotency-Key")]
ProposalId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/log/proposals", summary="List what was proposed about the log")
def list_proposals(person: Reviewer, ledger: Ledger) -> LogProposalList:
    """Return restores and lost keys that log keepers recorded, the latest first."""
    with ledger.reading() as connection:
        return LogProposalList.model_validate({"proposals": log_keeping.list_proposals(connection)})


@router.post(
    "/log/restores",
    summary="Say that a restore gave up the end of the log",
    status_code=201,
    responses=_CONFLICT,
)
def propose_restore(
    given: RestoreRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> LogActTaken:
    """Propose it. The sealer goes on only when another log keeper has confirmed."""
    return LogActTaken.model_validate(log_keeping.propose_restore(ledger, person, given, idempotency_key))


@router.post(
    "/log/keys", summary="Name the key that replaces a lost one", status_code=201, responses=_CONFLICT
)
def propose_lost_key(
    given: LostKeyRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> LogActTaken:
    """Propose it. The sealer accepts the key only when another log keeper has confirmed."""
    return LogActTaken.model_validate(log_keeping.propose_lost_key(ledger, person, given, idempotency_key))


@router.post(
    "/log/proposals/{proposal_id}/confirmation",
    summary="Confirm what another log keeper proposed",
    status_code=201,
    responses=_CONFLICT,
)
def confirm(
    proposal_id: ProposalId,
    given: ConfirmationRequest,
    person: Reviewer,
    ledger: Ledger,
    idempotency_key: Key,
) -> LogActTaken:
    """Record the confirmation. From then on it counts."""
    return LogActTaken.model_validate(
        log_keeping.confirm(ledger, person, proposal_id, given, idempotency_key)
    )
