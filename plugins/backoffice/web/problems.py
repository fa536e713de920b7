"""Every answer that is not the one asked for: problem+json for programs, a page for people."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from urllib.parse import quote

import psycopg
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from backoffice.web import field_words
from backoffice.web.rendering import airflow_root, render_page

API_PREFIX = "/api/"

# What review.decide_case and its sisters raise, and what that is in HTTP.
STATUS_BY_SQLSTATE = {"BO401": 403, "BO403": 403, "BO404": 404, "BO409": 409, "BO422": 422}

_LOG_IN_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.2rem}"
    "a{display:inline-block;padding:.5rem 1.1rem;border-radius:7px;background:#0b62c4;color:#fff;"
    "font-weight:600;text-decoration:none}"
)
# what a page is called that is not the one asked for; programs get the name of the status
_TITLES = {
    401: "Please log in",
    403: "This is not open to you",
    404: "There is nothing here",
    409: "This does not go together",
    413: "This is too large",
    422: "Something is missing or wrong",
    429: "That was too often",
    500: "Something went wrong",
    503: "The ledger does not answer",
}
_EXPLANATIONS = {
    400: "The body of the request cannot be read.",
    401: "You are not logged in, or your log-in has ended. Log in again; inside Airflow, reload the page.",
    403: "Your log-in was not accepted. Log in again; inside Airflow, reload the page.",
    404: "There is no such page.",
    405: "This address does not take that kind of request.",
    413: "The request is larger than this address accepts.",
    500: "Something went wrong on our side. Nothing was saved. The API server's log says why.",
    503: "The ledger does not answer at the moment. Nothing was saved or lost; try again in a minute.",
}


@dataclass(frozen=True)
class FieldError:
    """One thing that is wrong with one field of a form; field ``""`` is the form as a whole."""

    field: str
    message: str


class Problem(Exception):
    """An answer with a status other than success.

    :param status: HTTP status.
    :param detail: What happened and what to do, for a person.
    :param errors: What is wrong with which field.
    :param log_in: Whether logging in again may help.
    :param findings: What is wrong with a policy's text, one object each, for programs.
    :param stranger: The log-in is nobody's here: there is nothing else of ours to go to.
    :param retry_after: After how many seconds it is worth trying again.
    :param allow: The methods that the address takes.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[FieldError] = (),
        *,
        log_in: bool = False,
        findings: Sequence[Mapping[str, object]] = (),
        retry_after: int | None = None,
        stranger: bool = False,
        allow: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.stranger = stranger
        self.allow = allow
        self.retry_after = retry_after
        self.findings = tuple(findings)
        self.log_in = log_in
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)


def problem_of_database(error: psycopg.Error) -> Problem | None:
    """Return the problem for a refusal by the ledger's own functions; None for any other error."""
    status = STATUS_BY_SQLSTATE.get(error.sqlstate or "")
    if status is None:
        return None
    message = error.diag.message_primary or HTTPStatus(status).phrase
    # The ledger names the field by the column of its error report, where it can.
    field = error.diag.column_name or ""
    return Problem(status, message, [FieldError(field, message)] if status == 422 else [])


def problem_of_validation(error: RequestValidationError) -> Problem:
    """Return the problem for a request whose fields do not have the declared form."""
    errors = []
    for item in error.errors():
        place = [str(part) for part in item["loc"] if part not in ("body", "query", "path", "header")]
        errors.append(FieldError(".".join(place), field_words.told(item)))
    return Problem(422, "Some fields are missing or not in the expected form.", errors)


def is_api(path: str) -> bool:
    """Tell whether a program asked: the path inside our application starts with ``/api/``."""
    return path.startswith(API_PREFIX)


def answer(request: Request, problem: Problem) -> Response:
    """Return the problem as problem+json (RFC 9457) below ``/api/``, as a page elsewhere."""
    title = HTTPStatus(problem.status).phrase
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else {}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.allow is not None:
        headers["Allow"] = problem.allow
    if is_api(own_path(request)):
        body: dict[str, object] = {
            "type": "about:blank",
            "title": title,
            "status": problem.status,
            "detail": problem.detail,
        }
        if problem.errors:
            body["errors"] = [asdict(error) for error in problem.errors]
        if problem.findings:
            body["findings"] = [dict(finding) for finding in problem.findings]
        return JSONResponse(body, problem.status, headers, media_type="application/problem+json")
    values = {
        "root": request.scope.get("root_path", ""),
        "title": _TITLES.get(problem.status, title),
        "status": problem.status,
        "detail": problem.detail,
        "stranger": problem.stranger,
    }
    if not problem.log_in:
        return HTMLResponse(render_page("problem.html", **values), problem.status, headers)
    style = _LOG_IN_STYLE
    page = render_page("log_in.html", **values, style=style, log_in_url=_log_in_url(request))
    return HTMLResponse(page, problem.status, {**headers, "Content-Security-Policy": _policy_for(style)})


def _policy_for(style: str) -> str:
    """Allow a page exactly this style and nothing else: without a log-in it may ask us for no file."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )


def problem_of_http(error: HTTPException, allow: str | None = None) -> Problem:
    """Return the problem for an error raised by Airflow's or Starlette's own code.

    :param allow: The methods that the address takes.
    """
    status = error.status_code
    explanation = _EXPLANATIONS.get(status, HTTPStatus(status).phrase)
    # A refusal that is not ours comes from Airflow's log-in: a token that is missing, forged, revoked or too
    # old.
    log_in = status in (401, 403)
    told = log_in or error.detail in (None, HTTPStatus(status).phrase)
    detail = explanation if told else f"{explanation} ({error.detail})"
    return Problem(status, detail, log_in=log_in, allow=allow)


def unavailable() -> Problem:
    """Return the problem for a ledger that does not answer."""
    return Problem(503, _EXPLANATIONS[503])


def broken() -> Problem:
    """Return the problem for an error of ours."""
    return Problem(500, _EXPLANATIONS[500])


def own_path(request: Request) -> str:
    """Return the path inside our application, without the prefix it is mounted under."""
    root = request.scope.get("root_path", "")
    path: str = request.scope["path"]
    return path.removeprefix(root) or "/"


def _log_in_url(request: Request) -> str:
    """Return Airflow's own log-in address, which sends the person back here afterwards.

    Only the path and the query of this request go along: whatever host a caller claims, the way back leads
    to Airflow's own.
    """
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"{airflow_root(request.scope.get('root_path', ''))}/api/v2/auth/login?next={quote(back, safe='')}"
