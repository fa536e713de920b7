"""The REST API of the life of a case: take it, give it back, hand it on, ask, answer, say, attach."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from backoffice.web import case_life
from backoffice.web import case_life_models as models
from backoffice.web.api import ERRORS, PREFIX, CaseId
from backoffice.web.auth import Ledger, Person, Reviewer, require_login, require_person
from backoffice.web.database import LedgerPool
from backoffice.web.models import IdempotencyKey

router = APIRouter(prefix=PREFIX, dependencies=[Depends(require_login)], responses=ERRORS, tags=["cases"])

_REFUSED: dict[int | str, dict[str, Any]] = {
    409: {**ERRORS[422], "description": "Another person has the case, or it is not open any more"}
}
Key = Annotated[IdempotencyKey, Header(alias="Idempotency-Key")]
ActId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Filename = Annotated[str, Query(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]


def _taken(
    ledger: LedgerPool, person: Person, name: str, case_id: int, key: str, words: str = "", **values: object
) -> models.ActTaken:
    return models.ActTaken.model_validate(
        case_life.carry_out(ledger, person, name, case_id, key, words, **values)
    )


@router.get("/cases/{case_id}/life", summary="Read what became of a case")
def read_life(case_id: CaseId, request: Request, person: Reviewer, ledger: Ledger) -> models.CaseLife:
    """Return where the case stands, who has it, and what people did with it, but for their answers."""
    with ledger.reading() as connection:
        life = case_life.read_life(connection, person, case_id)
    base = request.url.path.removesuffix("/life")
    for row in life["attachments"]:
        row["href"] = f"{base}/attachments/{row['act_id']}"
    return models.CaseLife.model_validate(life)


@router.post("/cases/{case_id}/claim", summary="Take a case", status_code=201, responses=_REFUSED)
def claim(case_id: CaseId, person: Reviewer, ledger: Ledger, idempotency_key: Key) -> models.ActTaken:
    """Take the case. Of two at once one has it; the other gets 409 with the name."""
    return _taken(ledger, person, "claim", case_id, idempotency_key)


@router.post("/cases/{case_id}/release", summary="Give a case back", status_code=201, responses=_REFUSED)
def release(
    case_id: CaseId,
    person: Reviewer,
    ledger: Ledger,
    idempotency_key: Key,
    given: Annotated[models.ReleaseRequest | None, Body()] = None,
) -> models.ActTaken:
    """Give the case back to the queue. Whoever stands above may take it from another, with a reason."""
    return _taken(ledger, person, "release", case_id, idempotency_key, given.reason if given else "")


@router.post("/cases/{case_id}/reassign", summary="Hand a case on", status_code=201, responses=_REFUSED)
def reassign(
    case_id: CaseId, given: models.ReassignRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> models.ActTaken:
    """Hand the case to a person who holds its role."""
    return _taken(
        ledger, person, "reassign", case_id, idempotency_key, given.reason, to_person=given.to_person
    )


@router.post("/cases/{case_id}/questions", summary="Ask for information", status_code=201, responses=_REFUSED)
def ask(
    case_id: CaseId, given: models.QuestionRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> models.ActTaken:
    """Ask. The clock of the case stands until the information is given; the third question goes up."""
    return _taken(ledger, person, "ask", case_id, idempotency_key, given.question, whom=given.whom)


@router.post("/cases/{case_id}/information", summary="Give information", status_code=201, responses=_REFUSED)
def inform(
    case_id: CaseId, given: models.InformationRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> models.ActTaken:
    """Give what was asked for, or record what came by another way. The case goes back to who asked."""
    return _taken(ledger, person, "inform", case_id, idempotency_key, given.information)


@router.post("/cases/{case_id}/comments", summary="Comment on a case", status_code=201, responses=_REFUSED)
def comment(
    case_id: CaseId, given: models.CommentRequest, person: Reviewer, ledger: Ledger, idempotency_key: Key
) -> models.ActTaken:
    """Say something about the case, whatever its state."""
    return _taken(ledger, person, "comment", case_id, idempotency_key, given.comment)


@router.post(
    "/cases/{case_id}/attachments",
    summary="Attach a file",
    status_code=201,
    responses=_REFUSED,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def attach(
    case_id: CaseId,
    filename: Filename,
    request: Request,
    person: Annotated[Person, Depends(require_person)],
    ledger: Ledger,
    idempotency_key: Key,
) -> models.ActTaken:
    """Put a file to the case: the body is the file. What it is, its bytes say."""
    content = await request.body()
    return await run_in_threadpool(
        _taken, ledger, person, "attach", case_id, idempotency_key, filename.strip(), content=content
    )


@router.get(
    "/cases/{case_id}/attachments/{act_id}", summary="Download an attached file", response_class=Response
)
def download(case_id: CaseId, act_id: ActId, person: Reviewer, ledger: Ledger) -> Response:
    """Return the file exactly as it was attached, as a download."""
    return case_life.download_attachment(ledger, person, case_id, act_id)


@router.get("/questions", summary="List the questions to me")
def list_questions(person: Reviewer, ledger: Ledger) -> models.QuestionList:
    """Return the questions that wait for your answer, the oldest first."""
    with ledger.reading() as connection:
        found = case_life.list_questions(connection, person)
    return models.QuestionList.model_validate({"questions": found})
