"""The REST API of a batch that waits for its signature: its entries, and taking some out.

It is decided like any case.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request

from backoffice.web import batch_models as models
from backoffice.web import batches, case_life, cases
from backoffice.web.api import ERRORS, PREFIX, CaseId, Most, page_address
from backoffice.web.auth import Ledger, Reviewer, require_login
from backoffice.web.models import IdempotencyKey

router = APIRouter(prefix=PREFIX, dependencies=[Depends(require_login)], responses=ERRORS, tags=["cases"])

_REFUSED: dict[int | str, dict[str, Any]] = {
    409: {
        **ERRORS[422],
        "description": "Not what was shown, somebody has the case, or it is not open any more",
    }
}
After = Annotated[int, Query(ge=0, le=2**31 - 1, description="item_no of the last entry that you have")]


@router.get("/cases/{case_id}/entries", summary="List the entries of a batch")
def list_entries(
    case_id: CaseId,
    request: Request,
    person: Reviewer,
    ledger: Ledger,
    after: After = 0,
    limit: Most = batches.ENTRIES_PER_PAGE,
) -> models.BatchEntries:
    """Return the entries in their order, and the control totals of all that is signed for."""
    with ledger.reading() as connection:
        record = cases.read_case(connection, person, case_id)
        page = batches.read_entries(connection, person, record, after=after, most=limit)
    return models.BatchEntries.model_validate(
        {
            **record.handover["batch"],
            "evidence_hash": record.case["evidence_hash"],
            "entries": page.entries,
            "next": page_address(request, after=page.after) if page.after else None,
        }
    )


@router.post(
    "/cases/{case_id}/entries/taken-out",
    summary="Take entries out of a batch",
    status_code=201,
    responses=_REFUSED,
)
def take_out(
    case_id: CaseId,
    given: models.TakeOutRequest,
    person: Reviewer,
    ledger: Ledger,
    idempotency_key: Annotated[IdempotencyKey, Header()],
) -> models.TakenOut:
    """Hold these entries back: each becomes a case of its own. Nothing is signed by it."""
    told = case_life.carry_out(
        ledger,
        person,
        "take_out",
        case_id,
        idempotency_key,
        given.reason,
        items=given.items,
        evidence_hash=given.evidence_hash,
    )
    return models.TakenOut.model_validate(told)
