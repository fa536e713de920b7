"""Two pages about the work itself: what I answered, and how the back office stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from backoffice import __version__
from backoffice.settings import sql
from backoffice.web import airflow_health, health, inbox
from backoffice.web.api import page_address
from backoffice.web.auth import Ledger, Reviewer, require_login
from backoffice.web.database import fetch_all, fetch_one
from backoffice.web.rendering import page

router = APIRouter(dependencies=[Depends(require_login)], include_in_schema=False)

_ANSWERS_PER_PAGE = 50
_LAST_ID = 2**63 - 1
Airflow = Annotated[Mapping[str, Any] | None, Depends(airflow_health.ask_airflow)]
Before = Annotated[int | None, Query(ge=1, le=_LAST_ID)]


@router.get("/activity")
def activity_page(request: Request, person: Reviewer, ledger: Ledger, before: Before = None) -> Response:
    """Show what this person answered, the latest first, and what of it waits."""
    who = {"person_id": person.person_id}
    with ledger.reading() as connection:
        counts = fetch_one(connection, sql("review/count_own_answers"), who)
        rows = fetch_all(
            connection,
            sql("review/list_own_answers"),
            {**who, "before": before or _LAST_ID, "most": _ANSWERS_PER_PAGE + 1},
        )
    shown = rows[:_ANSWERS_PER_PAGE]
    following = shown[-1]["answer_id"] if len(rows) > _ANSWERS_PER_PAGE else None
    return page(
        request,
        "activity.html",
        person=person,
        counts=counts,
        answers=shown,
        first_page=before is None,
        next_address=page_address(request, before=following) if following else None,
    )


@router.get("/health")
def health_page(request: Request, person: Reviewer, ledger: Ledger, airflow: Airflow) -> Response:
    """Show whether ledger, sealer, Airflow's processes, nights and the booking of answers are well."""
    with ledger.reading() as connection:
        readable = inbox.find_readable(connection, person)
        looked = fetch_one(connection, sql("health/look_at_ledger"), {}) or {}
        last_runs = fetch_all(connection, sql("health/list_last_runs"), {})
        waiting = fetch_all(connection, sql("health/count_waiting_cases"), vars(readable))
    now = datetime.now(UTC)
    return page(
        request,
        "health.html",
        person=person,
        signs=health.judge(looked, last_runs, now) + airflow_health.signs_of(airflow, now),
        runs=last_runs,
        waiting=health.with_age(waiting, now),
        looked_at=now,
        version=__version__,
    )
