"""The REST API of policies: versions, proposals, and the acts of two people that change one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path

from backoffice.web import policies
from backoffice.web.api import ERRORS, PREFIX
from backoffice.web.auth import Ledger, Reviewer, require_login
from backoffice.web.models import IdempotencyKey
from backoffice.web.policy_models import (
    ApprovalRequest,
    CheckedText,
    CheckRequest,
    EndRequest,
    PolicyList,
    ProposalDetail,
    ProposalRequest,
    ProposalTold,
    VersionDetail,
)

_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {**ERRORS[422], "description": "Settled already, or not what was shown"}
}
router = APIRouter(prefix=PREFIX, dependencies=[Depends(require_login)], responses=ERRORS, tags=["policies"])
Key = Annotated[IdempotencyKey, Header(alias="Idempotency-Key")]
ProposalId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/policies", summary="List policies, their versions and proposed changes")
def list_policies(person: Reviewer, ledger: Ledger) -> PolicyList:
    """Return the policies of the processes that you hold any authority for."""
    with ledger.reading() as connection:
        return PolicyList.model_validate(policies.list_policies(connection, person))


@router.get("/policies/{policy_id}/versions/{version}", summary="Read one version")
def read_version(
    policy_id: Annotated[str, Path(max_length=100)],
    version: Annotated[int, Path(ge=1, le=2**31 - 1)],
    person: Reviewer,
    ledger: Ledger,
) -> VersionDetail:
    """Return the text as it decided, decides or will decide."""
    with ledger.reading() as connection:
        return VersionDetail.model_validate(policies.read_version(connection, person, policy_id, version))


@router.post("/policies/proposals", summary="Propose a change", status_code=201, responses=_CONFLICT)
def propose(given: ProposalRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key) -> ProposalTold:
    """Prove a text, try it on recorded decisions, store it. It decides nothing before another approves."""
    return ProposalTold.model_validate(policies.propose(ledger, person, given, idempotency_key))


@router.post("/policies/proposals/check", summary="Check a text without storing it", responses=_CONFLICT)
def check(given: CheckRequest, person: Reviewer, ledger: Ledger) -> CheckedText:
    """Prove a text, compare it with the latest and try it on recorded decisions, as proposing it would."""
    return CheckedText.model_validate(policies.check(ledger, person, given))


@router.get("/policies/proposals/{proposal_id}", summary="Read a proposed change and its impact")
def read_proposal(proposal_id: ProposalId, person: Reviewer, ledger: Ledger) -> ProposalDetail:
    """Return text, difference, impact, what was done with it, and what you may do and why not the rest."""
    with ledger.reading() as connection:
        return ProposalDetail.model_validate(policies.read_proposal(connection, person, proposal_id))


@router.post("/policies/proposals/{proposal_id}/approve", summary="Approve a change", responses=_CONFLICT)
def approve(
    proposal_id: ProposalId, given: ApprovalRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> ProposalTold:
    """Sign as the second person. The version decides from its business day on."""
    told = policies.act(ledger, person, proposal_id, "approve", given.model_dump(), idempotency_key)
    return ProposalTold.model_validate(told)


@router.post("/policies/proposals/{proposal_id}/refuse", summary="Refuse a change", responses=_CONFLICT)
def refuse(
    proposal_id: ProposalId, given: EndRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> ProposalTold:
    """Say no as the second person. The number stays with that text."""
    told = policies.act(ledger, person, proposal_id, "refuse", given.model_dump(), idempotency_key)
    return ProposalTold.model_validate(told)


@router.post(
    "/policies/proposals/{proposal_id}/withdraw", summary="Withdraw one's own change", responses=_CONFLICT
)
def withdraw(
    proposal_id: ProposalId, given: EndRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> ProposalTold:
    """Take back what you proposed yourself."""
    told = policies.act(ledger, person, proposal_id, "withdraw", given.model_dump(), idempotency_key)
    return ProposalTold.model_validate(told)
