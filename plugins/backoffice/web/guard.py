"""What stands before every page: size limit, cross-site check, security headers, no stray error."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import Request
from fastapi.responses import PlainTextResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

from backoffice.domain.decision_table.document import LONGEST
from backoffice.web.mount import Application, Receive, Scope, Send
from backoffice.web.problems import Problem, answer, broken, own_path, problem_of_http

MOST_BODY_BYTES = 64 * 1024
# a policy of the longest kind, each of its characters written as JSON may write it: two bytes as \u00e9
MOST_PROPOSAL_BYTES = 3 * LONGEST + MOST_BODY_BYTES
_TAKES_A_POLICY = re.compile(r"/api/v1/policies/proposals(/check)?")
# a file is read whole before the ledger says how large one may be (setting attachment_max_bytes)
MOST_FILE_BYTES = 20 * 1024 * 1024
_TAKES_A_FILE = re.compile(r"/api/v1/cases/[0-9]{1,19}/attachments")
REQUESTED_WITH = "backoffice"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}

log = logging.getLogger(__name__)


class Guard:
    """ASGI middleware around the whole application.

    Refuses bodies above ``most_bytes``, writes that a foreign page could have caused, and writes without a
    log-in before a byte of their body is read; adds the security headers to every answer; turns any error
    that nobody expected into our own 500 page, so that nothing of ours ever reaches Airflow's error handling.

    :param log_in: Raises an ``HTTPException`` for a request without a valid log-in.
    """

    def __init__(self, app: Application, log_in: Callable[[Request], Awaitable[object]]) -> None:
        self._app = app
        self._log_in = log_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on and add the headers to whatever is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        started = False

        async def send_guarded(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            refused = refuse_before_reading(request) or await self._refuse_stranger(request)
            if refused is not None:
                await answer(request, refused)(scope, receive, send_guarded)
                return
            await self._app(scope, _limited(receive, most_bytes(request)), send_guarded)
        except Exception:
            log.exception("%s %s failed", request.method, request.url.path)
            if not started:
                await _answer_broken(request)(scope, receive, send_guarded)

    async def _refuse_stranger(self, request: Request) -> Problem | None:
        """Return why who writes is refused. FastAPI reads a body before it asks for the log-in."""
        if request.method in _SAFE_METHODS:
            return None
        try:
            await self._log_in(request)
        except HTTPException as error:
            return problem_of_http(error)
        return None


def refuse_before_reading(request: Request) -> Problem | None:
    """Return why a request is refused by its headers alone, or None."""
    if "\x00" in request.scope["path"]:
        return Problem(404, "There is no such page.")
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()) or int(length) > most_bytes(request):
        return _too_large(most_bytes(request))
    if request.method not in _SAFE_METHODS and not is_ours(request.headers):
        return Problem(
            403,
            "This request could have been caused by another site. Programs log in with a Bearer token; "
            f"pages send the header X-Requested-With: {REQUESTED_WITH} from the same origin.",
        )
    return None


def most_bytes(request: Request) -> int:
    """Return how large the body of a request may be: a file's, a proposed policy's, or that of any other."""
    if request.method == "POST" and _TAKES_A_FILE.fullmatch(own_path(request)):
        return MOST_FILE_BYTES
    proposes = request.method == "POST" and _TAKES_A_POLICY.fullmatch(own_path(request))
    return MOST_PROPOSAL_BYTES if proposes else MOST_BODY_BYTES


def is_ours(headers: Headers) -> bool:
    """Tell whether a write comes from our own page or from a program with a token of its own.

    The log-in cookie is sent along by the browser whoever asks. A Bearer token is not, and neither can
    another site add the header. An Authorization header of another kind proves nothing: the cookie would
    still decide who asks.
    """
    if headers.get("authorization", "").lower().startswith("bearer "):
        return True
    same_origin = headers.get("sec-fetch-site") in (None, "same-origin")
    return same_origin and headers.get("x-requested-with") == REQUESTED_WITH


def _answer_broken(request: Request) -> Response:
    """Return our 500 page, or a plain sentence should the page itself be what is broken."""
    try:
        return answer(request, broken())
    except Exception:
        log.exception("the error page failed")
        return PlainTextResponse(broken().detail, 500)


def _too_large(most: int) -> Problem:
    return Problem(413, f"The request is larger than {most // 1024} KiB.")


def _limited(receive: Receive, most: int) -> Receive:
    """Return a ``receive`` that stops a body which grows past the limit whatever its headers promised."""
    received = 0

    async def counting() -> MutableMapping[str, Any]:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(
                413
            )  # the one kind of error that passes unchanged through the reading of a body
        return message

    return counting
