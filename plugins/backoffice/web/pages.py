"""The pages people see inside Airflow: inbox, case, runs, run report, gate pages, and the files they need."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from backoffice.domain.wording import age
from backoffice.operators.gate_page import gate_root
from backoffice.operators.run_report import report_view
from backoffice.settings import include_dir
from backoffice.web import batches, cases, documents, gates, inbox, inbox_brief, inbox_view, runs
from backoffice.web.api import CaseId, address_with, page_address
from backoffice.web.auth import (
    Ledger,
    LoggedIn,
    Person,
    Reviewer,
    find_person,
    may_read_dag,
    require_login,
    require_run_reader,
)
from backoffice.web.case_life_view import view_life
from backoffice.web.case_middle import decided_by, view_middle
from backoffice.web.guard import PAGE_POLICY
from backoffice.web.inbox_query import TypedQuery, read_typed
from backoffice.web.methods import methods_of
from backoffice.web.problems import Problem
from backoffice.web.rendering import page

router = APIRouter(dependencies=[Depends(require_login)], include_in_schema=False)

_CASES_PER_PAGE = 50
_RUNS_PER_PAGE = 50
_STATIC = Path(__file__).parent / "static"


@router.get("/")
def start(request: Request) -> Response:
    """Go to the inbox."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/cases", status_code=307)


