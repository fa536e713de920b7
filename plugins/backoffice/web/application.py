"""The application: every route asks for a log-in, every answer carries the security headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from backoffice import __version__, settings
from backoffice.web import (
    api,
    audit_pages,
    authority_api,
    authority_pages,
    batch_api,
    case_api,
    log_api,
    oversight_api,
    own_pages,
    pages,
    policy_api,
    policy_pages,
    privacy_api,
)
from backoffice.web.auth import log_in_of
from backoffice.web.database import LedgerPool, LedgerUnavailable
from backoffice.web.guard import Guard, log
from backoffice.web.methods import methods_of, refuse_unknown_parameters
from backoffice.web.problems import Problem, answer, problem_of_http, problem_of_validation, unavailable
from backoffice.web.rate import Buckets, limit_rate


def create_app(
    dsn_source: Callable[[], str] = settings.web_dsn,
    log_in: Callable[[Request], Awaitable[object]] = log_in_of,
) -> FastAPI:
    """Create the application. Connects to nothing until a page is asked for.

    :param dsn_source: Returns the ledger's connection string for log-in ``backoffice_web``.
    :param log_in: Refuses a write without a valid log-in before its body is read.
    """
    app = FastAPI(
        title="Back office",
        version=__version__,
        description="Cases that wait for people, their answers, and the reports of the runs.",
        openapi_url=None,  # served behind the log-in instead
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(limit_rate), Depends(refuse_unknown_parameters)],
    )
    app.state.rates = Buckets()
    app.state.ledger = LedgerPool(dsn_source)
    app.add_middleware(Guard, log_in=log_in)
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(LedgerUnavailable, _answer_unavailable)
    app.include_router(api.router)
    app.include_router(authority_api.router)
    app.include_router(batch_api.router)
    app.include_router(case_api.router)
    app.include_router(log_api.router)
    app.include_router(oversight_api.router)
    app.include_router(policy_api.router)
    app.include_router(privacy_api.router)
    app.include_router(authority_pages.router)
    app.include_router(policy_pages.router)
    app.include_router(own_pages.router)
    app.include_router(audit_pages.router)
    app.include_router(pages.router)  # answers every other address, so it comes last
    return app


def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class alone
    return answer(request, error)


def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    if error.status_code == 405:
        return _answer_method(request)
    return answer(request, problem_of_http(error))


def _answer_method(request: Request) -> Response:
    allow = ", ".join(sorted(methods_of(request) or {"GET"}))
    return answer(request, problem_of_http(HTTPException(405), allow))


def _answer_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
    if request.method not in methods_of(request):
        return _answer_method(request)  # .../cases/answers is not the case "answers"
    return answer(request, problem_of_validation(error))


def _answer_unavailable(request: Request, error: Exception) -> Response:
    log.warning("the ledger does not answer: %s", error)
    return answer(request, unavailable())
