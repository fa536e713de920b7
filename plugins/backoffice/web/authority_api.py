"""The REST API of authority: who may do what, and the changes of it that two people carry."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path

from backoffice.web import authority
from backoffice.web.api import ERRORS, PREFIX
from backoffice.web.auth import Ledger, Reviewer, require_login
from backoffice.web.authority_models import (
    AuthorityMatrix,
    Change,
    ChangeAnswer,
    ChangeApproval,
    ChangeList,
    ChangeRequest,
    ChangeTold,
    State,
)
from backoffice.web.models import IdempotencyKey

_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {**ERRORS[422], "description": "Settled already, there already, or not what was shown"}
}
router = APIRouter(prefix=PREFIX, dependencies=[Depends(require_login)], responses=ERRORS, tags=["authority"])
Key = Annotated[IdempotencyKey, Header(alias="Idempotency-Key")]
ChangeId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/authority", summary="Who may do what")
def read_matrix(person: Reviewer, ledger: Ledger) -> AuthorityMatrix:
    """Return everybody's authority to administrators and auditors, and to others their own."""
    with ledger.reading() as connection:
        return AuthorityMatrix.model_validate(authority.read_matrix(connection, person))


@router.get("/authority/changes", summary="List changes of it")
def list_changes(person: Reviewer, ledger: Ledger, state: State | None = None) -> ChangeList:
    """Return the changes that you may see: those that wait first, then the latest."""
    with ledger.reading() as connection:
        return ChangeList.model_validate({"changes": authority.list_changes(connection, person, state=state)})


@router.post("/authority/changes", summary="Propose a change", status_code=201, responses=_CONFLICT)
def propose(given: ChangeRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key) -> ChangeTold:
    """Propose a change. Nothing changes before another administrator approves, but for your own absence."""
    return ChangeTold.model_validate(authority.propose(ledger, person, given, idempotency_key))


@router.get("/authority/changes/{change_id}", summary="Read one change")
def read_change(change_id: ChangeId, person: Reviewer, ledger: Ledger) -> Change:
    """Return what differs, who could do what before and after, and what you may do about it."""
    with ledger.reading() as connection:
        return Change.model_validate(authority.read_change(connection, person, change_id))


@router.post("/authority/changes/{change_id}/approve", summary="Approve a change", responses=_CONFLICT)
def approve(
    change_id: ChangeId, given: ChangeApproval, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> ChangeTold:
    """Sign as the second person what was shown; the change is made in the same transaction."""
    told = authority.answer(ledger, person, change_id, "approve", given.model_dump(), idempotency_key)
    return ChangeTold.model_validate(told)


@router.post("/authority/changes/{change_id}/refuse", summary="Refuse a change", responses=_CONFLICT)
def refuse(
    change_id: ChangeId, given: ChangeAnswer, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> ChangeTold:
    """Say no as the second person."""
    told = authority.answer(ledger, person, change_id, "refuse", given.model_dump(), idempotency_key)
    return ChangeTold.model_validate(told)


@router.post(
    "/authority/changes/{change_id}/withdraw", summary="Withdraw one's own change", responses=_CONFLICT
)
def withdraw(
    change_id: ChangeId, given: ChangeAnswer, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> ChangeTold:
    """Take back what you proposed yourself."""
    told = authority.answer(ledger, person, change_id, "withdraw", given.model_dump(), idempotency_key)
    return ChangeTold.model_validate(told)
