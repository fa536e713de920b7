"""The REST API: cases, answers, original documents, runs and their reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from backoffice.web import answers, bulk, cases, documents, inbox, runs
from backoffice.web.auth import (
    Ledger,
    LoggedIn,
    Reviewer,
    find_person,
    may_read_dag,
    require_login,
    require_run_reader,
)
from backoffice.web.bulk import BulkAnswer, BulkChecked, BulkQuestion, BulkTaken
from backoffice.web.inbox_query import MOST_PER_PAGE, CasePageQuery
from backoffice.web.models import (
    AnswerRequest,
    AnswerTaken,
    CaseCounts,
    CaseDetail,
    CaseList,
    IdempotencyKey,
    ProblemBody,
    RunList,
)
from backoffice.web.problems import Problem

PREFIX = "/api/v1"
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {"application/problem+json": {"schema": ProblemBody.model_json_schema()}},
    }
    for status, text in {
        400: "The body cannot be read",
        401: "Not logged in",
        403: "Not allowed",
        404: "Not there",
        413: "The body is too large",
        422: "A field is missing or wrong",
        429: "Too much at once",
        503: "The ledger does not answer",
    }.items()
}

router = APIRouter(prefix=PREFIX, dependencies=[Depends(require_login)], responses=ERRORS)

CaseId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Most = Annotated[int, Query(ge=1, le=MOST_PER_PAGE)]


def page_address(request: Request, **changes: object) -> str:
    """Return this address with some query values changed; None takes one out."""
    return address_with(request.url.path, request.query_params, **changes)


def address_with(path: str, query: Mapping[str, str], **changes: object) -> str:
    """Return an address with the query values that are given and not empty, some of them changed."""
    values = {**query, **{name: "" if value is None else str(value) for name, value in changes.items()}}
    kept = {name: value for name, value in values.items() if value != ""}
    return f"{path}?{urlencode(kept)}" if kept else path


@router.get("/cases", summary="List cases, the most urgent first", tags=["cases"])
def list_cases(
    request: Request, person: Reviewer, ledger: Ledger, query: Annotated[CasePageQuery, Query()]
) -> CaseList:
    """Return the cases that match all filters; ``next`` is the address of the following page."""
    with ledger.reading() as connection:
        page = inbox.list_cases(connection, person, query, cursor=query.cursor, most=query.limit)
    following = page_address(request, cursor=page.next_cursor) if page.next_cursor else None
    return CaseList.model_validate({"cases": page.cases, "next": following})


@router.get("/cases/counts", summary="Count the cases that wait", tags=["cases"])
def count_cases(person: Reviewer, ledger: Ledger) -> CaseCounts:
    """Return how many cases wait for anybody and for you, by role and process."""
    with ledger.reading() as connection:
        counts = inbox.count_open(connection, person)
    return CaseCounts(**vars(counts))


@router.post("/cases/answers/check", summary="Ask which of several cases you may answer so", tags=["cases"])
def check_answers(question: BulkQuestion, person: Reviewer, ledger: Ledger) -> BulkChecked:
    """Return which cases would be decided, and by name those that would be left out. Records nothing."""
    return BulkChecked.model_validate(bulk.check(ledger, person, question))


@router.post("/cases/answers", summary="Answer several cases alike", tags=["cases"])
def answer_cases(
    answer: BulkAnswer,
    person: Reviewer,
    ledger: Ledger,
    idempotency_key: Annotated[IdempotencyKey, Header()],
) -> BulkTaken:
    """Record the same answer to each case that you may decide, and name the others with the reason."""
    return BulkTaken.model_validate(bulk.decide(ledger, person, answer, idempotency_key))


@router.get("/cases/{case_id}", summary="Read one case", tags=["cases"])
def read_case(case_id: CaseId, request: Request, person: Reviewer, ledger: Ledger) -> CaseDetail:
    """Return the hand-over, the holds in sentences, and what you may do and why not the rest."""
    with ledger.reading() as connection:
        record = cases.read_case(connection, person, case_id)
    base = request.url.path.rstrip("/")
    return CaseDetail.model_validate(
        {
            **record.case,
            "holds": [
                {name: getattr(hold, name) for name in ("code", "title", "effect", "sentence", "line")}
                for hold in record.holds
            ],
            "hypotheses": [asdict(one) for one in record.hypotheses],
            "changed": [asdict(one) for one in record.changed],
            "changed_just_now": None
            if record.changed_just_now is None
            else [asdict(one) for one in record.changed_just_now],
            "actions": record.actions,
            "answers": record.answers,
            "documents": [
                {
                    **document,
                    "filename": documents.safe_filename(
                        document["filename"], f"document-{document['document_id']}"
                    ),
                    "href": f"{base}/documents/{document['document_id']}",
                }
                for document in record.documents
            ],
        }
    )


@router.get(
    "/cases/{case_id}/documents/{document_id}",
    summary="Download an original document",
    tags=["cases"],
    response_class=Response,
)
def download_document(case_id: CaseId, document_id: CaseId, person: Reviewer, ledger: Ledger) -> Response:
    """Return the document's bytes exactly as they arrived, as a download."""
    with ledger.reading() as connection:
        return documents.download(connection, person, case_id, document_id)


@router.post(
    "/cases/{case_id}/answers",
    summary="Answer a case",
    tags=["cases"],
    status_code=201,
    responses={409: {**ERRORS[422], "description": "Decided already, or the facts have changed since"}},
)
def answer_case(
    case_id: CaseId,
    answer: AnswerRequest,
    person: Reviewer,
    ledger: Ledger,
    idempotency_key: Annotated[IdempotencyKey, Header()],
) -> AnswerTaken:
    """Record your answer. The same key with the same content again does nothing and returns the same."""
    return AnswerTaken.model_validate(answers.decide(ledger, person, case_id, answer, idempotency_key))


@router.get("/runs", summary="List runs, the latest first", tags=["runs"])
def list_runs(
    request: Request,
    principal: LoggedIn,
    ledger: Ledger,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Most = 50,
) -> RunList:
    """Return the runs you may see."""
    person = find_person(ledger, principal)
    with ledger.reading() as connection:
        dag_ids = runs.dags_with_runs(connection)
        if person is None:
            dag_ids = [dag_id for dag_id in dag_ids if may_read_dag(request, dag_id, principal)]
        found, following = runs.list_runs(connection, dag_ids, before_run=before, most=limit)
    address = page_address(request, before=following) if following else None
    return RunList.model_validate({"runs": found, "next": address})


@router.get(
    "/runs/{dag_id}/{run_id}/report",
    summary="Read the report of a run",
    tags=["runs"],
    dependencies=[Depends(require_run_reader)],
)
def read_report(dag_id: str, run_id: str, ledger: Ledger) -> dict[str, Any]:
    """Return the report as the run wrote it, and how many of its cases are still open."""
    with ledger.reading() as connection:
        found = runs.read_report(connection, dag_id, run_id)
    if found["report"] is None:
        raise Problem(404, "This run has not written its report yet.")
    return {
        **found["report"],
        "open_cases_now": found["open_cases"],
        "written_at": found["written_at"].astimezone(UTC).isoformat(),
    }


@router.get("/openapi.json", include_in_schema=False)
def read_openapi(request: Request) -> JSONResponse:
    """Return the description of this API."""
    return JSONResponse(request.app.openapi())
