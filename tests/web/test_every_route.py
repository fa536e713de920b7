"""Every route times every kind of caller. A route that is missing from the table fails the test."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from tests.changing import INSTALLED, NEXT, propose, version
from tests.web.books import Books
from tests.web.host import ROLES, log_in

from backoffice.web.api import require_login

ANSWER = {"action": "accept", "reason_code": "approved", "reason": "as agreed", "evidence_hash": "00" * 32}
CALLERS = ("anonymous", "bad_token", "bad_cookie", *ROLES)
MAPPED = ("clerk", "buyer", "manager", "admin")
OFFICERS = ("manager", "admin")


@dataclass(frozen=True)
class Expected:
    """What each caller gets on one address.

    :param address: With the names of ``Books`` in braces.
    :param mapped: Status for a person the ledger knows.
    :param viewer: For a log-in that may see the Dag's runs in Airflow and is nobody in the ledger.
    :param nobody: For a log-in without any permission.
    :param officers: Of the persons only data protection officers; the others get 403.
    """

    route: str
    address: str
    mapped: int
    viewer: int
    nobody: int
    method: str = "GET"
    body: dict[str, str] | None = None
    officers: bool = False


NO_POLICY = {"content": "no policy", "reason": "as agreed"}
LOG_IN_ONLY = {"viewer": 200, "nobody": 200}
PERSON_ONLY = {"viewer": 403, "nobody": 403}
RUN_READERS = {"viewer": 200, "nobody": 403}
TABLE = [
    Expected("/", "/", 307, 307, 307),
    Expected("/cases", "/cases", 200, **PERSON_ONLY),
    Expected("/cases/counts", "/cases/counts", 200, **PERSON_ONLY),
    Expected("/cases/{case_id}", "/cases/{price}", 200, **PERSON_ONLY),
    # of a document that is no PDF file; one that is: test_documents.py
    Expected(
        "/cases/{case_id}/documents/{document_id}/pdf",
        "/cases/{price}/documents/{document}/pdf",
        404,
        **PERSON_ONLY,
    ),
    Expected("/activity", "/activity", 200, **PERSON_ONLY),
    Expected("/health", "/health", 200, **PERSON_ONLY),
    Expected("/audit", "/audit", 200, **PERSON_ONLY),
    # what a pack holds, and of what there is one: test_audit_pages.py
    Expected("/audit/evidence", "/audit/evidence?ref=nothing", 422, **PERSON_ONLY),
    Expected("/runs", "/runs", 200, **LOG_IN_ONLY),
    Expected("/runs/{dag_id}/{run_id}", "/runs/{dag_id}/{airflow_run_id}", 200, **RUN_READERS),
    Expected(
        "/gates/{dag_id}/{run_id}/{dataset}", "/gates/{dag_id}/{airflow_run_id}/invoices", 307, 307, 403
    ),
    Expected(
        "/gates/{dag_id}/{run_id}/{dataset}/{name:path}",
        "/gates/{dag_id}/{airflow_run_id}/invoices/",
        200,
        **RUN_READERS,
    ),
    Expected("/static/{name}", "/static/backoffice.css", 200, **LOG_IN_ONLY),
    Expected("/{path:path}", "/nothing/here", 404, 404, 404),
    Expected("/api/v1/cases", "/api/v1/cases", 200, **PERSON_ONLY),
    Expected("/api/v1/cases/counts", "/api/v1/cases/counts", 200, **PERSON_ONLY),
    Expected("/api/v1/cases/answers", "/api/v1/cases/answers", 422, 403, 403, method="POST"),
    Expected("/api/v1/cases/answers/check", "/api/v1/cases/answers/check", 422, 403, 403, method="POST"),
    Expected("/api/v1/cases/{case_id}", "/api/v1/cases/{price}", 200, **PERSON_ONLY),
    Expected(
        "/api/v1/cases/{case_id}/documents/{document_id}",
        "/api/v1/cases/{price}/documents/{document}",
        200,
        **PERSON_ONLY,
    ),
    Expected(
        "/api/v1/cases/{case_id}/answers", "/api/v1/cases/{price}/answers", 409, 403, 403, method="POST"
    ),
    # what each person may do with a case: test_case_life_api.py, tests/integration/life
    Expected("/api/v1/cases/{case_id}/life", "/api/v1/cases/{price}/life", 200, **PERSON_ONLY),
    Expected("/api/v1/cases/{case_id}/claim", "/api/v1/cases/999999/claim", 404, 403, 403, method="POST"),
    *(
        Expected(
            f"/api/v1/cases/{{case_id}}/{act}", f"/api/v1/cases/{{price}}/{act}", 422, 403, 403, method="POST"
        )
        for act in ("release", "reassign", "questions", "information", "comments", "attachments")
    ),
    # of a batch: test_batches.py
    Expected("/api/v1/cases/{case_id}/entries", "/api/v1/cases/{price}/entries", 404, 403, 403),
    Expected(
        "/api/v1/cases/{case_id}/entries/taken-out",
        "/api/v1/cases/{price}/entries/taken-out",
        422,
        403,
        403,
        method="POST",
    ),
    Expected(
        "/api/v1/cases/{case_id}/attachments/{act_id}",
        "/api/v1/cases/{price}/attachments/999999",
        404,
        403,
        403,
    ),
    Expected("/api/v1/questions", "/api/v1/questions", 200, **PERSON_ONLY),
    # what log keepers may, and who is one: test_log_api.py
    Expected("/api/v1/log/proposals", "/api/v1/log/proposals", 200, **PERSON_ONLY),
    Expected("/api/v1/log/restores", "/api/v1/log/restores", 422, 403, 403, method="POST"),
    Expected("/api/v1/log/keys", "/api/v1/log/keys", 422, 403, 403, method="POST"),
    Expected(
        "/api/v1/log/proposals/{proposal_id}/confirmation",
        "/api/v1/log/proposals/1/confirmation",
        422,
        403,
        403,
        method="POST",
    ),
    # what data protection officers may, and that two switch it on: test_oversight_api.py
    Expected("/api/v1/oversight/measures", "/api/v1/oversight/measures", 200, **PERSON_ONLY),
    Expected("/api/v1/oversight/measures", "/api/v1/oversight/measures", 422, 403, 403, method="POST"),
    Expected(
        "/api/v1/oversight/measures/{measure_id}/answers",
        "/api/v1/oversight/measures/999999/answers",
        404,
        403,
        403,
        "POST",
        {"answer": "decline", "reason": "as agreed"},
        officers=True,
    ),
    Expected("/api/v1/runs", "/api/v1/runs", 200, **LOG_IN_ONLY),
    Expected(
        "/api/v1/runs/{dag_id}/{run_id}/report",
        "/api/v1/runs/{dag_id}/{airflow_run_id}/report",
        200,
        **RUN_READERS,
    ),
    Expected("/policies", "/policies", 200, **PERSON_ONLY),
    Expected(
        "/policies/{policy_id}/versions/{version}",
        f"/policies/approve_invoice/versions/{INSTALLED}",
        200,
        **PERSON_ONLY,
    ),
    Expected("/policies/{policy_id}/propose", "/policies/approve_invoice/propose", 200, **PERSON_ONLY),
    Expected("/policies/proposals/{proposal_id}", "/policies/proposals/{proposal}", 200, **PERSON_ONLY),
    Expected("/api/v1/policies", "/api/v1/policies", 200, **PERSON_ONLY),
    Expected(
        "/api/v1/policies/{policy_id}/versions/{version}",
        f"/api/v1/policies/approve_invoice/versions/{INSTALLED}",
        200,
        **PERSON_ONLY,
    ),
    # what each role may do with a change of a policy is in test_policies_api
    Expected(
        "/api/v1/policies/proposals/check",
        "/api/v1/policies/proposals/check",
        422,
        403,
        403,
        "POST",
        {"content": "no policy"},
    ),
    Expected("/api/v1/policies/proposals", "/api/v1/policies/proposals", 422, 403, 403, "POST", NO_POLICY),
    Expected(
        "/api/v1/policies/proposals/{proposal_id}",
        "/api/v1/policies/proposals/{proposal}",
        200,
        **PERSON_ONLY,
    ),
    Expected(
        "/api/v1/policies/proposals/{proposal_id}/approve",
        "/api/v1/policies/proposals/{proposal}/approve",
        409,
        403,
        403,
        "POST",
        {"reason": "as agreed", "impact_sha256": "00" * 32},
    ),
    *(
        Expected(
            f"/api/v1/policies/proposals/{{proposal_id}}/{end}",
            f"/api/v1/policies/proposals/999999/{end}",
            404,
            403,
            403,
            "POST",
            {"reason": "as agreed"},
        )
        for end in ("refuse", "withdraw")
    ),
    # what administrators may, and that two carry a change: test_authority_api.py
    Expected("/authority", "/authority", 200, **PERSON_ONLY),
    Expected("/authority/changes/{change_id}", "/authority/changes/999999", 404, **PERSON_ONLY),
    Expected("/api/v1/authority", "/api/v1/authority", 200, **PERSON_ONLY),
    Expected("/api/v1/authority/changes", "/api/v1/authority/changes", 200, **PERSON_ONLY),
    Expected("/api/v1/authority/changes", "/api/v1/authority/changes", 422, 403, 403, method="POST"),
    Expected("/api/v1/authority/changes/{change_id}", "/api/v1/authority/changes/999999", 404, **PERSON_ONLY),
    *(
        Expected(
            f"/api/v1/authority/changes/{{change_id}}/{end}",
            f"/api/v1/authority/changes/999999/{end}",
            404,
            403,
            403,
            "POST",
            {"reason": "as agreed", **({"shown_sha256": "00" * 32} if end == "approve" else {})},
        )
        for end in ("approve", "refuse", "withdraw")
    ),
    Expected("/api/v1/privacy/retention", "/api/v1/privacy/retention", 200, **PERSON_ONLY, officers=True),
    Expected("/api/v1/privacy/holds", "/api/v1/privacy/holds", 200, **PERSON_ONLY, officers=True),
    Expected("/api/v1/privacy/requests", "/api/v1/privacy/requests", 200, **PERSON_ONLY, officers=True),
    Expected("/api/v1/privacy/holds", "/api/v1/privacy/holds", 422, 403, 403, method="POST"),
    Expected("/api/v1/privacy/requests", "/api/v1/privacy/requests", 422, 403, 403, method="POST"),
    Expected(
        "/api/v1/privacy/requests/{request_id}/answers",
        "/api/v1/privacy/requests/1/answers",
        422,
        403,
        403,
        method="POST",
    ),
    Expected("/api/v1/openapi.json", "/api/v1/openapi.json", 200, **LOG_IN_ONLY),
]


@pytest.fixture
def gate_page(standing_books: Books, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__GATE_DIR", str(tmp_path))
    folder = tmp_path / standing_books.dag_id / standing_books.airflow_run_id / "invoices"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<h1>Gate</h1>")


def routes_of(app: FastAPI) -> list[APIRoute]:
    assert all(isinstance(route, APIRoute) for route in app.routes), (
        "a mount or plain route escapes the log-in"
    )
    return [route for route in app.routes if isinstance(route, APIRoute)]


def status_for(caller: str, expected: Expected) -> int:
    if caller == "anonymous":
        return 401
    if caller in ("bad_token", "bad_cookie"):
        return 403
    if expected.officers and caller in MAPPED and caller not in OFFICERS:
        return 403
    return expected.mapped if caller in MAPPED else expected.viewer if caller == "viewer" else expected.nobody


def test_the_table_names_every_route_and_nothing_else(app):
    there = {(method, route.path) for route in routes_of(app) for method in route.methods or ()}
    assert there == {(expected.method, expected.route) for expected in TABLE}


def test_every_route_asks_for_a_log_in(app):
    for route in routes_of(app):
        assert require_login in [dependency.call for dependency in route.dependant.dependencies], route.path


@pytest.mark.parametrize("caller", CALLERS)
def test_what_each_caller_gets(caller, look, standing_books, gate_page, standing_ledger):
    with standing_ledger.connect("admin") as connection:
        document = connection.execute(
            "SELECT i.document_id FROM review.case c JOIN purchasing.invoice i ON i.invoice_id = c.subject_id WHERE c.case_id = %s",
            (standing_books.price,),
        ).fetchone()[0]
        proposal = (
            connection.execute("SELECT max(proposal_id) FROM review.policy_proposal").fetchone()[0]
            or propose(connection, "clerk", version(NEXT))["proposal_id"]
        )
    client = look(None)
    headers = {"X-Requested-With": "backoffice", "Idempotency-Key": "0123456789"}
    if caller == "bad_token":
        headers["Authorization"] = "Bearer forged.token.here"
    elif caller == "bad_cookie":
        client.cookies.set("_token", "forged.token.here")
    elif caller != "anonymous":
        headers["Authorization"] = f"Bearer {log_in(caller)}"
    got, wanted = {}, {}
    for expected in TABLE:
        address = expected.address.format(**vars(standing_books), document=document, proposal=proposal)
        body = (expected.body or ANSWER) if expected.method == "POST" else None
        response = client.request(expected.method, address, headers=headers, json=body)
        got[expected.method, expected.route] = response.status_code
        wanted[expected.method, expected.route] = status_for(caller, expected)
        is_api = expected.route.startswith("/api/")
        if response.status_code >= 400:
            kind = "application/problem+json" if is_api else "text/html; charset=utf-8"
            assert response.headers["content-type"] == kind
            assert "Traceback" not in response.text
    assert got == wanted


def test_another_method_on_a_known_address_is_refused(look, standing_books):
    for method in ("PUT", "DELETE", "PATCH"):
        response = look("clerk").request(method, f"/api/v1/cases/{standing_books.price}")
        assert (response.status_code, response.headers["allow"]) == (405, "GET")
    for address, allowed in (
        ("/api/v1/authority/changes", "GET, POST"),
        ("/api/v1/cases/answers", "POST"),
        ("/nothing/here", "GET"),
    ):
        response = look("clerk").request("PUT", address)
        assert (response.status_code, response.headers["allow"]) == (405, allowed)
    for address in ("/api/v1/cases/answers", "/api/v1/policies/proposals/check", "/api/v1/log/keys"):
        response = look("clerk").get(address)
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_a_parameter_with_a_slip_is_named_and_shows_nothing(look, standing_books):
    response = look("clerk").get("/api/v1/cases?sate=open&role=buyer&%00=1")
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["\x00", "sate"]
    assert "cases" not in response.json()
    assert look("clerk").get("/api/v1/cases?role=buyer&role=x").status_code == 200
    assert look("clerk").get("/cases?sate=open").status_code == 200, "a page takes what a link says"