@router.get("/cases")
def inbox_page(
    request: Request,
    person: Reviewer,
    ledger: Ledger,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Response:
    """Show the cases that wait for people."""
    asked = _asked(request, person)
    with ledger.reading() as connection:
        listed = inbox.list_cases(connection, person, asked.query, cursor=cursor, most=_CASES_PER_PAGE)
        waiting = [case for case in listed.cases if case["state"] in cases.STATES["open"]]
        briefs = inbox_brief.read_briefs(connection, person, waiting)
        counts = inbox.count_open(connection, person)
        codes = inbox.list_codes(connection, person)
        titles = cases.titles_of_codes(connection)
    return page(
        request,
        "inbox.html",
        person=person,
        **inbox_view.view(listed.cases, titles, datetime.now(UTC)),
        briefs=briefs,
        asked=asked,
        counts=counts,
        codes=[{**item, "title": inbox_view.title_of(item["code"], titles)} for item in codes],
        title_of=lambda code: inbox_view.title_of(code, titles),
        address_of=lambda **changes: page_address(request, cursor=None, **changes),
        next_address=page_address(request, cursor=listed.next_cursor) if listed.next_cursor else None,
        first_page=cursor is None,
        idempotency_key=str(uuid.uuid4()),
    )


def _asked(request: Request, person: Person) -> TypedQuery:
    """Return the filters of the page. Without any, whoever decides begins with what waits for them."""
    typed = {name: value for name, value in request.query_params.items() if name != "cursor"}
    decides = any(role != "auditor" for role in person.roles)
    return read_typed(typed or ({"mine": "true"} if decides else {}))


@router.get("/cases/counts")
def counts_part(request: Request, person: Reviewer, ledger: Ledger) -> Response:
    """Give the part of the inbox that counts, which the page asks for anew while it is open."""
    asked = _asked(request, person)
    with ledger.reading() as connection:
        counts = inbox.count_open(connection, person)
    inbox_address = f"{request.scope.get('root_path', '')}/cases"
    return page(
        request,
        "inbox_counts.html",
        asked=asked,
        counts=counts,
        address_of=lambda **changes: address_with(
            inbox_address, request.query_params, cursor=None, **changes
        ),
    )


@router.get("/cases/{case_id}")
def case_page(
    case_id: CaseId,
    request: Request,
    person: Reviewer,
    ledger: Ledger,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """Show one case with what happened and what can be done; of a batch the entries after one."""
    with ledger.reading() as connection:
        record = cases.read_case(connection, person, case_id)
        entries = (
            batches.read_entries(connection, person, record, after=after, most=batches.ENTRIES_PER_PAGE)
            if record.case["subject_kind"] == cases.BATCH
            else None
        )
        originals = documents.shown(connection, person, case_id, record.documents)
        life = view_life(connection, person, case_id)
        answerable = record.case["state"] in cases.STATES["open"]
        briefs = inbox_brief.read_briefs(connection, person, [record.case] if answerable else [])
        middle = view_middle(connection, person, record)
    handover = record.handover
    shown = page(
        request,
        "case.html",
        person=person,
        case=record.case,
        supplier=handover.get("supplier") or {},
        document=handover.get("document") or {},
        holds=record.holds,
        findings=handover.get("findings") or [],
        steps=handover.get("steps") or [],
        actions=record.actions,
        answers=record.answers,
        originals=originals,
        most_lines=documents.MOST_LINES_SHOWN,
        hypotheses=record.hypotheses,
        changed=record.changed,
        changed_just_now=record.changed_just_now,
        similar=handover.get("similar") or {},
        also_needed=(handover.get("entries") or {}).get("also_needed") or [],
        gathered_at=handover.get("gathered_at"),
        whose=decided_by(record.case),
        age=age(record.case["opened_at"], datetime.now(UTC)),
        answerable=answerable,
        brief=briefs.get(case_id),
        refusals=sorted({action["why_not"] for action in record.actions if not action["allowed"]}),
        idempotency_key=str(uuid.uuid4()),
        batch=handover.get("batch"),
        entries=entries,
        entries_after=after,
        **middle,
        **life,
    )
    if any(original.pdf for original in originals):
        shown.headers["Content-Security-Policy"] = f"{PAGE_POLICY}; frame-src 'self'"
    return shown


@router.get("/cases/{case_id}/documents/{document_id}/pdf")
def framed_pdf(case_id: CaseId, document_id: CaseId, person: Reviewer, ledger: Ledger) -> Response:
    """Serve a PDF file to the sandboxed frame of its case page."""
    with ledger.reading() as connection:
        return documents.framed_pdf(connection, person, case_id, document_id)


@router.get("/runs")
def runs_page(
    request: Request, principal: LoggedIn, ledger: Ledger, before: Annotated[int | None, Query(ge=1)] = None
) -> Response:
    """List the runs this log-in may see."""
    person = find_person(ledger, principal)
    with ledger.reading() as connection:
        dag_ids = runs.dags_with_runs(connection)
        if person is None:
            dag_ids = [dag_id for dag_id in dag_ids if may_read_dag(request, dag_id, principal)]
        found, following = runs.list_runs(connection, dag_ids, before_run=before, most=_RUNS_PER_PAGE)
    return page(
        request,
        "runs.html",
        person=person,
        runs=found,
        next_address=page_address(request, before=following) if following else None,
    )


@router.get("/runs/{dag_id}/{run_id}", dependencies=[Depends(require_run_reader)])
def run_page(dag_id: str, run_id: str, request: Request, principal: LoggedIn, ledger: Ledger) -> Response:
    """Show the report of a run; it is also a tab on the run in Airflow."""
    with ledger.reading() as connection:
        found = runs.read_report(connection, dag_id, run_id)
    person = find_person(ledger, principal)
    if found["report"] is None:
        return page(request, "run_unreported.html", person=person, run=found)
    return page(
        request, "run.html", person=person, open_cases=found["open_cases"], **report_view(found["report"])
    )


@router.get("/gates/{dag_id}/{run_id}/{dataset}", dependencies=[Depends(require_run_reader)])
def gate_without_slash(request: Request) -> Response:
    """Go to the gate's first page, whose links are relative to its folder."""
    return RedirectResponse(f"{request.url.path}/", status_code=307)


@router.get("/gates/{dag_id}/{run_id}/{dataset}/{name:path}", dependencies=[Depends(require_run_reader)])
def gate_page(dag_id: str, run_id: str, dataset: str, name: str) -> Response:
    """Serve a page of a quality gate; it also opens from the gate's task in Airflow."""
    return gates.serve(gates.find_gate_file(gate_root(), dag_id, run_id, dataset, name))


@router.get("/static/{name}")
def static_file(name: str) -> Response:
    """Serve the pages' own style sheets and script; nothing else is there to be asked for."""
    files = {
        "authority.js": (_STATIC / "authority.js", "text/javascript"),
        "backoffice.css": (_STATIC / "backoffice.css", "text/css"),
        "backoffice.js": (_STATIC / "backoffice.js", "text/javascript"),
        "case_keys.js": (_STATIC / "case_keys.js", "text/javascript"),
        "case_life.js": (_STATIC / "case_life.js", "text/javascript"),
        "htmx.min.js": (_STATIC / "vendor" / "htmx.min.js", "text/javascript"),
        "inbox.js": (_STATIC / "inbox.js", "text/javascript"),
        "policy.js": (_STATIC / "policy.js", "text/javascript"),
        "policy_propose.js": (_STATIC / "policy_propose.js", "text/javascript"),
        "theme.js": (_STATIC / "theme.js", "text/javascript"),
        "report.css": (include_dir() / "templates" / "report.css", "text/css"),
    }
    if name not in files:
        raise Problem(404, "There is no such file.")
    path, media_type = files[name]
    return Response(path.read_bytes(), media_type=media_type)


@router.get("/{path:path}")
def nothing_there(path: str, request: Request) -> Response:
    """Answer every other address, so that also those ask for a log-in first."""
    if methods_of(request):
        raise HTTPException(405)  # it is one of those that are only written to
    raise Problem(404, f"There is no page /{path[:200]}.")
