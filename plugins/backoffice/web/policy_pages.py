"""The pages of policies: versions, their texts, and proposed changes with what they would change."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from backoffice.web import policies
from backoffice.web.auth import Ledger, Reviewer, require_login
from backoffice.web.policy_api import ProposalId
from backoffice.web.policy_models import Impact
from backoffice.web.rendering import page

router = APIRouter(dependencies=[Depends(require_login)], include_in_schema=False)


@router.get("/policies")
def policies_page(request: Request, person: Reviewer, ledger: Ledger) -> Response:
    """List policies, their versions and proposed changes."""
    with ledger.reading() as connection:
        found = policies.list_policies(connection, person)
    return page(request, "policies.html", person=person, **found)


@router.get("/policies/{policy_id}/versions/{version}")
def version_page(
    policy_id: Annotated[str, Path(max_length=100)],
    version: Annotated[int, Path(ge=1, le=2**31 - 1)],
    request: Request,
    person: Reviewer,
    ledger: Ledger,
) -> Response:
    """Show the text of one version."""
    with ledger.reading() as connection:
        found = policies.read_version(connection, person, policy_id, version)
    return page(request, "policy_version.html", person=person, policy=found)


@router.get("/policies/{policy_id}/propose")
def propose_page(
    policy_id: Annotated[str, Path(max_length=100)], request: Request, person: Reviewer, ledger: Ledger
) -> Response:
    """Show the form to check a text and to propose it, with the latest one to begin with."""
    with ledger.reading() as connection:
        latest = policies.read_latest(connection, person, policy_id)
    return page(
        request, "policy_propose.html", person=person, latest=latest, idempotency_key=str(uuid.uuid4())
    )


@router.get("/policies/proposals/{proposal_id}")
def proposal_page(proposal_id: ProposalId, request: Request, person: Reviewer, ledger: Ledger) -> Response:
    """Show a proposed change, what it would change, and the form to sign it."""
    with ledger.reading() as connection:
        found = policies.read_proposal(connection, person, proposal_id)
    return page(
        request,
        "policy_proposal.html",
        person=person,
        proposal=found,
        impact=Impact.model_validate(found["impact"]),
        refusals=sorted({one["why_not"] for one in found["offered"] if one["why_not"]}),
        idempotency_key=str(uuid.uuid4()),
    )
