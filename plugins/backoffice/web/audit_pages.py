"""The state of the audit log as people see it, and evidence to take away."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from backoffice.settings import sql
from backoffice.web import evidence
from backoffice.web.auth import Ledger, Reviewer, require_login
from backoffice.web.database import fetch_all, fetch_one
from backoffice.web.documents import content_disposition
from backoffice.web.problems import Problem
from backoffice.web.rendering import page

router = APIRouter(dependencies=[Depends(require_login)], include_in_schema=False)

_CHECKPOINTS = 20
_VERIFICATIONS = 10
Ref = Annotated[str, Query(max_length=200)]


def _audit_page(
    request: Request, person: Reviewer, ledger: Ledger, status: int = 200, **form: Any
) -> HTMLResponse:
    with ledger.reading() as connection:
        values = {
            "log": fetch_one(connection, sql("health/look_at_ledger"), {}),
            "checkpoints": fetch_all(connection, sql("log/list_checkpoints"), {"most": _CHECKPOINTS}),
            "verifications": fetch_all(connection, sql("log/list_verifications"), {"most": _VERIFICATIONS}),
        }
    shown = page(request, "audit.html", person=person, **values, **form)
    shown.status_code = status
    return shown


@router.get("/audit")
def audit_page(request: Request, person: Reviewer, ledger: Ledger, ref: Ref = "") -> Response:
    """Show whether the log was verified, its latest checkpoints, and the form for evidence."""
    return _audit_page(request, person, ledger, ref=ref, error="")


@router.get("/audit/evidence")
def evidence_pack(request: Request, person: Reviewer, ledger: Ledger, ref: Ref = "") -> Response:
    """Make the evidence pack of one thing and give it as a download; a wrong name is told at its field."""
    name = ref.strip()
    if not name:
        return _audit_page(request, person, ledger, 422, ref=ref, error="Name what the evidence is of.")
    try:
        pack = evidence.make_pack(ledger, person, name)
    except Problem as problem:
        if problem.status not in (403, 409, 413, 422):
            raise
        return _audit_page(request, person, ledger, problem.status, ref=ref, error=problem.detail)
    file = f"evidence-{re.sub(r'[^A-Za-z0-9]+', '-', name)[:60].strip('-') or 'pack'}.zip"
    return Response(
        pack.data,
        media_type="application/zip",
        headers={"Content-Disposition": content_disposition(file)},
    )
